// SPDX-License-Identifier: MIT
// The same small network twice: once with the kernel's ipvlan, once with ours. Everything that can
// be seen from outside is equal - addresses, MAC addresses, interface names, MTU - so that what is
// captured in the two can be compared byte by byte.
//
//   x: X ==== P :host            a: a    b: b      (endpoints A and B, each in a namespace)
//      Y ==== Q                  host: h           (endpoint H, in the parent's namespace)
//
// The cable Y - Q is a second interface of the host that is not the parent.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "engine.hpp"
#include "stage.hpp"

namespace bpfvlan::test {

// Where a frame or a flow starts or ends.
enum class Place { X, P, H, A, B };
inline constexpr std::array kPlaces{Place::X, Place::P, Place::H, Place::A, Place::B};
std::string_view to_string(Place place);
// The interface that belongs to it, "X", "P", "h", "a" or "b"; and its addresses.
std::string_view interface_of(Place place);
const Addr& address_of(Place place);
// An endpoint's in mode l2: there it is an address as any other. Nobody has it in other modes.
const char* link_local_of(Place endpoint);

inline constexpr const char* kMacX = "02:00:00:00:55:01";
inline constexpr const char* kMacP = "02:00:00:00:55:25";  // and every endpoint's
inline constexpr const char* kMacY = "02:00:00:00:55:f1";
inline constexpr const char* kMacQ = "02:00:00:00:55:f5";

struct Setting {
  Mode mode = BV_MODE_L3;
  Policy policy = BV_POLICY_BRIDGE;
  std::string object{};  // programs to use rather than the ones built in
  // Of ours: room for so many. A table that is often looked at whole is better small.
  std::optional<std::uint32_t> connections{};
};
std::string to_string(const Setting& setting);  // "l3 bridge"

class Topology {
 public:
  // `mtu`: of both cables, and so of the endpoints.
  static Result<std::unique_ptr<Topology>> make(EngineKind kind, const Setting& setting,
                                                unsigned mtu = 1500);

  EngineKind kind() const { return kind_; }
  Mode mode() const { return mode_; }
  // The namespace of a place; P's and H's are the same.
  std::string netns(Place place) const;
  const lab::Lab& lab() const { return lab_; }
  Engine& engine() { return *engine_; }
  // A, B or H, as it is from the beginning.
  Result<> add_endpoint(Place place);
  // To the endpoints; lost when X's interface goes down.
  Result<> routes_of_x();

 private:
  Topology(EngineKind kind, Mode mode) : kind_(kind), mode_(mode) {}
  Result<> cables(unsigned mtu);
  Result<> routes();
  Result<> maps(const Setting& setting) const;
  Result<> endpoints(const Setting& setting);

  EngineKind kind_;
  Mode mode_;
  lab::Lab lab_;
  std::unique_ptr<Engine> engine_;
};

}  // namespace bpfvlan::test
