// SPDX-License-Identifier: MIT
// What the parent's NIC lets in: all multicast while there is an l2 endpoint, and never all frames.
#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "stage.hpp"

namespace bpfvlan::test {
namespace {

using Filter = std::pair<int, int>;  // promiscuity, all multicast: how often each is switched on
constexpr Filter kPlain{0, 0}, kAllMulticast{0, 1};

class ParentFilter : public OurStage {
 protected:
  static Filter filter() {
    const auto r = lab::run({"ip", "-n", "host", "-d", "-j", "link", "show", "P"});
    const auto link = nlohmann::json::parse(r.out).at(0);
    return {link.at("promiscuity"), link.at("allmulti")};
  }
  void done(const std::string& args) {
    const auto r = cli(args);
    EXPECT_EQ(r.status, 0) << args << "\n" << r.err;
  }
  void add(const std::string& name, const std::string& more = {}) {
    BV_OK(lab.add_netns(name));
    done(fmt::format("endpoint add {0} --parent P --netns {0} {1}", name, more));
  }
};

TEST_F(ParentFilter, all_multicast_from_the_first_l2_endpoint_to_the_last) {
  EXPECT_EQ(filter(), kPlain);
  add("a", "--mode l3");
  EXPECT_EQ(filter(), kPlain);
  add("b", "--mode l2");
  EXPECT_EQ(filter(), kAllMulticast);
  add("c", "--mode l2");
  done("endpoint del b");
  EXPECT_EQ(filter(), kAllMulticast);
  done("endpoint del c");
  EXPECT_EQ(filter(), kPlain);
}

TEST_F(ParentFilter, follows_the_mode) {
  done("attach P --mode l2");
  EXPECT_EQ(filter(), kPlain) << "nobody there yet";
  add("a");
  EXPECT_EQ(info("a").mode, BV_MODE_L2);
  EXPECT_FALSE(info("a").own_mode);
  EXPECT_EQ(filter(), kAllMulticast);
  done("attach P --mode l3");
  EXPECT_EQ(filter(), kPlain);
  done("endpoint set a --mode l2");
  EXPECT_EQ(filter(), kAllMulticast);
  done("endpoint set a --mode l3");
  EXPECT_EQ(filter(), kPlain);
}

TEST_F(ParentFilter, a_parent_that_had_it_keeps_it) {
  BV_OK(lab.ip("host", "link set P allmulticast on"));
  add("a", "--mode l2");
  EXPECT_EQ(filter(), kAllMulticast);
  done("endpoint del a");
  EXPECT_EQ(filter(), kAllMulticast);
  done("detach P");
  EXPECT_EQ(filter(), kAllMulticast);
}

TEST_F(ParentFilter, detach_gives_it_back) {
  add("a", "--mode l2");
  add("b", "--mode l2");
  done("detach P --force");
  EXPECT_EQ(filter(), kPlain);
}

TEST_F(ParentFilter, an_endpoint_that_vanishes_gives_it_back) {
  add("a", "--mode l2");
  BV_OK(lab.ip("a", "link del dev a"));
  done("stats");
  EXPECT_EQ(filter(), kPlain);
}

TEST_F(ParentFilter, somebody_switched_it_off) {
  add("a", "--mode l2");
  BV_OK(lab.ip("host", "link set P allmulticast off"));
  done("stats");
  EXPECT_EQ(filter(), kAllMulticast);
}

TEST_F(ParentFilter, a_failed_add_gives_it_back) {
  BV_OK(lab.add_netns("z"));
  BV_OK(lab.ip("z", "route add default dev lo"));
  EXPECT_EQ(cli("endpoint add z --parent P --netns z --mode l2 --address 10.0.0.9 --default-route")
                .status,
            1);
  EXPECT_EQ(filter(), kPlain);
}

}  // namespace
}  // namespace bpfvlan::test
