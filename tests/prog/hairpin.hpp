// SPDX-License-Identifier: MIT
// The object of a hairpin port, loaded.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "bpfvlan/ip_prefix.hpp"
#include "bpfvlan/schema_hairpin.h"
#include "programs.hpp"

namespace bpfvlan::test {

// "…/bpfvlan.clang-19.bpf.o" has its hairpin beside it.
std::string hairpin_object(std::string object_path);

enum class HairpinHook { kXdp, kTc };

using HairpinCounts = std::array<std::uint64_t, BV_HAIRPIN_END_MAX>;  // packets

// Every failure throws std::system_error.
class Hairpin {
 public:
  Hairpin(const std::string& object_path, const MacAddr& mac);

  Outcome run(HairpinHook hook, const Bytes& frame, std::uint32_t device,
              std::uint32_t repeat = 1) const;
  Size size(HairpinHook hook) const;

  void put_station(const MacAddr& mac, std::uint16_t vlan, std::uint32_t unused_seconds);
  std::optional<std::uint32_t> unused_seconds(const MacAddr& mac, std::uint16_t vlan) const;
  void put_address(const std::string& cidr);
  void set_count(bv_hairpin_end end, std::uint64_t packets);  // of every CPU
  HairpinCounts counts() const;
  void forget();  // stations, addresses, echoes and counts

 private:
  int map(const char* name) const;
  int program(HairpinHook hook) const;

  Object object_;
};

}  // namespace bpfvlan::test
