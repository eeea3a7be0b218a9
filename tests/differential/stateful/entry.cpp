// SPDX-License-Identifier: MIT
#include "stateful/entry.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <memory>

#include "bpfvlan/netns.hpp"
#include "conntrack_line.hpp"
#include "lab/command.hpp"

namespace bpfvlan::test {
namespace {

constexpr long kMoment = 4;  // seconds

// IPv6 addresses in their shortest form.
std::string shortened(const std::string& word) {
  const auto equals = word.find('=');
  in6_addr address{};
  char text[INET6_ADDRSTRLEN];
  if (equals == std::string::npos ||
      inet_pton(AF_INET6, word.c_str() + equals + 1, &address) != 1 ||
      !inet_ntop(AF_INET6, &address, text, sizeof(text)))
    return word;
  return word.substr(0, equals + 1) + text;
}

// "ipv4 2 tcp 6 431999 ESTABLISHED src=… … mark=0 zone=0 use=2"
Entry parse(const std::string& line) {
  constexpr std::size_t kSeconds = 4;
  Entry entry;
  const auto words = lab::words(line);
  for (std::size_t i = 0; i < words.size(); ++i) {
    const auto& word = words[i];
    if (i == kSeconds)
      entry.seconds = std::strtol(word.c_str(), nullptr, 10);
    else if (!word.starts_with("mark=") && !word.starts_with("zone=") && !word.starts_with("use="))
      entry.text += (i ? " " : "") + shortened(word);
  }
  return entry;
}

}  // namespace

std::string to_string(const Entry& entry) {
  return fmt::format("{} ({} s)", entry.text, entry.seconds);
}

Entry without_counts(Entry entry) {
  std::string text;
  for (const auto& word : lab::words(entry.text))
    if (!word.starts_with("packets=") && !word.starts_with("bytes="))
      text += (text.empty() ? "" : " ") + word;
  entry.text = text;
  return entry;
}

bool alike(const std::vector<Entry>& a, const std::vector<Entry>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const Entry& x, const Entry& y) {
    return x.text == y.text && std::abs(x.seconds - y.seconds) <= kMoment;
  });
}

Result<std::vector<Entry>> entries_of(const Conntrack& ours) {
  std::vector<Entry> entries;
  BV_CHECK(ours.list({}, [&](const Connection& c) -> Result<> {
    fmt::memory_buffer line;
    cli::append_line(line, c, true);
    entries.push_back(parse(fmt::to_string(line)));
    return {};
  }));
  std::sort(entries.begin(), entries.end());
  return entries;
}

Result<std::vector<Entry>> entries_of_netns(const std::string& netns) {
  BV_TRY(const auto ns, Netns::open(netns));
  BV_TRY(const auto in, InNetns::enter(ns.fd()));
  std::ifstream file("/proc/thread-self/net/nf_conntrack");
  if (!file) return fail(errno, "read nf_conntrack");
  std::vector<Entry> entries;
  for (std::string line; std::getline(file, line);) entries.push_back(parse(line));
  std::sort(entries.begin(), entries.end());
  return entries;
}

Result<> flush_netns(const std::string& netns) {
  BV_TRY(const auto ns, Netns::open(netns));
  BV_TRY(const auto in, InNetns::enter(ns.fd()));
  const std::unique_ptr<nl_sock, void (*)(nl_sock*)> socket(nl_socket_alloc(), nl_socket_free);
  const std::unique_ptr<nl_msg, void (*)(nl_msg*)> message(
      nlmsg_alloc_simple(NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_DELETE,
                         NLM_F_REQUEST | NLM_F_ACK),
      nlmsg_free);
  nfgenmsg header{};
  header.version = NFNETLINK_V0;
  if (!socket || !message || nl_connect(socket.get(), NETLINK_NETFILTER))
    return fail(EIO, "netlink");
  nlmsg_append(message.get(), &header, sizeof(header), NLMSG_ALIGNTO);
  if (nl_send_auto(socket.get(), message.get()) < 0) return fail(EIO, "send to netlink");
  if (const int err = nl_wait_for_ack(socket.get()); err < 0)
    return refuse(std::errc::io_error, fmt::format("conntrack flush: {}", nl_geterror(err)));
  return {};
}

}  // namespace bpfvlan::test
