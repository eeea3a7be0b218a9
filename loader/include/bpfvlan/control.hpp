// SPDX-License-Identifier: MIT
// Everything the command line does to one namespace's parents and endpoints.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "bpfvlan/conntrack.hpp"
#include "bpfvlan/rules.hpp"
#include "bpfvlan/types.hpp"

namespace bpfvlan {

struct HairpinInfo;  // hairpin.hpp
struct HairpinRequest;

// Holds the lock of the machine's bpfvlan state, and keeps the calling thread in the parent's
// network namespace, from open() until destruction: use it from one thread, and not for long.
// All operations leave things as they were when they fail.
class Control {
 public:
  struct Options {
    std::string parent_netns{};  // NAME, PATH or PID; empty: the caller's namespace
    std::chrono::milliseconds lock_timeout{10'000};
  };

  // Also cleans up after endpoints and parents that are gone, and after killed processes.
  static Result<Control> open(const Options& options);

  Control(Control&&) noexcept;
  Control& operator=(Control&&) noexcept;
  ~Control();

  // An attached parent gets the settings that are given; endpoints that follow it follow at once.
  Result<> attach(const AttachRequest& request);
  // What is to be said of XDP in front of it: sentences for who asked for it.
  Result<std::vector<std::string>> xdp_notes(const std::string& parent) const;
  // With endpoints left: refused, or with `force` they are deleted. With `keep_state` connections
  // and rules stay, for when it is attached again.
  Result<> detach(const std::string& parent, bool force, bool keep_state = false);

  // This version's programs in the place of those that run. Settings, rules, counters and
  // connections stay; every packet meets the old programs or the new ones.
  Result<> upgrade();

  Result<> add_endpoint(const EndpointRequest& request);
  // What is unset stays. `learn_age` as in EndpointRequest: 0 forgets what was learned.
  Result<> set_endpoint(const std::string& name, std::optional<Mode> mode,
                        std::optional<Policy> policy, std::optional<std::uint32_t> learn_age = {},
                        std::optional<bool> filter = {}, std::optional<bool> takes_xdp = {});
  Result<> delete_endpoint(const std::string& name);

  // On the endpoint's interface and in the maps, or in neither. An address that the endpoint has
  // learned becomes a listed one, with the length that the interface has it with.
  Result<> add_address(const std::string& name, const IpPrefix& address);
  // Listed or learned.
  Result<> delete_address(const std::string& name, const IpPrefix& address);

  // Rules of an attached parent; those of a chain are numbered from 1. No packet sees half a
  // change.
  Result<> append_rule(const std::string& parent, bv_chain chain, const Rule& rule);
  Result<> insert_rule(const std::string& parent, bv_chain chain, std::size_t number,
                       const Rule& rule);
  Result<> replace_rule(const std::string& parent, bv_chain chain, std::size_t number,
                        const Rule& rule);
  Result<> delete_rule(const std::string& parent, bv_chain chain, std::size_t number);
  Result<> delete_rule(const std::string& parent, bv_chain chain, const Rule& rule);
  Result<> flush_rules(const std::string& parent, std::optional<bv_chain> chain);  // unset: both
  Result<> set_chain_policy(const std::string& parent, bv_chain chain, bv_target policy);
  // In place of all rules; `counters`: theirs too, else they begin at 0.
  Result<> restore_rules(const std::string& parent, const RestoredRules& restored, bool counters);
  Result<RuleChains> rules(const std::string& parent) const;

  std::vector<ParentInfo> parents() const;
  Result<std::vector<EndpointInfo>> endpoints() const;
  Result<EndpointInfo> endpoint(const std::string& name) const;
  Result<std::vector<ReasonInfo>> reasons() const;

  // The connections of all parents, or of one. `endpoint`: refused if there is none of that name.
  Result<Conntrack> conntrack(const std::optional<std::string>& parent = {},
                              const std::optional<std::string>& endpoint = {}) const;
  // For all parents of the namespace; new ones hold from a connection's next packet on.
  Result<std::vector<ConntrackSetting>> conntrack_settings() const;
  Result<> set_conntrack(const std::vector<ConntrackChange>& changes);

  // Ports at the other end of a vepa parent's wire. One that is there gets what is given, and the
  // MAC address that its device has by now. What is said of it: sentences for who asked.
  Result<std::vector<std::string>> attach_hairpin(const HairpinRequest& request);
  Result<> detach_hairpin(const std::string& device);
  Result<std::vector<HairpinInfo>> hairpins(const std::optional<std::string>& device = {}) const;

  // Where the maps are pinned: /sys/fs/bpf/bpfvlan/COOKIE. There only while a parent is attached.
  std::string pin_path() const;

  // What open() found gone and cleaned up, a sentence each.
  const std::vector<std::string>& notices() const;

  struct Impl;

 private:
  explicit Control(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace bpfvlan
