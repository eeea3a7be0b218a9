// SPDX-License-Identifier: MIT
// REJECT as the sender's socket sees it. Of what comes in, the kernel's driver with netfilter plays
// it too; of what goes out, netfilter's answer takes the way to the wire and is never seen.
#include <fmt/core.h>
#include <sys/socket.h>

#include "filtered_stage.hpp"
#include "lab/sockets.hpp"

namespace bpfvlan::test {
namespace {

struct Answer {
  const char* reject_with;
  int error;  // errno
};
constexpr Answer kAnswers4[] = {{"icmp-port-unreachable", ECONNREFUSED},
                                {"icmp-proto-unreachable", ENOPROTOOPT},
                                {"icmp-host-unreachable", EHOSTUNREACH},
                                {"icmp-net-prohibited", ENETUNREACH},
                                {"icmp-admin-prohibited", EHOSTUNREACH}};
constexpr Answer kAnswers6[] = {{"icmp6-port-unreachable", ECONNREFUSED},
                                {"icmp6-addr-unreachable", EHOSTUNREACH},
                                {"icmp6-no-route", ENETUNREACH},
                                {"icmp6-adm-prohibited", EACCES}};

class L3sReject : public Filtered {
 protected:
  void SetUp() override {
    Filtered::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    // netfilter's answers come from the endpoint's namespace, few a second otherwise.
    for (const auto* key : {"net.ipv4.icmp_ratelimit", "net.ipv6.icmp.ratelimit"})
      BV_OK(lab.sysctl("a", key, "0"));
  }
  std::vector<Answer> answers() const {
    if (family() == AF_INET) return {std::begin(kAnswers4), std::end(kAnswers4)};
    return {std::begin(kAnswers6), std::end(kAnswers6)};
  }
  // All but this is accepted.
  void reject(const char* chain, const std::string& protocol, const char* with) {
    BV_OK(restore({fmt::format("-A {} -p {} -j REJECT --reject-with {}", chain, protocol, with),
                   "-A INPUT -j ACCEPT", "-A OUTPUT -j ACCEPT"}));
  }
  // Somebody would answer: an error is the filter's.
  static int udp_error(lab::Path path, std::size_t bytes) {
    lab::Address to(path.address);
    const auto server = lab::server(path, SOCK_DGRAM, to, patience());
    path.number = to.port();
    return lab::udp_error(path, bytes, patience());
  }
  static int connect_error(const lab::Path& path) {
    lab::Address to(path.address);
    const auto server = lab::server(path, SOCK_STREAM, to, patience());
    const auto client = lab::asker(path, SOCK_STREAM, 0, patience());
    return connect(client.get(), to.get(), to.length) ? errno : 0;
  }
  void expect_answers(const char* chain, const lab::Path& path) {
    for (const auto& [with, error] : answers()) {
      reject(chain, "udp", with);
      for (const std::size_t bytes : {10U, 1400U})
        EXPECT_EQ(udp_error(path, bytes), error) << with << ", " << bytes << " bytes";
      reject(chain, "tcp", with);
      EXPECT_EQ(connect_error(path), error) << with;
    }
    reject(chain, "tcp", "tcp-reset");
    EXPECT_EQ(connect_error(path), ECONNREFUSED);
  }
};
INSTANTIATE_TEST_SUITE_P(, L3sReject,
                         ::testing::Combine(kEitherEngine, ::testing::Values(AF_INET, AF_INET6)),
                         engine_and_family);

TEST_P(L3sReject, of_what_comes_in) {
  const lab::Path path{"x", "a", of(kA)};
  expect_answers("INPUT", path);
  reject("INPUT", "udp", answers()[0].reject_with);
  EXPECT_EQ(connect_error(path), 0) << "UDP alone";
}

class OurReject : public L3sReject {};
INSTANTIATE_TEST_SUITE_P(, OurReject,
                         ::testing::Combine(::testing::Values(EngineKind::Bpfvlan),
                                            ::testing::Values(AF_INET, AF_INET6)),
                         engine_and_family);

TEST_P(OurReject, of_what_goes_out) {
  const lab::Path path{"a", "x", of(kX)};
  expect_answers("OUTPUT", path);
  reject("OUTPUT", "tcp", "tcp-reset");
  EXPECT_TRUE(lab::udp_echo(path, 100, patience())) << "TCP alone";
  expect_answers("OUTPUT", {"a", "host", of(kP)});
}

}  // namespace
}  // namespace bpfvlan::test
