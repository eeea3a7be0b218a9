// SPDX-License-Identifier: MIT
// BPF_PROG_TEST_RUN wants devices that exist: a network namespace of our own, with a few.
#pragma once

#include <cstdint>

namespace bpfvlan::test {

class Devices {
 public:
  // Moves this process into a new namespace. Throws std::system_error: not root, no veth.
  Devices();

  std::uint32_t parent() const { return parent_; }
  std::uint32_t sender() const { return sender_; }      // host side
  std::uint32_t receiver() const { return receiver_; }  // host side
  std::uint32_t third() const { return third_; }        // host side
  std::uint32_t other() const { return other_; }        // another parent; no host side
  std::uint32_t none() const { return 0; }              // what came by no device

  // IPv6 forwarding of the sender's host side; on at first, as the control plane has it.
  void set_forwarding(bool on);

 private:
  std::uint32_t parent_ = 0, sender_ = 0, receiver_ = 0, third_ = 0, other_ = 0;
  bool forwarding_ = false;
};

}  // namespace bpfvlan::test
