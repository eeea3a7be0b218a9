// SPDX-License-Identifier: MIT
// One thing that is looked at on each engine, and what is to be seen there.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "bpfvlan/control.hpp"
#include "topology.hpp"

namespace bpfvlan::test {

struct Outcome {
  std::string text;     // what is compared
  std::string error{};  // what was said of a refusal; if expected, a part of it
};
inline Outcome taken() {
  return {"taken"};
}
inline Outcome refused(std::string says) {
  return {"refused", std::move(says)};
}
inline Outcome outcome_of(const Result<>& done) {
  return done ? taken() : refused(done.error().what);
}

// An error is one of the case's own preparations, and ends it all.
using Look = std::function<Result<Outcome>(Topology&)>;

struct ObjectCase {
  const char* row;
  std::string subject;
  Outcome driver, ours;  // stated beforehand
  Look look;
};
using ObjectCases = std::vector<ObjectCase>;

// Each leaves the topology as it was; so it does not matter which go before.
void add_parent_cases(ObjectCases& all);
void add_endpoint_cases(ObjectCases& all, const Setting& setting);
void add_netfilter_cases(ObjectCases& all, const Setting& setting);
void add_socket_cases(ObjectCases& all, const Setting& setting);

// A command of our own control plane in the parent's namespace.
Result<> control(const Topology& t, const std::function<Result<>(Control&)>& operation);
// `ip -d -j link show`; an error if there is no such interface.
Result<nlohmann::json> link_of(const Topology& t, Place place, const std::string& name);
// "l3 bridge", of what link_of() says of an ipvlan.
std::string settings_of(const nlohmann::json& link);

}  // namespace bpfvlan::test
