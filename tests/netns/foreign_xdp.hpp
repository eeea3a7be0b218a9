// SPDX-License-Identifier: MIT
// An XDP program of somebody else's, called "somebodys" (counting_xdp.bpf.c).
#pragma once

#include <bpf/libbpf.h>

#include <cstdint>
#include <memory>
#include <string>

namespace bpfvlan::test {

class ForeignXdp {
 public:
  // On a device's hook, by XDP_FLAGS_DRV_MODE or XDP_FLAGS_SKB_MODE; it stays there.
  ForeignXdp(const std::string& netns, const std::string& device, std::uint32_t flags);

  bool attached() const { return attached_; }
  std::uint64_t seen() const;  // frames

 private:
  struct Close {
    void operator()(bpf_object* o) const noexcept { bpf_object__close(o); }
  };
  std::unique_ptr<bpf_object, Close> object_;
  bool attached_ = false;
};

// What is on the hook, as `ip link` shows it.
struct XdpShown {
  std::string mode;  // "native", "generic"; empty: nothing
  std::uint32_t id = 0;
};
XdpShown xdp_shown(const std::string& netns, const std::string& device);

}  // namespace bpfvlan::test
