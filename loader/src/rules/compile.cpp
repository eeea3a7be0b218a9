// SPDX-License-Identifier: MIT
#include "compile.hpp"

#include <fmt/core.h>

#include <cstddef>
#include <optional>

#include "names.hpp"
#include "port_set.hpp"
#include "trie.hpp"

namespace bpfvlan {
namespace {

// A rule as one bit of the vectors. `--ports` allows either port, so it takes two of them.
struct Part {
  const Rule* rule;
  std::uint32_t counter;
  PortSet source, destination;  // of ICMP: type and code are in `destination`
};

PortSet allowed(const std::optional<Match<PortRange>>& match) {
  return match ? PortSet::of({match->value}, match->inverted) : PortSet::all();
}

PortSet allowed(const std::optional<Match<PortList>>& match) {
  return match ? PortSet::of(match->value, match->inverted) : PortSet::all();
}

PortSet allowed(const std::optional<Match<IcmpType>>& match) {
  if (!match) return PortSet::all();
  const auto& icmp = match->value;
  PortRange range{0, 65535};
  if (!icmp.any) {
    range.first = static_cast<std::uint16_t>(icmp.type << 8 | icmp.code.value_or(0));
    range.last = static_cast<std::uint16_t>(icmp.type << 8 | icmp.code.value_or(255));
  }
  return PortSet::of({range}, match->inverted);
}

std::vector<Part> parts_of(const Rule& rule, std::uint32_t counter) {
  const auto source = allowed(rule.source_port).intersect(allowed(rule.source_ports));
  const auto destination = allowed(rule.destination_port)
                               .intersect(allowed(rule.destination_ports))
                               .intersect(allowed(rule.icmp_type));
  if (!rule.either_ports) return {{&rule, counter, source, destination}};
  const auto either = allowed(rule.either_ports);
  const auto also_source = source.intersect(either);
  const auto also_destination = destination.intersect(either);
  if (rule.either_ports->inverted) return {{&rule, counter, also_source, also_destination}};
  return {{&rule, counter, also_source, destination}, {&rule, counter, source, also_destination}};
}

bool needs_transport(const Rule& r) {
  return r.source_port || r.destination_port || r.source_ports || r.destination_ports ||
         r.either_ports || r.icmp_type || r.tcp_flags;
}

bool state_allowed(const Rule& rule, unsigned value) {
  if (rule.states) {
    const bool listed = rule.states->value >> (value >> 6) & 1;
    if (listed == rule.states->inverted) return false;
  }
  if (rule.tcp_flags) {
    const bool as_set = (value & rule.tcp_flags->value.mask) == rule.tcp_flags->value.set;
    if (as_set == rule.tcp_flags->inverted) return false;
  }
  return true;
}

// `length` bits of `bytes`.
FieldValues prefix_values(const std::uint8_t* bytes, unsigned length) {
  FieldValues v;
  if (length == 0) return v;
  v.exact = static_cast<std::uint8_t>((length - 1) / 8);
  std::copy_n(bytes, v.exact, v.bytes.begin());
  const auto any = 0xffU >> (length - 8U * v.exact);
  v.low = bytes[v.exact];
  v.high = static_cast<std::uint8_t>(v.low | any);
  return v;
}

// Two bytes that are one of the range.
std::vector<FieldValues> range_values(const PortRange& range) {
  std::vector<FieldValues> out;
  const auto add = [&](unsigned high, unsigned from, unsigned to) {
    FieldValues v;
    v.exact = 1;
    v.bytes[0] = static_cast<std::uint8_t>(high);
    v.low = static_cast<std::uint8_t>(from);
    v.high = static_cast<std::uint8_t>(to);
    out.push_back(v);
  };
  unsigned first = range.first >> 8, last = range.last >> 8;
  const unsigned first_low = range.first & 255, last_low = range.last & 255;
  if (first == last && (first_low != 0 || last_low != 255)) {
    add(first, first_low, last_low);
    return out;
  }
  if (first_low != 0) add(first++, first_low, 255);
  if (last_low != 255) add(last--, 0, last_low);
  if (first <= last) {  // compared after both went inwards; neither can wrap
    FieldValues v;
    v.low = static_cast<std::uint8_t>(first);
    v.high = static_cast<std::uint8_t>(last);
    out.push_back(v);
  }
  return out;
}

class ChainCompiler {
 public:
  ChainCompiler(PageBuilder& pages, const std::vector<Part>& parts,
                const std::map<std::string, std::uint32_t>& endpoints)
      : pages_(pages), parts_(parts), endpoints_(endpoints) {}

  bv_rule_chain compile();

 private:
  // Of one field: what each part says of its values.
  struct Field {
    std::vector<FieldValues> values{};
    RuleBits outside{};
    void allow(std::size_t part) { outside.put(part, true); }
    void only(std::size_t part, FieldValues v) {
      v.rule = static_cast<std::uint16_t>(part);
      values.push_back(v);
    }
    void all_but(std::size_t part, FieldValues v) {
      v.add = false;
      allow(part);
      only(part, v);
    }
    void put(std::size_t part, const FieldValues& v, bool inverted) {
      inverted ? all_but(part, v) : only(part, v);
    }
  };
  template <class Fill>
  std::uint32_t field(std::size_t offset, Fill fill) const;
  std::uint32_t address(RuleFamily family, bool source) const;
  std::uint32_t ports(bool source) const;
  std::uint32_t state() const;
  std::uint32_t endpoint() const;

