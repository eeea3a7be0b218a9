// SPDX-License-Identifier: MIT
#include "objects/objects.hpp"

#include <fmt/core.h>

#include "lab/command.hpp"
#include "objects/object_case.hpp"

namespace bpfvlan::test {
namespace {

std::string to_text(const Outcome& outcome) {
  return outcome.text + (outcome.error.empty() ? "" : ": " + outcome.error);
}

// Empty if it is as it was stated.
std::string unlike(const char* who, const Outcome& stated, const Outcome& seen) {
  if (seen.text == stated.text && seen.error.find(stated.error) != std::string::npos) return {};
  return fmt::format("  {}: \"{}\", not \"{}\"\n", who, to_text(seen), to_text(stated));
}

Result<Outcome> look(const ObjectCase& c, Topology& t) {
  auto seen = c.look(t);
  if (!seen)
    seen.error().what = fmt::format("{}, {}, {}: {}", c.row, c.subject,
                                    bpfvlan::test::to_string(t.kind()), seen.error().what);
  return seen;
}

}  // namespace

Result<> control(const Topology& t, const std::function<Result<>(Control&)>& operation) {
  BV_TRY(auto control,
         Control::open({.parent_netns = t.netns(Place::P), .lock_timeout = patience()}));
  return operation(control);
}

Result<nlohmann::json> link_of(const Topology& t, Place place, const std::string& name) {
  const auto r = lab::run({"ip", "-n", t.netns(place), "-d", "-j", "link", "show", "dev", name});
  if (r.status) return refuse(std::errc::no_such_device, "ip link show: " + r.err);
  return nlohmann::json::parse(r.out).at(0);
}

std::string settings_of(const nlohmann::json& link) {
  const auto& data = link.at("linkinfo").at("info_data");
  for (const auto* flag : {"bridge", "private", "vepa"})
    if (data.value(flag, false)) return fmt::format("{} {}", data.value("mode", "?"), flag);
  return data.dump();
}

Result<Comparisons> compare_objects(const Setting& setting) {
  ObjectCases cases;
  add_netfilter_cases(cases, setting);
  add_parent_cases(cases);
  add_endpoint_cases(cases, setting);
  add_socket_cases(cases, setting);
  BV_TRY(const auto ipvlan, Topology::make(EngineKind::Ipvlan, setting));
  BV_TRY(const auto bpfvlan, Topology::make(EngineKind::Bpfvlan, setting));
  Comparisons out;
  for (const auto& c : cases) {
    BV_TRY(const auto driver, look(c, *ipvlan));
    BV_TRY(const auto ours, look(c, *bpfvlan));
    out.push_back({c.row, c.subject, driver.text, ours.text,
                   unlike("the driver", c.driver, driver) + unlike("ours", c.ours, ours)});
  }
  return out;
}

}  // namespace bpfvlan::test
