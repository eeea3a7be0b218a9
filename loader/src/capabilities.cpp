// SPDX-License-Identifier: MIT
#include "capabilities.hpp"

#include <fmt/core.h>
#include <sys/capability.h>

#include <memory>

namespace bpfvlan {

Result<> check_capabilities() {
  struct Free {
    void operator()(cap_t c) const noexcept { cap_free(c); }
  };
  const std::unique_ptr<std::remove_pointer_t<cap_t>, Free> caps(cap_get_proc());
  std::string missing;
  for (const auto& [cap, name] :
       {std::pair{CAP_SYS_ADMIN, "CAP_SYS_ADMIN"}, std::pair{CAP_NET_ADMIN, "CAP_NET_ADMIN"}}) {
    cap_flag_value_t has = CAP_CLEAR;
    if (!caps || cap_get_flag(caps.get(), cap, CAP_EFFECTIVE, &has) || has != CAP_SET)
      missing += missing.empty() ? name : fmt::format(" and {}", name);
  }
  if (missing.empty()) return {};
  return refuse(std::errc::operation_not_permitted,
                fmt::format("needs {}: run it as root", missing));
}

}  // namespace bpfvlan
