// SPDX-License-Identifier: MIT
// bpfvlan rule append | insert | replace | delete | flush | policy | list | save | restore
#include <fmt/core.h>

#include <charconv>
#include <iostream>
#include <iterator>

#include "app.hpp"
#include "rule_list.hpp"

namespace bpfvlan::cli {
namespace {

constexpr auto kRuleOptions = R"(

RULE, as of iptables; ! before what is marked with it:
  -4 | -6                          of IPv4 or IPv6 alone; else of both, unless
                                   an address, ICMP or a reject type says so
! -s, -d PREFIX                    ADDRESS, ADDRESS/LENGTH or ADDRESS/MASK
! -p PROTOCOL                      name, number, or all
! --sport, --dport PORT[:PORT]     with -p tcp, udp, sctp or dccp
! --sports, --dports, --ports PORT[:PORT],...
                                   -m multiport; likewise, and udplite
! --icmp-type TYPE[/CODE]          with -p icmp; a number or a name
! --icmpv6-type TYPE[/CODE]        with -p icmpv6
! --tcp-flags MASK SET             with -p tcp; or --syn
! --ctstate STATE,...              NEW, ESTABLISHED, RELATED, INVALID;
                                   also -m state --state
! --endpoint NAME                  it goes to (input) or comes from (output)
  -m comment --comment TEXT
  -j ACCEPT | DROP | REJECT [--reject-with TYPE])";

// What stands behind the options of our own: CHAIN [N] [RULE].
class Words {
 public:
  explicit Words(std::vector<std::string> words) : words_(std::move(words)) {}

  bv_chain chain() {
    if (at_ == words_.size()) throw CLI::RequiredError("CHAIN (input or output)");
    return value_or_throw("CHAIN", parse_chain(words_[at_++]));
  }
  std::optional<std::size_t> number() {
    if (at_ == words_.size()) return {};
    const auto& word = words_[at_];
    std::size_t number = 0;
    const auto [end, err] = std::from_chars(word.data(), word.data() + word.size(), number);
    if (err != std::errc{} || end != word.data() + word.size()) return {};
    ++at_;
    return number;
  }
  std::size_t required_number() {
    const auto value = number();
    if (!value) throw CLI::RequiredError("The number of a rule");
    return *value;
  }
  Rule rule() {  // all that is left
    const auto rest = std::span(words_).subspan(std::exchange(at_, words_.size()));
    return value_or_throw("RULE", parse_rule(rest));
  }
  std::string word(const char* name) {
    if (at_ == words_.size()) throw CLI::RequiredError(name);
    return words_[at_++];
  }
  void end() const {
    if (at_ < words_.size()) throw CLI::ExtrasError({words_[at_]});
  }

  template <class T>
  static T value_or_throw(const char* what, Result<T> value) {
    if (!value) throw CLI::ValidationError(what, value.error().what);
    return std::move(*value);
  }

