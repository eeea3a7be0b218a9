// SPDX-License-Identifier: MIT
// A rule's options: first into occurrences of options, then each into the rule. An option may need
// to know another (a service's port depends on the protocol), so their order is that of kOptions.
#include <fmt/core.h>

#include <algorithm>

#include "bpfvlan/rules.hpp"
#include "names.hpp"
#include "values.hpp"

namespace bpfvlan {
namespace {

struct Word {
  std::string text;
  std::size_t place = 0;
};

struct Occurrence {
  Word option;
  bool inverted = false;
  std::vector<Word> values{};
};

tl::unexpected<Error> refuse_at(const Word& word, std::string_view why) {
  return refuse(std::errc::invalid_argument,
                fmt::format("word {} ('{}'): {}", word.place, word.text, why));
}

class Builder {
 public:
  using Take = Result<> (Builder::*)(const Occurrence&);

  explicit Builder(RuleFamily family) { rule_.family = family; }
  Result<> take(const Occurrence& o, Take option) { return (this->*option)(o); }
  Result<Rule> finish(const Word& last);

  Result<> ipv4(const Occurrence& o) { return fix_family(RuleFamily::IPv4, o.option); }
  Result<> ipv6(const Occurrence& o) { return fix_family(RuleFamily::IPv6, o.option); }
  Result<> protocol(const Occurrence& o);
  Result<> match(const Occurrence& o);
  Result<> source(const Occurrence& o) { return address(o, rule_.source); }
  Result<> destination(const Occurrence& o) { return address(o, rule_.destination); }
  Result<> source_port(const Occurrence& o) { return port(o, rule_.source_port); }
  Result<> destination_port(const Occurrence& o) { return port(o, rule_.destination_port); }
  Result<> source_ports(const Occurrence& o) { return ports(o, rule_.source_ports); }
  Result<> destination_ports(const Occurrence& o) { return ports(o, rule_.destination_ports); }
  Result<> either_ports(const Occurrence& o) { return ports(o, rule_.either_ports); }
  Result<> icmp_type(const Occurrence& o) { return icmp(o, IPPROTO_ICMP); }
  Result<> icmpv6_type(const Occurrence& o) { return icmp(o, IPPROTO_ICMPV6); }
  Result<> tcp_flags(const Occurrence& o);
  Result<> syn(const Occurrence& o);
  Result<> states(const Occurrence& o);
  Result<> endpoint(const Occurrence& o);
  Result<> comment(const Occurrence& o);
  Result<> jump(const Occurrence& o);
  Result<> reject_with(const Occurrence& o);

 private:
  Result<> fix_family(RuleFamily family, const Word& by);
  Result<> address(const Occurrence& o, std::optional<Match<IpPrefix>>& to);
  Result<> port(const Occurrence& o, std::optional<Match<PortRange>>& to);
  Result<> ports(const Occurrence& o, std::optional<Match<PortList>>& to);
  Result<> icmp(const Occurrence& o, std::uint8_t protocol);
  // The protocol that the rule is for; 0: none, or all but one.
  std::uint8_t only_protocol() const {
    return rule_.protocol && !rule_.protocol->inverted ? rule_.protocol->value : std::uint8_t{0};
  }

