// SPDX-License-Identifier: MIT
#include "address_maps.hpp"

namespace bpfvlan {

Result<> put_address(const Datapath& dp, std::uint32_t parent, const IpPrefix& a,
                     const bv_addr& value, bool taken) {
  const auto change = dp.address_index.change(parent, a);
  BV_CHECK(with_map(dp, parent, a, [&](const auto& map, const auto& key) {
    return taken ? map.write(key, value) : map.insert(key, value);
  }));
  if (value.age) {
    dp.address_index.leave_out(parent, a);
  } else {
    dp.address_index.add(parent, a, value.to.id);
  }
  return {};
}

Result<> erase_address(const Datapath& dp, std::uint32_t parent, const IpPrefix& a,
                       std::uint32_t id) {
  const auto change = dp.address_index.change(parent, a);
  dp.address_index.remove(parent, a, id);
  return with_map(dp, parent, a, [&](const auto& map, const auto& key) { return map.erase(key); });
}

}  // namespace bpfvlan
