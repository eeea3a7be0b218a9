// SPDX-License-Identifier: MIT
// Addresses of every class, as the topology's routes make them.
#pragma once

#include <array>
#include <cstdint>

#include "topology.hpp"

namespace bpfvlan::test {

inline constexpr const char* kLinkLocalP = "fe80::ff:fe00:5525";
inline constexpr const char* kOtherInterface6 = "fd00:78::2";  // by a gateway there

// The first five are those of A, B, H, P and X.
inline constexpr std::array kAddresses4{
    kA.v4,
    kB.v4,
    kH.v4,
    kP.v4,
    kX.v4,
    "10.211.55.77",    // on the parent's link
    "10.211.55.255",   // its broadcast
    "10.211.55.0",     // its network
    "10.66.1.2",       // by a gateway
    "10.78.1.2",       // by another interface
    "10.77.0.1",       // on that interface's link
    "10.77.0.25",      // the host's, on that interface
    "198.51.100.5",    // blackhole
    "198.51.100.130",  // unreachable
    "198.51.100.200",  // prohibit
    "10.79.0.255",     // a broadcast route
    "10.80.0.9",       // a local route
    "192.0.2.9",       // no route
    "192.168.10.101",  // beside A
    "192.168.10.255",  // A's subnet's broadcast
    "0.0.0.0",
    "0.1.2.3",
    "127.0.0.1",
    "127.9.9.9",
    "169.254.1.1",
    "224.0.0.1",
    "224.0.0.251",
    "239.1.1.1",
    "240.0.0.1",
    "255.255.255.255",
};

inline constexpr std::array kAddresses6{
    kA.v6,
    kB.v6,
    kH.v6,
    kP.v6,
    kX.v6,
    "fd00:55::77",         // on the parent's link
    "fd00:55::",           // its subnet-router anycast address
    "fd00:66::2",          // by a gateway
    "fd00:77::1",          // on another interface's link
    "fd00:77::25",         // the host's, on that interface
    "2001:db8:b::1",       // blackhole
    "2001:db8:c::1",       // unreachable
    "2001:db8:d::1",       // prohibit
    "fd00:80::9",          // a local route
    "2001:db8:7::7",       // no route
    "fd00:10::101",        // beside A
    "fe80::ff:fe00:5501",  // X's link-local
    kLinkLocalP,
    kOtherInterface6,
    "fe80::1",
    "fe80::a",  // A's, B's and H's in mode l2
    "fe80::b",
    "fe80::f",
    "::",
    "::1",
    "::ffff:192.168.10.100",
    "ff01::1",
    "ff02::1",
    "ff02::2",
    "ff02::fb",
    "ff02::1:ff00:100",  // A's solicited-node group
    "ff05::2",
    "ff0e::1",
};

// Only in the list of fixed frames: the driver's fragments have no marker.
inline constexpr unsigned kSmallMtu = 1280;
inline constexpr const char* kSmallMtu4 = "10.67.1.2";  // a route with an MTU of 1,280
inline constexpr const char* kSmallMtu6 = "fd00:67::2";

// Neither IP nor ARP: what the generator sends and the captures look for.
inline constexpr std::array<std::uint16_t, 7> kUnknownTypes{0x88b5, 0x22f0, 0x8864, 0x8848,
                                                            0x9000, 0x88f7, 0x0060};

}  // namespace bpfvlan::test
