// SPDX-License-Identifier: MIT
// Link-local IPv6 of l2 endpoints, which nobody types: all have one MAC address, and yet each an
// address of its own that the others find.
#include <fmt/core.h>
#include <sys/socket.h>

#include <nlohmann/json.hpp>

#include "stage.hpp"

namespace bpfvlan::test {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Strings = std::vector<std::string>;

class LinkLocal : public OurStage {
 protected:
  void add(const std::string& name, const std::string& more) {
    BV_OK(lab.add_netns(name));
    const auto r = cli(fmt::format("endpoint add {0} --parent P --netns {0} {1}", name, more));
    ASSERT_EQ(r.status, 0) << r.err;
  }
  void done(const std::string& args) {
    const auto r = cli(args);
    EXPECT_EQ(r.status, 0) << args << "\n" << r.err;
  }
  static nlohmann::json addresses(const std::string& name) {
    const auto r =
        lab::run({"ip", "-n", name, "-j", "-6", "address", "show", "dev", name, "scope", "link"});
    const auto shown = nlohmann::json::parse(r.out);
    return shown.empty() ? nlohmann::json::array() : shown.at(0).at("addr_info");
  }
  static Strings on_interface(const std::string& name) {
    Strings out;
    for (const auto& a : addresses(name)) out.push_back(a.at("local"));
    std::sort(out.begin(), out.end());
    return out;
  }
  Strings listed(const std::string& name) {
    Strings out;
    for (const auto& a : info(name).addresses)
      if (a.family == AF_INET6 && a.addr[0] == 0xfe) {
        EXPECT_EQ(a.length, 64);
        out.push_back(a.address());
      }
    std::sort(out.begin(), out.end());
    return out;
  }
  ::testing::AssertionResult reaches(const std::string& from, const std::string& to) {
    return lab::icmp_echo(
               {.from = from, .to = to, .address = on_interface(to).at(0), .device = from},
               patience())
               ? ::testing::AssertionSuccess()
               : ::testing::AssertionFailure() << from << " does not reach " << to;
  }
};

TEST_F(LinkLocal, is_listed_and_ones_own) {
  add("a", "--mode l2");
  add("b", "--mode l2");
  for (const auto* name : {"a", "b"}) {
    ASSERT_EQ(on_interface(name).size(), 1U) << name;
    EXPECT_EQ(listed(name), on_interface(name));
  }
  EXPECT_NE(listed("a"), listed("b"));
  EXPECT_TRUE(reaches("a", "b"));
  EXPECT_TRUE(reaches("b", "a"));
  done("endpoint del a");
  EXPECT_EQ(listed("b"), on_interface("b"));
}

// Detection takes a second: the address is listed before, so that it can be answered for.
TEST_F(LinkLocal, passes_duplicate_address_detection) {
  for (const auto* name : {"a", "b"}) {
    BV_OK(lab.add_netns(name));
    for (const auto* which : {"all", "default"})
      BV_OK(lab.sysctl(name, fmt::format("net.ipv6.conf.{}.accept_dad", which), "1"));
    done(fmt::format("endpoint add {0} --parent P --netns {0} --mode l2", name));
    EXPECT_EQ(listed(name), on_interface(name));
  }
  for (const auto* name : {"a", "b"})
    EXPECT_TRUE(eventually([&] { return !addresses(name).at(0).contains("tentative"); })) << name;
  for (const auto* name : {"a", "b"})
    EXPECT_FALSE(addresses(name).at(0).contains("dadfailed")) << name;
  EXPECT_TRUE(reaches("a", "b"));
}

TEST_F(LinkLocal, comes_with_the_mode) {
  add("a", "");
  add("b", "");
  EXPECT_THAT(listed("a"), IsEmpty()) << "l3";
  done("endpoint set a --mode l2");
  done("attach P --mode l2");  // b inherits it
  EXPECT_EQ(listed("a"), on_interface("a"));
  EXPECT_EQ(listed("b"), on_interface("b"));
  EXPECT_TRUE(reaches("a", "b"));
  done("endpoint set a --mode l3");
  done("endpoint set a --mode l2");
  EXPECT_EQ(listed("a"), on_interface("a"));
}

TEST_F(LinkLocal, a_changed_one_is_mended) {
  add("a", "--mode l2");
  const auto before = on_interface("a");
  BV_OK(lab.ip("a", "address add fe80::77/64 dev a nodad"));
  EXPECT_EQ(listed("a"), on_interface("a")) << "both";
  BV_OK(lab.ip("a", fmt::format("address del {}/64 dev a", before.at(0))));
  EXPECT_EQ(listed("a"), Strings{"fe80::77"});
  BV_OK(lab.ip("a", "address del fe80::77/64 dev a"));
  EXPECT_EQ(listed("a"), Strings{"fe80::77"}) << "an interface without any may be down";
}

// What the interface of another has cannot be taken from it, and is said.
TEST_F(LinkLocal, a_siblings_is_refused) {
  add("a", "--mode l2");
  add("b", "--mode l2");
  const auto of_a = listed("a").at(0);
  const auto of_b = listed("b");
  BV_OK(lab.ip("b", fmt::format("address add {}/64 dev b nodad", of_a)));
  const auto r = cli("stats");
  EXPECT_EQ(r.status, 0);
  EXPECT_THAT(r.err, HasSubstr(fmt::format("address {} belongs to endpoint 'a'", of_a)));
  EXPECT_EQ(listed("a"), Strings{of_a});
  EXPECT_EQ(listed("b"), of_b);
}

TEST_F(LinkLocal, none_without_ipv6) {
  BV_OK(lab.add_netns("a"));
  BV_OK(lab.sysctl("a", "net.ipv6.conf.default.disable_ipv6", "1"));
  done("endpoint add a --parent P --netns a --mode l2 --address 10.0.0.1");
  EXPECT_THAT(listed("a"), IsEmpty());
  add("b", "--mode l2 --mtu 1000");
  EXPECT_THAT(listed("b"), IsEmpty());
}

// IPv6 of an interface ends with an MTU below 1,280, and starts anew with the namespace's settings.
TEST_F(LinkLocal, is_random_again_after_a_small_mtu) {
  add("a", "--mode l2");
  add("b", "--mode l2");
  for (const auto* mtu : {"1200", "1500"}) {
    BV_OK(lab.ip("host", fmt::format("link set P mtu {}", mtu)));
    done("stats");
  }
  for (const auto* name : {"a", "b"}) {
    EXPECT_EQ(on_interface(name).size(), 1U);
    EXPECT_EQ(listed(name), on_interface(name));
  }
  EXPECT_NE(listed("a"), listed("b"));
  EXPECT_TRUE(reaches("a", "b"));
}

TEST_F(LinkLocal, in_the_parents_namespace) {
  BV_OK(endpoint_in_host("h", kH));
  add("a", "--mode l2");
  done("endpoint set h --mode l2");
  ASSERT_EQ(listed("h").size(), 1U);
  EXPECT_THAT(lab::run({"ip", "-n", "host", "-6", "address", "show", "dev", "h"}).out,
              HasSubstr(listed("h").at(0)));
  EXPECT_NE(listed("h"), listed("a"));
}

}  // namespace
}  // namespace bpfvlan::test