 private:
  std::vector<std::string> words_;
  std::size_t at_ = 0;
};

CLI::App* add_verb(CLI::App& object, const char* verb, const char* help,
                   const std::shared_ptr<std::string>& parent) {
  auto* command = object.add_subcommand(verb, help);
  command->add_option("--parent", *parent, "Whose rules")->required();
  return command;
}

using Act = std::function<Result<>(Control&, const std::string& parent)>;
// Takes the words apart, which may throw, and says what is to be done.
using Plan = std::function<Act(Words&)>;

void add_change(CLI::App& object, App& app, const char* verb, const char* help, const char* usage,
                const Plan& plan) {
  auto parent = std::make_shared<std::string>();
  auto* command = add_verb(object, verb, help, parent);
  command->prefix_command();
  const bool has_rule = std::string_view(usage).find("RULE") != std::string_view::npos;
  command->footer(fmt::format("\nBehind the options: {}{}", usage, has_rule ? kRuleOptions : ""));
  command->callback([&app, parent, plan, command] {
    Words words(command->remaining());
    const auto act = plan(words);
    words.end();
    app.action = [&app, parent, act]() -> Result<> {
      BV_TRY(auto* control, app.control());
      return act(*control, *parent);
    };
  });
}

Act append(Words& words) {
  const auto chain = words.chain();
  return [chain, rule = words.rule()](Control& c, const std::string& parent) {
    return c.append_rule(parent, chain, rule);
  };
}

Act insert(Words& words) {
  const auto chain = words.chain();
  const auto number = words.number().value_or(1);
  return [chain, number, rule = words.rule()](Control& c, const std::string& parent) {
    return c.insert_rule(parent, chain, number, rule);
  };
}

Act replace(Words& words) {
  const auto chain = words.chain();
  const auto number = words.required_number();
  return [chain, number, rule = words.rule()](Control& c, const std::string& parent) {
    return c.replace_rule(parent, chain, number, rule);
  };
}

Act remove(Words& words) {
  const auto chain = words.chain();
  if (const auto number = words.number()) {
    words.end();
    return [chain, number](Control& c, const std::string& parent) {
      return c.delete_rule(parent, chain, *number);
    };
  }
  return [chain, rule = words.rule()](Control& c, const std::string& parent) {
    return c.delete_rule(parent, chain, rule);
  };
}

Act set_policy(Words& words) {
  const auto chain = words.chain();
  const auto policy =
      Words::value_or_throw("POLICY", parse_chain_policy(words.word("POLICY (ACCEPT or DROP)")));
  words.end();
  return [chain, policy](Control& c, const std::string& parent) {
    return c.set_chain_policy(parent, chain, policy);
  };
}

void add_flush(CLI::App& object, App& app) {
  struct Args {
    std::shared_ptr<std::string> parent = std::make_shared<std::string>();
    std::string chain;
  };
  auto args = std::make_shared<Args>();
  auto* command =
      add_verb(object, "flush", "Delete all rules, of both chains or of one", args->parent);
  command->add_option("CHAIN", args->chain, "input or output");
  command->callback([&app, args] {
    std::optional<bv_chain> chain;
    if (!args->chain.empty()) chain = Words::value_or_throw("CHAIN", parse_chain(args->chain));
    app.action = [&app, args, chain]() -> Result<> {
      BV_TRY(auto* control, app.control());
      return control->flush_rules(*args->parent, chain);
    };
  });
}

void add_list(CLI::App& object, App& app) {
  struct Args {
    std::shared_ptr<std::string> parent = std::make_shared<std::string>();
    std::string chain;
    RuleColumns columns;
    bool numeric = false;
  };
  auto args = std::make_shared<Args>();
  auto* command = add_verb(object, "list", "Rules in their order", args->parent);
  command->add_option("CHAIN", args->chain, "input or output; default: both");
  command->add_flag("-v,--verbose", args->columns.counts, "With packets and bytes");
  command->add_flag("--line-numbers", args->columns.numbers, "With their numbers");
  command->add_flag("-n,--numeric", args->numeric, "As always: for who is used to it");
  command->callback([&app, args] {
    std::optional<bv_chain> chain;
    if (!args->chain.empty()) chain = Words::value_or_throw("CHAIN", parse_chain(args->chain));
    app.action = [&app, args, chain]() -> Result<> {
      BV_TRY(auto* control, app.control());
      BV_TRY(const auto chains, control->rules(*args->parent));
      list_rules(app.output, chains, chain, args->columns);
      return {};
    };
  });
}

void add_save(CLI::App& object, App& app) {
  struct Args {
    std::shared_ptr<std::string> parent = std::make_shared<std::string>();
    bool counters = false;
  };
  auto args = std::make_shared<Args>();
  auto* command = add_verb(object, "save", "Print them as iptables-save does", args->parent);
  command->add_flag("-c,--counters", args->counters, "With packets and bytes");
  command->callback([&app, args] {
    app.action = [&app, args]() -> Result<> {
      BV_TRY(auto* control, app.control());
      BV_TRY(const auto chains, control->rules(*args->parent));
      fmt::print("{}", save_rules(chains, args->counters));
      return {};
    };
  });
}

void add_restore(CLI::App& object, App& app) {
  struct Args {
    std::shared_ptr<std::string> parent = std::make_shared<std::string>();
    bool counters = false, ipv4 = false, ipv6 = false;
  };
  auto args = std::make_shared<Args>();
  auto* command = add_verb(object, "restore",
                           "Take all rules at once from standard input, which has iptables-save's "
                           "format; the chain FORWARD and other tables are skipped",
                           args->parent);
  command->add_flag("-c,--counters", args->counters, "With packets and bytes");
  auto* ipv4 = command->add_flag("-4,--ipv4", args->ipv4, "All are of IPv4 alone");
  command->add_flag("-6,--ipv6", args->ipv6, "All are of IPv6 alone")->excludes(ipv4);
  command->callback([&app, args] {
    app.action = [&app, args]() -> Result<> {
      if (app.batch_file == "-")
        return refuse(std::errc::invalid_argument,
                      "rule restore reads standard input, where this batch comes from");
      const std::string text{std::istreambuf_iterator<char>(std::cin), {}};
      if (std::cin.bad()) return fail(EIO, "standard input");
      const auto family = args->ipv4   ? RuleFamily::IPv4
                          : args->ipv6 ? RuleFamily::IPv6
                                       : RuleFamily::Any;
      BV_TRY(const auto restored, parse_saved_rules(text, family));
      BV_TRY(auto* control, app.control());
      BV_CHECK(control->restore_rules(*args->parent, restored, args->counters));
      for (const auto& notice : restored.notices) fmt::print(stderr, "bpfvlan: {}\n", notice);
      return {};
    };
  });
}

}  // namespace

void add_rule(CLI::App& cli, App& app) {
  auto* object = cli.add_subcommand("rule", "What may pass between endpoints and the outside");
  object->require_subcommand(1);
  add_change(*object, app, "append", "Add a rule behind the others", "CHAIN RULE", append);
  add_change(*object, app, "insert", "Add a rule before number N, or the first", "CHAIN [N] RULE",
             insert);
  add_change(*object, app, "replace", "Put a rule in the place of number N", "CHAIN N RULE",
             replace);
  add_change(*object, app, "delete", "Delete number N, or the first that is the same",
             "CHAIN N | RULE", remove);
  add_change(*object, app, "policy", "What becomes of packets that no rule matches",
             "CHAIN ACCEPT|DROP", set_policy);
  add_flush(*object, app);
  add_list(*object, app);
  add_save(*object, app);
  add_restore(*object, app);
}

}  // namespace bpfvlan::cli