  Rule rule_;
  bool has_target_ = false;
};

// A value that could not be read, at its place.
template <class T>
Result<T> at(const Word& word, Result<T> value) {
  if (value) return value;
  return refuse_at(word, value.error().what);
}

Result<> Builder::fix_family(RuleFamily family, const Word& by) {
  if (rule_.family == family || rule_.family == RuleFamily::Any) {
    rule_.family = family;
    return {};
  }
  return refuse_at(by, fmt::format("this is {}, but the rule is {}", to_string(family),
                                   to_string(rule_.family)));
}

Result<> Builder::protocol(const Occurrence& o) {
  const auto& word = o.values[0];
  const auto number = protocol_number(word.text);
  if (!number) return refuse_at(word, "not a protocol: 0 to 255, a name, or all");
  if (*number == 0) {
    if (o.inverted) return refuse_at(word, "no packet has a protocol that is not one of all");
    return {};
  }
  rule_.protocol = {*number, o.inverted};
  if (o.inverted) return {};
  if (*number == IPPROTO_ICMP) return fix_family(RuleFamily::IPv4, word);
  if (*number == IPPROTO_ICMPV6) return fix_family(RuleFamily::IPv6, word);
  return {};
}

Result<> Builder::match(const Occurrence& o) {
  const auto& word = o.values[0];
  for (const auto* any : {"multiport", "conntrack", "state", "comment", "endpoint"})
    if (word.text == any) return {};
  const auto is_of = [&](std::uint8_t protocol) -> Result<> {
    if (only_protocol() == protocol) return {};
    return refuse_at(word, fmt::format("this match needs -p {}", protocol_name(protocol)));
  };
  static constexpr std::uint8_t kWithPorts[] = {IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP,
                                                IPPROTO_DCCP};
  for (const auto protocol : kWithPorts)
    if (word.text == port_match(protocol)) return is_of(protocol);
  if (word.text == "icmp") return is_of(IPPROTO_ICMP);
  if (word.text == "icmp6") return is_of(IPPROTO_ICMPV6);
  return refuse_at(word,
                   "not a match that is known here: tcp, udp, sctp, dccp, multiport, icmp, icmp6, "
                   "conntrack, state, endpoint, comment");
}

Result<> Builder::address(const Occurrence& o, std::optional<Match<IpPrefix>>& to) {
  const auto& word = o.values[0];
  BV_TRY(const auto prefix, at(word, parse_rule_prefix(word.text)));
  BV_CHECK(fix_family(prefix.family == AF_INET ? RuleFamily::IPv4 : RuleFamily::IPv6, word));
  if (prefix.length || o.inverted) to = {prefix, o.inverted};
  return {};
}

Result<> Builder::port(const Occurrence& o, std::optional<Match<PortRange>>& to) {
  if (port_match(only_protocol()).empty())
    return refuse_at(o.option, "needs -p tcp, udp, sctp or dccp");
  BV_TRY(const auto range, at(o.values[0], parse_port_range(o.values[0].text, only_protocol())));
  if (range != PortRange{0, 65535} || o.inverted) to = {range, o.inverted};
  return {};
}

Result<> Builder::ports(const Occurrence& o, std::optional<Match<PortList>>& to) {
  if (!has_ports(only_protocol()))
    return refuse_at(o.option, "needs -p tcp, udp, udplite, sctp or dccp");
  BV_TRY(auto list, at(o.values[0], parse_port_list(o.values[0].text, only_protocol())));
  to = {std::move(list), o.inverted};
  return {};
}

Result<> Builder::icmp(const Occurrence& o, std::uint8_t protocol) {
  if (only_protocol() != protocol)
    return refuse_at(o.option, fmt::format("needs -p {}", protocol_name(protocol)));
  BV_TRY(const auto type, at(o.values[0], parse_icmp_type(o.values[0].text, protocol)));
  rule_.icmp_type = {type, o.inverted};
  return {};
}

Result<> Builder::tcp_flags(const Occurrence& o) {
  if (only_protocol() != IPPROTO_TCP) return refuse_at(o.option, "needs -p tcp");
  if (rule_.tcp_flags) return refuse_at(o.option, "--tcp-flags and --syn exclude each other");
  BV_TRY(const auto mask, at(o.values[0], parse_tcp_flags(o.values[0].text)));
  BV_TRY(const auto set, at(o.values[1], parse_tcp_flags(o.values[1].text)));
  if (mask || set || o.inverted) rule_.tcp_flags = {{mask, set}, o.inverted};
  return {};
}

Result<> Builder::syn(const Occurrence& o) {
  if (only_protocol() != IPPROTO_TCP) return refuse_at(o.option, "needs -p tcp");
  rule_.tcp_flags = {{0x17, 0x02}, o.inverted};  // FIN,SYN,RST,ACK SYN
  return {};
}

Result<> Builder::states(const Occurrence& o) {
  if (rule_.states) return refuse_at(o.option, "--ctstate and --state exclude each other");
  BV_TRY(const auto states, at(o.values[0], parse_states(o.values[0].text)));
  rule_.states = {states, o.inverted};
  return {};
}

Result<> Builder::endpoint(const Occurrence& o) {
  const auto& word = o.values[0];
  if (word.text.empty() || word.text.size() >= BV_NAME_LEN || !is_printable(word.text))
    return refuse_at(word, "not the name of an endpoint");
  rule_.endpoint = {word.text, o.inverted};
  return {};
}

Result<> Builder::comment(const Occurrence& o) {
  const auto& word = o.values[0];
  constexpr std::size_t kMax = 255;  // XT_MAX_COMMENT_LEN
  if (word.text.size() > kMax) return refuse_at(word, fmt::format("longer than {} bytes", kMax));
  if (!is_printable(word.text)) return refuse_at(word, "a comment is one line");
  rule_.comment = word.text;
  return {};
}

Result<> Builder::jump(const Occurrence& o) {
  const auto& word = o.values[0];
  for (const auto target : {BV_TARGET_ACCEPT, BV_TARGET_DROP, BV_TARGET_REJECT}) {
    if (word.text != to_string(target)) continue;
    rule_.target = target;
    has_target_ = true;
    return {};
  }
  return refuse_at(word, "not a target that is known here: ACCEPT, DROP, REJECT");
}

Result<> Builder::reject_with(const Occurrence& o) {
  const auto& word = o.values[0];
  if (rule_.target != BV_TARGET_REJECT) return refuse_at(o.option, "needs -j REJECT");
  if (word.text == "port-unreach" && rule_.family == RuleFamily::Any) return {};
  const auto* type = find_reject_type(word.text, rule_.family);
  if (!type) return refuse_at(word, fmt::format("not one of: {}", reject_type_names(rule_.family)));
  if (type->name == kTcpReset && only_protocol() != IPPROTO_TCP)
    return refuse_at(word, "needs -p tcp");
  if (type->family != RuleFamily::Any) BV_CHECK(fix_family(type->family, word));
  rule_.reject_with = type->name;
  return {};
}

Result<Rule> Builder::finish(const Word& last) {
  if (!has_target_ && last.place == 0)
    return refuse(std::errc::invalid_argument, "a rule needs -j ACCEPT, DROP or REJECT");
  if (!has_target_)
    return refuse(std::errc::invalid_argument,
                  fmt::format("after word {}: a rule needs -j ACCEPT, DROP or REJECT", last.place));
  if (rule_.target == BV_TARGET_REJECT && rule_.reject_with.empty() &&
      rule_.family != RuleFamily::Any)
    rule_.reject_with = find_reject_type("port-unreach", rule_.family)->name;
  return rule_;
}

struct Option {
  std::vector<std::string_view> names;
  Builder::Take take;
  std::size_t values = 1;
  bool inverts = false;
  bool repeats = false;
};

const std::vector<Option>& options() {
  static const std::vector<Option> kOptions = {
      {{"-4", "--ipv4"}, &Builder::ipv4, 0, false, true},
      {{"-6", "--ipv6"}, &Builder::ipv6, 0, false, true},
      {{"-s", "--source", "--src"}, &Builder::source, 1, true},
      {{"-d", "--destination", "--dst"}, &Builder::destination, 1, true},
      {{"-p", "--protocol", "--proto"}, &Builder::protocol, 1, true},
      {{"-m", "--match"}, &Builder::match, 1, false, true},
      {{"--sport", "--source-port"}, &Builder::source_port, 1, true},
      {{"--dport", "--destination-port"}, &Builder::destination_port, 1, true},
      {{"--sports", "--source-ports"}, &Builder::source_ports, 1, true},
      {{"--dports", "--destination-ports"}, &Builder::destination_ports, 1, true},
      {{"--ports"}, &Builder::either_ports, 1, true},
      {{"--icmp-type"}, &Builder::icmp_type, 1, true},
      {{"--icmpv6-type"}, &Builder::icmpv6_type, 1, true},
      {{"--syn"}, &Builder::syn, 0, true},
      {{"--tcp-flags"}, &Builder::tcp_flags, 2, true},
      {{"--ctstate"}, &Builder::states, 1, true},
      {{"--state"}, &Builder::states, 1, true},
      {{"--endpoint"}, &Builder::endpoint, 1, true},
      {{"--comment"}, &Builder::comment},
      {{"-j", "--jump"}, &Builder::jump},
      {{"--reject-with"}, &Builder::reject_with},
  };
  return kOptions;
}

// What iptables has and rules here have not, with what to do instead.
std::string_view why_not(std::string_view option) {
  static constexpr std::pair<std::string_view, std::string_view> kNot[] = {
      {"-i", "interfaces are not matched: --endpoint names an endpoint"},
      {"--in-interface", "interfaces are not matched: --endpoint names an endpoint"},
      {"-o", "interfaces are not matched: --endpoint names an endpoint"},
      {"--out-interface", "interfaces are not matched: --endpoint names an endpoint"},
      {"-f", "fragments are not matched: they follow the first one"},
      {"--fragment", "fragments are not matched: they follow the first one"},
      {"-g", "there are no chains to go to"},
      {"--goto", "there are no chains to go to"},
      {"-t", "there is one table, filter"},
      {"--table", "there is one table, filter"},
      {"-c", "counters are set by `rule restore -c` alone"},
      {"--set-counters", "counters are set by `rule restore -c` alone"},
      {"--tcp-option", "TCP options are not matched"},
  };
  for (const auto& [name, why] : kNot)
    if (option == name) return why;
  return "not an option of rules";
}

const Option* find_option(std::string_view name) {
  for (const auto& option : options())
    if (std::find(option.names.begin(), option.names.end(), name) != option.names.end())
      return &option;
  return nullptr;
}

// --option=value and -ovalue are as good as two words.
std::vector<Word> split_values(const Word& word) {
  const bool is_long = word.text.starts_with("--");
  const auto end = is_long ? word.text.find('=') : 2;
  if (end == std::string::npos || end >= word.text.size()) return {word};
  return {{word.text.substr(0, end), word.place},
          {word.text.substr(is_long ? end + 1 : end), word.place}};
}

class Splitter {
 public:
  Splitter(std::span<const std::string> words, std::size_t first) : words_(words), first_(first) {}