  PageBuilder& pages_;
  const std::vector<Part>& parts_;
  const std::map<std::string, std::uint32_t>& endpoints_;
};

template <class Fill>
std::uint32_t ChainCompiler::field(std::size_t offset, Fill fill) const {
  Field field;
  for (std::size_t i = 0; i < parts_.size(); ++i) fill(field, i, parts_[i]);
  return TrieBuilder(pages_, offset, parts_.size()).build(field.values, field.outside);
}

std::uint32_t ChainCompiler::address(RuleFamily family, bool source) const {
  const bool ipv4 = family == RuleFamily::IPv4;
  const auto offset = (source ? offsetof(bv_rule_key, src) : offsetof(bv_rule_key, dst)) +
                      (ipv4 ? 12U : 0U);  // ::ffff:0:0/96
  return field(offset, [&](Field& f, std::size_t i, const Part& part) {
    const auto& rule = *part.rule;
    const auto& match = source ? rule.source : rule.destination;
    const bool other_family = rule.family != RuleFamily::Any && rule.family != family;
    if (other_family && source) return;  // it is never for these packets
    if (other_family || !match) return f.allow(i);
    f.put(i, prefix_values(match->value.addr.data(), match->value.length), match->inverted);
  });
}

std::uint32_t ChainCompiler::ports(bool source) const {
  const auto offset = source ? offsetof(bv_rule_key, sport) : offsetof(bv_rule_key, dport);
  return field(offset, [&](Field& f, std::size_t i, const Part& part) {
    const auto& set = source ? part.source : part.destination;
    if (set.is_all()) return f.allow(i);
    for (const auto& range : set.ranges())
      for (const auto& values : range_values(range)) f.only(i, values);
  });
}

std::uint32_t ChainCompiler::state() const {
  return field(offsetof(bv_rule_key, state), [&](Field& f, std::size_t i, const Part& part) {
    if (!part.rule->states && !part.rule->tcp_flags) return f.allow(i);
    for (unsigned value = 0; value < 256;) {
      const auto first = value;
      while (value < 256 && state_allowed(*part.rule, value)) ++value;
      if (value > first) {
        FieldValues v;
        v.low = static_cast<std::uint8_t>(first);
        v.high = static_cast<std::uint8_t>(value - 1);
        f.only(i, v);
      }
      while (value < 256 && !state_allowed(*part.rule, value)) ++value;
    }
  });
}

std::uint32_t ChainCompiler::endpoint() const {
  return field(offsetof(bv_rule_key, endpoint), [&](Field& f, std::size_t i, const Part& part) {
    const auto& match = part.rule->endpoint;
    if (!match) return f.allow(i);
    const auto id = endpoints_.find(match->value);
    if (id != endpoints_.end()) {
      const std::uint8_t bytes[] = {static_cast<std::uint8_t>(id->second >> 8),
                                    static_cast<std::uint8_t>(id->second)};
      f.put(i, prefix_values(bytes, 16), match->inverted);
    } else if (match->inverted) {
      f.allow(i);
    }
  });
}

bv_rule_chain ChainCompiler::compile() {
  bv_rule_chain c{};
  c.rules = static_cast<std::uint32_t>(parts_.size());
  c.policy_alone = parts_.empty();
  // Two endpoints can send packets of one connection.
  for (const auto& part : parts_)
    c.per_packet |= part.rule->tcp_flags.has_value() || part.rule->endpoint.has_value();
  c.src[0] = address(RuleFamily::IPv4, true);
  c.src[1] = address(RuleFamily::IPv6, true);
  c.dst[0] = address(RuleFamily::IPv4, false);
  c.dst[1] = address(RuleFamily::IPv6, false);
  c.sport = ports(true);
  c.dport = ports(false);
  RuleBits without_transport;
  for (std::size_t i = 0; i < parts_.size(); ++i)
    without_transport.put(i, !needs_transport(*parts_[i].rule));
  c.no_ports = pages_.vector(without_transport, parts_.size());
  c.protocol =
      field(offsetof(bv_rule_key, protocol), [](Field& f, std::size_t i, const Part& part) {
        const auto& match = part.rule->protocol;
        if (!match) return f.allow(i);
        f.put(i, prefix_values(&match->value, 8), match->inverted);
      });
  c.state = state();
  c.endpoint = endpoint();
  return c;
}

bv_rule_target target_of(const Rule& rule, std::uint32_t counter) {
  return {.counter = counter,
          .target = static_cast<std::uint8_t>(rule.target),
          .reject4 = reject_code(rule, RuleFamily::IPv4),
          .reject6 = reject_code(rule, RuleFamily::IPv6),
          .pad = 0};
}

}  // namespace

Result<RulePages> compile_rules(const RulesToCompile& rules) {
  PageBuilder pages;
  bv_rules head{};
  head.generation = rules.generation;
  std::array<std::vector<bv_rule_target>, BV_CHAIN_MAX> targets;
  for (const auto chain : kChains) {
    const auto& from = rules.chains[chain];
    std::vector<Part> parts;
    for (std::size_t i = 0; i < from.rules.size(); ++i)
      for (auto& part : parts_of(*from.rules[i], from.counters[i]))
        parts.push_back(std::move(part));
    if (parts.size() > BV_CHAIN_RULES)
      return refuse(std::errc::no_space_on_device,
                    fmt::format("chain {} would have {} rules (one with --ports counts as two): "
                                "at most {} fit",
                                to_string(chain), parts.size(), BV_CHAIN_RULES));
    head.chain[chain] = ChainCompiler(pages, parts, rules.endpoints).compile();
    for (const auto& part : parts) targets[chain].push_back(target_of(*part.rule, part.counter));
    bv_rule_target policy{};
    policy.counter = from.policy_counter;
    policy.target = static_cast<std::uint8_t>(from.policy);
    targets[chain].push_back(policy);
  }
  return pages.finish(head, targets, rules.text);
}

}  // namespace bpfvlan
