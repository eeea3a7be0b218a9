// SPDX-License-Identifier: MIT
// Which interfaces can be parents, and with what.
#include <fmt/core.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>

#include <memory>

#include "bpfvlan/netns.hpp"
#include "lab/command.hpp"
#include "objects/object_case.hpp"

namespace bpfvlan::test {
namespace {

constexpr const char* kNew = "plain";  // the driver's endpoint that makes an interface a parent

// An interface as a parent, with nothing said of mode and policy.
Result<> make_parent(const Topology& t, const std::string& ifname) {
  if (t.kind() == EngineKind::Ipvlan)
    return t.lab().ip(t.netns(Place::P),
                      fmt::format("link add link {} name {} type ipvlan", ifname, kNew));
  return control(t, [&](Control& c) {
    AttachRequest request;
    request.parent = ifname;
    return c.attach(request);
  });
}

Result<> undo(const Topology& t, const std::string& ifname) {
  if (t.kind() == EngineKind::Ipvlan)
    return t.lab().ip(t.netns(Place::P), fmt::format("link delete dev {}", kNew));
  return control(t, [&](Control& c) { return c.detach(ifname, false); });
}

Result<Outcome> attempt(const Topology& t, const std::string& ifname) {
  const auto made = make_parent(t, ifname);
  if (made) BV_CHECK(undo(t, ifname));
  return outcome_of(made);
}

Result<Outcome> defaults(const Topology& t) {
  BV_CHECK(make_parent(t, "Q"));
  std::string text;
  if (t.kind() == EngineKind::Ipvlan) {
    BV_TRY(const auto link, link_of(t, Place::P, kNew));
    text = settings_of(link);
  } else {
    BV_CHECK(control(t, [&](Control& c) -> Result<> {
      for (const auto& parent : c.parents())
        if (parent.name == "Q")
          text = fmt::format("{} {}", bpfvlan::to_string(parent.mode),
                             bpfvlan::to_string(parent.policy));
      return {};
    }));
  }
  BV_CHECK(undo(t, "Q"));
  return Outcome{text};
}

// `ip` lets nobody say private and vepa at once.
Result<> driver_with_both_policies(const std::string& netns) {
  BV_TRY(const auto ns, Netns::open(netns));
  BV_TRY(const auto in, InNetns::enter(ns.fd()));
  const std::unique_ptr<nl_sock, void (*)(nl_sock*)> socket(nl_socket_alloc(), nl_socket_free);
  const std::unique_ptr<nl_msg, void (*)(nl_msg*)> message(
      nlmsg_alloc_simple(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL), nlmsg_free);
  if (!socket || !message || nl_connect(socket.get(), NETLINK_ROUTE)) return fail(EIO, "netlink");
  ifinfomsg header{};
  auto* m = message.get();
  nlmsg_append(m, &header, sizeof(header), NLMSG_ALIGNTO);
  nla_put_string(m, IFLA_IFNAME, kNew);
  nla_put_u32(m, IFLA_LINK, if_nametoindex("Q"));
  auto* info = nla_nest_start(m, IFLA_LINKINFO);
  nla_put_string(m, IFLA_INFO_KIND, "ipvlan");
  auto* data = nla_nest_start(m, IFLA_INFO_DATA);
  nla_put_u16(m, IFLA_IPVLAN_MODE, IPVLAN_MODE_L3);
  nla_put_u16(m, IFLA_IPVLAN_FLAGS, IPVLAN_F_PRIVATE | IPVLAN_F_VEPA);
  nla_nest_end(m, data);
  nla_nest_end(m, info);
  nl_complete_msg(socket.get(), m);
  if (nl_send(socket.get(), m) < 0) return fail(EIO, "send to netlink");
  if (const int err = nl_wait_for_ack(socket.get()))
    return refuse(std::errc::io_error, nl_geterror(err));
  return {};
}

Result<Outcome> both_policies(const Topology& t) {
  const auto host = t.netns(Place::P);
  if (t.kind() == EngineKind::Ipvlan) {
    const auto made = driver_with_both_policies(host);
    if (made) BV_CHECK(undo(t, "Q"));
    return outcome_of(made);
  }
  const auto r =
      lab::run({BPFVLAN_CLI, "-n", host, "attach", "Q", "--policy", "private", "--policy", "vepa"});
  if (r.status) return refused(r.err);
  BV_CHECK(undo(t, "Q"));
  return taken();
}

// An interface that is made for this, or a use of Q that is undone by deleting another interface.
Look beside(std::vector<std::string> lines, std::string other, std::string parent) {
  return [=](const Topology& t) -> Result<Outcome> {
    const auto host = t.netns(Place::P);
    BV_CHECK(ip_batch(host, lines));
    BV_TRY(auto seen, attempt(t, parent));
    BV_CHECK(t.lab().ip(host, "link delete dev " + other));
    return seen;
  };
}

}  // namespace

void add_parent_cases(ObjectCases& all) {
  all.push_back({"obj_defaults", "nothing told", {"l3 bridge"}, {"l3 bridge"}, defaults});
  all.push_back({"obj_both_policies", "private and vepa", refused("Invalid"),
                 refused("At Most 1 required"), both_policies});
  all.push_back({"obj_loopback", "lo", refused("Invalid argument"), refused("is a loopback"),
                 [](const Topology& t) { return attempt(t, "lo"); }});
  all.push_back({"obj_not_ethernet", "a tun device", refused("Invalid argument"),
                 refused("is not an Ethernet device"),
                 beside({"tuntap add tun0 mode tun"}, "tun0", "tun0")});
  const char* busy = "Device or resource busy";
  all.push_back({"obj_bridge_port", "Q in a bridge", refused(busy), taken(),
                 beside({"link add name bridge type bridge", "link set dev Q master bridge"},
                        "bridge", "Q")});
  all.push_back({"obj_macvlan", "a macvlan on Q", refused(busy), taken(),
                 beside({"link add link Q name mv type macvlan mode bridge"}, "mv", "Q")});
}

}  // namespace bpfvlan::test
