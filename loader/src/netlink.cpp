// SPDX-License-Identifier: MIT
#include "netlink.hpp"

#include <fmt/core.h>
#include <linux/if.h>
#include <linux/if_arp.h>
#include <linux/if_link.h>
#include <linux/net_namespace.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <netlink/route/addr.h>
#include <netlink/route/classifier.h>
#include <netlink/route/link.h>
#include <netlink/route/link/inet6.h>
#include <netlink/route/link/veth.h>
#include <netlink/route/qdisc.h>
#include <netlink/route/route.h>

#include <algorithm>

namespace bpfvlan {
namespace {

template <class T, void (*Put)(T*)>
struct Deleter {
  void operator()(T* p) const noexcept { Put(p); }
};
using NlLink = std::unique_ptr<rtnl_link, Deleter<rtnl_link, rtnl_link_put>>;
using NlAddr = std::unique_ptr<rtnl_addr, Deleter<rtnl_addr, rtnl_addr_put>>;
using NlRoute = std::unique_ptr<rtnl_route, Deleter<rtnl_route, rtnl_route_put>>;
using NlBytes = std::unique_ptr<nl_addr, Deleter<nl_addr, nl_addr_put>>;
using NlMessage = std::unique_ptr<nl_msg, Deleter<nl_msg, nlmsg_free>>;
using NlCache = std::unique_ptr<nl_cache, Deleter<nl_cache, nl_cache_free>>;

// Not in Debian 12's headers: enum of include/uapi/linux/if_link.h, Linux 6.7.
constexpr int kNetkitPeerInfo = 1, kNetkitPeerPolicy = 4, kNetkitMode = 5;
constexpr std::uint32_t kNetkitL2 = 0, kNetkitDrop = 2;

// libnl's own codes, as the errno they stand for.
int errno_of(int nlerr) {
  switch (nlerr < 0 ? -nlerr : nlerr) {
    case NLE_EXIST:
      return EEXIST;
    case NLE_NODEV:
      return ENODEV;
    case NLE_OBJ_NOTFOUND:
      return ENOENT;
    case NLE_PERM:
    case NLE_NOACCESS:
      return EPERM;
    case NLE_OPNOTSUPP:
      return EOPNOTSUPP;
    case NLE_NOMEM:
      return ENOMEM;
    case NLE_BUSY:
      return EBUSY;
    case NLE_RANGE:
      return ERANGE;
    case NLE_NOADDR:
      return EADDRNOTAVAIL;
    case NLE_AF_NOSUPPORT:
      return EAFNOSUPPORT;
    default:
      return EINVAL;
  }
}

tl::unexpected<Error> nl_fail(int nlerr, const std::string& what) {
  return fail(errno_of(nlerr), what);
}

std::string text(const char* s) {
  return s ? s : "";
}

Link to_link(rtnl_link* l) {
  Link out;
  out.ifindex = static_cast<std::uint32_t>(rtnl_link_get_ifindex(l));
  out.name = text(rtnl_link_get_name(l));
  out.kind = text(rtnl_link_get_type(l));
  out.alias = text(rtnl_link_get_ifalias(l));
  out.group = rtnl_link_get_group(l);
  out.mtu = rtnl_link_get_mtu(l);
  out.flags = rtnl_link_get_flags(l);
  out.running = rtnl_link_get_operstate(l) == IF_OPER_UP;
  out.arptype = rtnl_link_get_arptype(l);
  out.peer_ifindex = rtnl_link_get_link(l);
  if (std::int32_t id = 0; rtnl_link_get_link_netnsid(l, &id) == 0) out.peer_netns = id;
  nl_addr* mac = rtnl_link_get_addr(l);
  if (mac && nl_addr_get_len(mac) == out.mac.size())
    std::copy_n(static_cast<const std::uint8_t*>(nl_addr_get_binary_addr(mac)), out.mac.size(),
                out.mac.begin());
  return out;
}

NlBytes mac_bytes(const Mac& mac) {
  return NlBytes(nl_addr_build(AF_LLC, mac.data(), mac.size()));
}

NlAddr to_addr(std::uint32_t ifindex, const IpPrefix& p) {
  NlAddr addr(rtnl_addr_alloc());
  NlBytes local(nl_addr_build(p.family, p.addr.data(), p.family == AF_INET ? 4 : 16));
  nl_addr_set_prefixlen(local.get(), p.length);
  rtnl_addr_set_ifindex(addr.get(), static_cast<int>(ifindex));
  rtnl_addr_set_local(addr.get(), local.get());
  return addr;
}

void fill_pair(const PairRequest& r, rtnl_link* host, rtnl_link* inner) {
  const auto mac = mac_bytes(r.mac);
  rtnl_link_set_name(host, r.host_name.c_str());
  rtnl_link_set_addr(host, mac.get());
  rtnl_link_set_mtu(host, r.mtu);
  rtnl_link_set_group(host, r.group);
  rtnl_link_set_name(inner, r.inner_name.c_str());
  rtnl_link_set_addr(inner, mac.get());
  rtnl_link_set_mtu(inner, r.mtu);
  if (r.inner_netns >= 0) rtnl_link_set_ns_fd(inner, r.inner_netns);
}

Result<NlMessage> new_link_message(rtnl_link* link) {
  nl_msg* raw = nullptr;
  if (const int err = rtnl_link_build_add_request(link, NLM_F_CREATE | NLM_F_EXCL, &raw); err < 0)
    return nl_fail(err, "a netlink message");
  return NlMessage(raw);
}

Result<std::optional<Link>> get_link(nl_sock* sock, int ifindex, const char* name,
                                     const std::string& shown) {
  rtnl_link* raw = nullptr;
  const int err = rtnl_link_get_kernel(sock, ifindex, name, &raw);
  if (err == -NLE_NODEV || err == -NLE_OBJ_NOTFOUND) return std::optional<Link>{};
  if (err < 0) return nl_fail(err, fmt::format("interface '{}'", shown));
  NlLink l(raw);
  return std::optional<Link>{to_link(l.get())};
}

}  // namespace

Result<Netlink> Netlink::open() {
  Netlink out;
  out.sock_.reset(nl_socket_alloc());
  if (!out.sock_) return fail(ENOMEM, "netlink socket");
  if (const int err = nl_connect(out.sock_.get(), NETLINK_ROUTE); err < 0)
    return nl_fail(err, "netlink socket");
  return out;
}

Result<std::vector<Link>> Netlink::links() const {
  nl_cache* raw = nullptr;
  if (const int err = rtnl_link_alloc_cache(sock_.get(), AF_UNSPEC, &raw); err < 0)
    return nl_fail(err, "list interfaces");
  NlCache cache(raw);
  std::vector<Link> out;
  for (auto* o = nl_cache_get_first(cache.get()); o; o = nl_cache_get_next(o))
    out.push_back(to_link(reinterpret_cast<rtnl_link*>(o)));
  return out;
}

Result<std::optional<Link>> Netlink::link(const std::string& name) const {
  return get_link(sock_.get(), 0, name.c_str(), name);
}

Result<std::optional<Link>> Netlink::link(std::uint32_t ifindex) const {
  return get_link(sock_.get(), static_cast<int>(ifindex), nullptr, std::to_string(ifindex));
}

Result<> Netlink::add_veth(const PairRequest& r) const {
  NlLink host(rtnl_link_veth_alloc());
  if (!host) return fail(ENOMEM, "veth pair");
  rtnl_link* inner = rtnl_link_veth_get_peer(host.get());  // a reference of its own
  NlLink inner_ref(inner);
  fill_pair(r, host.get(), inner);
  if (!r.arp) rtnl_link_set_flags(inner, IFF_NOARP);

  const int err = rtnl_link_add(sock_.get(), host.get(), NLM_F_CREATE | NLM_F_EXCL);
  if (err == -NLE_OPNOTSUPP)
    return unsupported("this kernel has no veth device (CONFIG_VETH, since 2.6.24)");
  if (err < 0)
    return nl_fail(err, fmt::format("make veth '{}' with '{}'", r.host_name, r.inner_name));
  return {};
}

Result<> Netlink::add_netkit(const PairRequest& r) const {
  const NlLink host(rtnl_link_alloc()), inner(rtnl_link_alloc());
  fill_pair(r, host.get(), inner.get());
  BV_TRY(const auto request, new_link_message(host.get()));
  BV_TRY(const auto peer, new_link_message(inner.get()));
  auto* m = request.get();
  auto* info = nla_nest_start(m, IFLA_LINKINFO);
  nla_put_string(m, IFLA_INFO_KIND, "netkit");
  auto* data = nla_nest_start(m, IFLA_INFO_DATA);
  nla_put_u32(m, kNetkitMode, kNetkitL2);
  nla_put_u32(m, kNetkitPeerPolicy, kNetkitDrop);
  nla_put(m, kNetkitPeerInfo, nlmsg_datalen(nlmsg_hdr(peer.get())),
          nlmsg_data(nlmsg_hdr(peer.get())));
  nla_nest_end(m, data);
  nla_nest_end(m, info);
  nlmsg_hdr(m)->nlmsg_flags |= NLM_F_REQUEST | NLM_F_ACK;
  int err = nl_send_auto(sock_.get(), m);
  if (err >= 0) err = nl_wait_for_ack(sock_.get());
  if (err == -NLE_OPNOTSUPP)
    return unsupported("this kernel has no netkit device (CONFIG_NETKIT, since 6.7)");
  if (err < 0)
    return nl_fail(err, fmt::format("make netkit '{}' with '{}'", r.host_name, r.inner_name));
  return {};
}

template <class Fill>
Result<> Netlink::change(std::uint32_t ifindex, const char* what, Fill fill) const {
  NlLink which(rtnl_link_alloc());
  NlLink changes(rtnl_link_alloc());
  rtnl_link_set_ifindex(which.get(), static_cast<int>(ifindex));
  fill(changes.get());
  if (const int err = rtnl_link_change(sock_.get(), which.get(), changes.get(), 0); err < 0)
    return nl_fail(err, fmt::format("{} of interface {}", what, ifindex));
  return {};
}

Result<> Netlink::set_alias(std::uint32_t ifindex, const std::string& alias) const {
  return change(ifindex, "alias", [&](rtnl_link* l) { rtnl_link_set_ifalias(l, alias.c_str()); });
}

Result<> Netlink::set_arp(std::uint32_t ifindex, bool on) const {
  return change(ifindex, "ARP", [&](rtnl_link* l) {
    (on ? rtnl_link_unset_flags : rtnl_link_set_flags)(l, IFF_NOARP);
  });
}

Result<> Netlink::set_allmulti(std::uint32_t ifindex, bool on) const {
  return change(ifindex, "all multicast", [&](rtnl_link* l) {
    (on ? rtnl_link_set_flags : rtnl_link_unset_flags)(l, IFF_ALLMULTI);
  });
}

Result<> Netlink::set_random_link_local(std::uint32_t ifindex) const {
  auto done = change(ifindex, "IPv6 address generation", [](rtnl_link* l) {
    rtnl_link_inet6_set_addr_gen_mode(l, IN6_ADDR_GEN_MODE_RANDOM);
  });
  if (!done && done.error().code == std::errc::address_family_not_supported) return {};
  return done;
}

Result<> Netlink::set_up(std::uint32_t ifindex) const {
  return change(ifindex, "state", [](rtnl_link* l) { rtnl_link_set_flags(l, IFF_UP); });
}

Result<> Netlink::set_mtu(std::uint32_t ifindex, std::uint32_t mtu) const {
  return change(ifindex, "MTU", [&](rtnl_link* l) { rtnl_link_set_mtu(l, mtu); });
}

Result<> Netlink::set_mac(std::uint32_t ifindex, const Mac& mac) const {
  const auto bytes = mac_bytes(mac);
  return change(ifindex, "MAC address", [&](rtnl_link* l) { rtnl_link_set_addr(l, bytes.get()); });
}

Result<> Netlink::delete_link(std::uint32_t ifindex) const {
  NlLink l(rtnl_link_alloc());
  rtnl_link_set_ifindex(l.get(), static_cast<int>(ifindex));
  if (const int err = rtnl_link_delete(sock_.get(), l.get()); err < 0)
    return nl_fail(err, fmt::format("delete interface {}", ifindex));
  return {};
}

// The kernel looks at the index in the request only of who asks it to be strict, and this library
// asks without one: a namespace may have thousands of interfaces.
Result<std::vector<std::pair<std::uint32_t, IpPrefix>>> Netlink::dump_addresses(
    std::uint32_t ifindex, int family) const {
  const auto strict = [&](int on) {
    return setsockopt(nl_socket_get_fd(sock_.get()), SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on,
                      sizeof(on));
  };
  nl_cache* raw = nullptr;
  if (const int err = nl_cache_alloc_name("route/addr", &raw); err < 0)
    return nl_fail(err, "list addresses");
  NlCache cache(raw);
  ifaddrmsg ask{};
  ask.ifa_family = static_cast<unsigned char>(family);
  ask.ifa_index = ifindex;
  if (strict(1)) return fail(errno, "list addresses");
  int err = nl_send_simple(sock_.get(), RTM_GETADDR, NLM_F_DUMP, &ask, sizeof(ask));
  if (err >= 0) err = nl_cache_pickup(sock_.get(), cache.get());
  if (strict(0)) return fail(errno, "list addresses");
  if (err < 0) return nl_fail(err, "list addresses");

  std::vector<std::pair<std::uint32_t, IpPrefix>> out;
  for (auto* o = nl_cache_get_first(cache.get()); o; o = nl_cache_get_next(o)) {
    auto* a = reinterpret_cast<rtnl_addr*>(o);
    const auto* local = rtnl_addr_get_local(a);
    const auto at = static_cast<std::uint32_t>(rtnl_addr_get_ifindex(a));
    if ((ifindex && at != ifindex) || !local) continue;
    IpPrefix p;
    p.family = rtnl_addr_get_family(a);
    p.length = static_cast<std::uint8_t>(rtnl_addr_get_prefixlen(a));
    const auto len = std::min<std::size_t>(nl_addr_get_len(local), p.addr.size());
    std::copy_n(static_cast<const std::uint8_t*>(nl_addr_get_binary_addr(local)), len,
                p.addr.begin());
    out.emplace_back(at, p);
  }
  return out;
}

Result<std::vector<IpPrefix>> Netlink::addresses(std::uint32_t ifindex, int family) const {
  BV_TRY(const auto found, dump_addresses(ifindex, family));
  std::vector<IpPrefix> out;
  for (const auto& [at, address] : found) out.push_back(address);
  return out;
}

Result<std::vector<std::pair<std::uint32_t, IpPrefix>>> Netlink::all_addresses() const {
  return dump_addresses(0, AF_UNSPEC);
}

Result<> Netlink::add_address(std::uint32_t ifindex, const IpPrefix& p) const {
  const auto addr = to_addr(ifindex, p);
  if (p.family == AF_INET6) rtnl_addr_set_flags(addr.get(), IFA_F_NODAD);
  if (const int err = rtnl_addr_add(sock_.get(), addr.get(), NLM_F_EXCL); err < 0)
    return nl_fail(err, fmt::format("add address {}", p.cidr()));
  return {};
}

Result<bool> Netlink::is_local(const IpPrefix& p) const {
  NlBytes address(nl_addr_build(p.family, p.addr.data(), p.family == AF_INET ? 4 : 16));
  rtnl_route* raw = nullptr;
  const int err = rtnl_route_lookup(sock_.get(), address.get(), &raw);
  if (err == -NLE_FAILURE || err == -NLE_OBJ_NOTFOUND) return false;  // no route at all
  if (err < 0) return nl_fail(err, fmt::format("route to {}", p.address()));
  NlRoute route(raw);
  return rtnl_route_get_type(route.get()) == RTN_LOCAL;
}

Result<> Netlink::delete_address(std::uint32_t ifindex, const IpPrefix& p) const {
  const auto addr = to_addr(ifindex, p);
  if (const int err = rtnl_addr_delete(sock_.get(), addr.get(), 0); err < 0)
    return nl_fail(err, fmt::format("delete address {}", p.cidr()));
  return {};
}

Result<> Netlink::add_default_route(std::uint32_t ifindex, int family) const {
  NlRoute route(rtnl_route_alloc());
  const std::array<std::uint8_t, 16> any{};
  NlBytes dst(nl_addr_build(family, any.data(), family == AF_INET ? 4 : 16));
  nl_addr_set_prefixlen(dst.get(), 0);
  auto* nh = rtnl_route_nh_alloc();
  rtnl_route_nh_set_ifindex(nh, static_cast<int>(ifindex));
  rtnl_route_set_family(route.get(), static_cast<std::uint8_t>(family));
  rtnl_route_set_scope(route.get(), family == AF_INET ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE);
  rtnl_route_set_dst(route.get(), dst.get());
  rtnl_route_set_protocol(route.get(), RTPROT_BOOT);  // as `ip route add` writes it
  rtnl_route_add_nexthop(route.get(), nh);
  if (const int err = rtnl_route_add(sock_.get(), route.get(), NLM_F_EXCL); err < 0)
    return nl_fail(err,
                   fmt::format("add the {} default route", family == AF_INET ? "IPv4" : "IPv6"));
  return {};
}

Result<std::optional<std::int32_t>> Netlink::id_of_netns(int fd) const {
  const NlMessage ask(nlmsg_alloc_simple(RTM_GETNSID, 0));
  rtgenmsg any{AF_UNSPEC};
  nlmsg_append(ask.get(), &any, sizeof(any), NLMSG_ALIGNTO);
  nla_put_u32(ask.get(), NETNSA_FD, static_cast<std::uint32_t>(fd));
  std::int32_t id = NETNSA_NSID_NOT_ASSIGNED;
  const auto read = [](nl_msg* answer, void* to) -> int {
    const auto* found = nlmsg_find_attr(nlmsg_hdr(answer), sizeof(rtgenmsg), NETNSA_NSID);
    if (found) *static_cast<std::int32_t*>(to) = nla_get_s32(found);
    return NL_OK;
  };
  nl_socket_modify_cb(sock_.get(), NL_CB_VALID, NL_CB_CUSTOM, read, &id);
  int err = nl_send_auto(sock_.get(), ask.get());
  if (err >= 0) err = nl_recvmsgs_default(sock_.get());
  if (err >= 0) err = nl_wait_for_ack(sock_.get());
  nl_socket_modify_cb(sock_.get(), NL_CB_VALID, NL_CB_DEFAULT, nullptr, nullptr);
  if (err < 0) return nl_fail(err, "the id of a network namespace");
  return id == NETNSA_NSID_NOT_ASSIGNED ? std::optional<std::int32_t>{} : std::optional(id);
}

Result<bool> Netlink::has_clsact(std::uint32_t ifindex) const {
  nl_cache* raw = nullptr;
  if (const int err = rtnl_qdisc_alloc_cache(sock_.get(), &raw); err < 0)
    return nl_fail(err, "list qdiscs");
  NlCache cache(raw);
  for (auto* o = nl_cache_get_first(cache.get()); o; o = nl_cache_get_next(o)) {
    auto* tc = TC_CAST(o);
    if (rtnl_tc_get_ifindex(tc) == static_cast<int>(ifindex) &&
        text(rtnl_tc_get_kind(tc)) == "clsact")
      return true;
  }
  return false;
}

Result<unsigned> Netlink::count_clsact_filters(std::uint32_t ifindex) const {
  unsigned count = 0;
  for (const auto side : {TC_H_MIN_INGRESS, TC_H_MIN_EGRESS}) {
    nl_cache* raw = nullptr;
    const int err = rtnl_cls_alloc_cache(sock_.get(), static_cast<int>(ifindex),
                                         TC_H_MAKE(TC_H_CLSACT, side), &raw);
    if (err < 0) return nl_fail(err, fmt::format("list filters of interface {}", ifindex));
    NlCache cache(raw);
    count += static_cast<unsigned>(nl_cache_nitems(cache.get()));
  }
  return count;
}

}  // namespace bpfvlan