  Result<std::vector<std::pair<const Option*, Occurrence>>> split() {
    while (at_ < words_.size()) BV_CHECK(take_option());
    return std::move(out_);
  }
  Word last() const { return {"", first_ + words_.size() - 1}; }

 private:
  Word next() {
    Word word{words_[at_], first_ + at_};
    ++at_;
    return word;
  }
  Result<> take_option();

  std::span<const std::string> words_;
  std::size_t first_;
  std::size_t at_ = 0;
  std::vector<std::pair<const Option*, Occurrence>> out_;
};

Result<> Splitter::take_option() {
  Occurrence o;
  auto word = next();
  if (word.text == "!") {
    o.inverted = true;
    if (at_ == words_.size()) return refuse_at(word, "no option after it");
    word = next();
  }
  if (word.text.size() < 2 || word.text[0] != '-')
    return refuse_at(word, "an option was expected here");
  auto parts = split_values(word);
  o.option = parts[0];
  const auto* option = find_option(o.option.text);
  if (!option) return refuse_at(o.option, why_not(o.option.text));
  if (o.inverted && !option->inverts) return refuse_at(o.option, "cannot have '!' before it");
  const bool again = std::any_of(out_.begin(), out_.end(),
                                 [&](const auto& before) { return before.first == option; });
  if (again && !option->repeats) return refuse_at(o.option, "given twice");
  o.values.assign(parts.begin() + 1, parts.end());
  if (o.values.size() > option->values) return refuse_at(word, "takes no value");
  while (o.values.size() < option->values) {
    if (at_ == words_.size()) return refuse_at(o.option, "its value is missing");
    o.values.push_back(next());
    if (o.values.back().text == "!" && option->inverts)
      return refuse_at(o.values.back(),
                       fmt::format("'!' comes before the option: ! {}", o.option.text));
  }
  out_.emplace_back(option, std::move(o));
  return {};
}

}  // namespace

Result<Rule> parse_rule(std::span<const std::string> words, RuleFamily family,
                        std::size_t first_word) {
  Splitter splitter(words, first_word);
  BV_TRY(const auto given, splitter.split());
  Builder builder(family);
  for (const auto& option : options())
    for (const auto& [which, occurrence] : given)
      if (which == &option) BV_CHECK(builder.take(occurrence, option.take));
  return builder.finish(splitter.last());
}

}  // namespace bpfvlan
