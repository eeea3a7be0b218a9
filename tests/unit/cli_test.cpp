// SPDX-License-Identifier: MIT
// What the command line decides before it touches anything; needs no root.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "app.hpp"
#include "bpfvlan/schema.h"
#include "lab/command.hpp"

namespace bpfvlan::lab {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

CommandResult bpfvlan(const std::string& args) {
  return run(words(std::string(BPFVLAN_CLI) + " " + args));
}

TEST(Cli, help_of_everything_ends_well) {
  for (const auto* args : {"--help",
                           "attach --help",
                           "detach --help",
                           "endpoint --help",
                           "endpoint add --help",
                           "endpoint set --help",
                           "endpoint del --help",
                           "endpoint list --help",
                           "endpoint show --help",
                           "address --help",
                           "address add --help",
                           "address del --help",
                           "stats --help",
                           "conntrack --help",
                           "conntrack list --help",
                           "conntrack count --help",
                           "conntrack delete --help",
                           "conntrack flush --help",
                           "conntrack stats --help",
                           "conntrack settings --help",
                           "conntrack set --help",
                           "hairpin --help",
                           "hairpin attach --help",
                           "hairpin detach --help",
                           "hairpin list --help",
                           "feature --help",
                           "version --help",
                           "demo --help"}) {
    const auto r = bpfvlan(args);
    EXPECT_EQ(r.status, 0) << args << "\n" << r.err;
    EXPECT_FALSE(r.out.empty()) << args;
  }
}

struct Wrong {
  const char* args;
  const char* says;
};
class CliUsage : public ::testing::TestWithParam<Wrong> {};

TEST_P(CliUsage, is_exit_status_2_and_a_reason) {
  const auto r = bpfvlan(GetParam().args);
  EXPECT_EQ(r.status, 2) << r.out << r.err;
  EXPECT_THAT(r.out + r.err, HasSubstr(GetParam().says));
}

INSTANTIATE_TEST_SUITE_P(
    Errors, CliUsage,
    ::testing::Values(
        Wrong{"", "--batch"}, Wrong{"nonsense", "nonsense"}, Wrong{"attach", "PARENT"},
        Wrong{"attach P --mode l4", "not one of: l2, l3, l3s"},
        Wrong{"attach P --policy open", "bridge, private, vepa"},
        Wrong{"attach P --max-endpoints 0", "--max-endpoints"},
        Wrong{"attach P --max-endpoints 65537", "65536"},
        Wrong{"attach P --max-addresses many", "--max-addresses"},
        Wrong{"attach P --max-connections 1023", "1024"},
        Wrong{"attach P --max-connections 16777217", "16777216"}, Wrong{"detach", "PARENT"},
        Wrong{"endpoint", "subcommand"}, Wrong{"endpoint add x", "--parent"},
        Wrong{"endpoint add --parent P", "NAME"},
        Wrong{"endpoint add x --parent P --address 10.0.0.300/24", "10.0.0.300"},
        Wrong{"endpoint add x --parent P --address 224.0.0.1", "multicast"},
        Wrong{"endpoint add x --parent P --mtu big", "--mtu"},
        Wrong{"endpoint add x --parent P --device tap", "--device"},
        Wrong{"endpoint add x --parent P --learn-age 5", "--learn"},
        Wrong{"endpoint add x --parent P --learn --learn-age 0", "--learn-age"},
        Wrong{"endpoint add x --parent P --filter maybe", "--filter"},
        Wrong{"endpoint set x --filter", "--filter"}, Wrong{"conntrack", "subcommand"},
        Wrong{"conntrack list -s 1.2.3.4/33", "0 to 32"},
        Wrong{"conntrack list -p nonsense", "tcp, udp"},
        Wrong{"conntrack list --state OPEN", "SYN_SENT"},
        Wrong{"conntrack list --sport 65536", "65535"},
        Wrong{"conntrack list --icmp-type 256", "255"}, Wrong{"conntrack list -o xml", "extended"},
        Wrong{"conntrack delete", "At least 1 option"},
        Wrong{"conntrack delete --parent P", "At least 1 option"},
        Wrong{"conntrack set", "NAME=VALUE"},
        Wrong{"conntrack set nf_conntrack_tcp_loose", "NAME=VALUE"},
        Wrong{"endpoint set x", "At least 1 option"}, Wrong{"endpoint set x --learn", "--learn"},
        Wrong{"endpoint set x --learn maybe", "--learn"},
        Wrong{"endpoint set x --learn-age 5", "--learn"},
        Wrong{"endpoint set x --learn off --learn-age 5", "--learn off"},
        Wrong{"endpoint set x --policy no", "not one of"}, Wrong{"endpoint del", "NAME"},
        Wrong{"address add x", "CIDR"}, Wrong{"address add x 1.2.3.4/64", "0 to 32"},
        Wrong{"address", "subcommand"}, Wrong{"version --batch", "--batch"},
        Wrong{"-b x version", "--batch"}));

TEST(Cli, version_says_what_maps_it_speaks) {
  const auto r = bpfvlan("-j version");
  ASSERT_EQ(r.status, 0) << r.err;
  const auto json = nlohmann::json::parse(r.out);
  ASSERT_EQ(json.size(), 1U);
  EXPECT_EQ(json[0]["schema_version"], BV_SCHEMA_VERSION);
  EXPECT_TRUE(json[0]["version"].is_string());
}

TEST(Cli, json_is_an_array_of_objects_with_numbers_as_numbers) {
  const auto r = bpfvlan("-p version");
  ASSERT_EQ(r.status, 0) << r.err;
  EXPECT_THAT(r.out, HasSubstr("\n  {\n"));
  EXPECT_TRUE(nlohmann::json::parse(r.out)[0]["schema_version"].is_number());
}

TEST(Cli, exit_statuses) {
  testing::internal::CaptureStderr();
  EXPECT_EQ(cli::report({}), 0);
  EXPECT_EQ(cli::report(refuse(std::errc::invalid_argument, "no")), 1);
  EXPECT_EQ(cli::report(unsupported("this kernel has no x (since 9.9)")), 3);
  EXPECT_EQ(testing::internal::GetCapturedStderr(),
            "bpfvlan: no\nbpfvlan: this kernel has no x (since 9.9)\n");
}

TEST(Cli, unwritable_output_is_a_failure) {
  const auto r = run({"sh", "-c", std::string(BPFVLAN_CLI) + " version >/dev/full"});
  EXPECT_EQ(r.status, 1);
  EXPECT_THAT(r.err, HasSubstr("standard output: No space left"));
}

TEST(Cli, json_survives_names_that_are_no_utf8) {
  cli::Output output;
  output.json = true;
  testing::internal::CaptureStdout();
  output.table(nlohmann::ordered_json::array({{{"name", "\xff"}}}), {});
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "[{\"name\":\"\xef\xbf\xbd\"}]\n");
}

TEST(Cli, json_of_many_rows_is_that_of_all_at_once) {
  const auto row = nlohmann::ordered_json{{"name", "a\nb"}, {"more", {{"list", {1, 2}}}}};
  for (const bool pretty : {false, true}) {
    for (const std::size_t count : {0U, 1U, 3U}) {
      cli::Output output;
      output.json = true;
      output.pretty = pretty;
      testing::internal::CaptureStdout();
      output.table(nlohmann::ordered_json(count, row), {});
      const auto at_once = testing::internal::GetCapturedStdout();
      testing::internal::CaptureStdout();
      cli::RowStream rows(output);
      for (std::size_t i = 0; i < count; ++i) EXPECT_TRUE(rows.add(row));
      EXPECT_TRUE(rows.end());
      EXPECT_EQ(testing::internal::GetCapturedStdout(), at_once);
    }
  }
}

TEST(Cli, an_object_in_a_table_says_more_of_its_first_value) {
  const nlohmann::ordered_json learned = {{{"address", "192.0.2.7"}, {"unused_seconds", 12}},
                                          {{"address", "::1"}, {"unused_seconds", 0}}};
  testing::internal::CaptureStdout();
  cli::Output().table(nlohmann::ordered_json::array({{{"learned", learned}}}),
                      {{"LEARNED", "learned"}});
  EXPECT_EQ(testing::internal::GetCapturedStdout(),
            "LEARNED\n192.0.2.7 (unused_seconds 12),::1 (unused_seconds 0)\n");
}

TEST(Cli, a_directory_is_no_batch_file) {
  EXPECT_EQ(bpfvlan("-b /tmp").status, 1);
}

TEST(Cli, missing_batch_file_is_named) {
  const auto r = bpfvlan("-b /nonexistent/file");
  EXPECT_EQ(r.status, 1);
  EXPECT_THAT(r.err, AllOf(HasSubstr("/nonexistent/file"), HasSubstr("No such file")));
}

TEST(Cli, batch_names_the_line_that_failed) {
  const auto r = run({BPFVLAN_CLI, "-b", "-"}, "# a comment\n\nversion # and more\nnonsense\n");
  EXPECT_EQ(r.status, 1);
  EXPECT_THAT(r.err, HasSubstr("-:4:"));
  EXPECT_THAT(r.out, HasSubstr("SCHEMA"));  // the third line was run
}

}  // namespace
}  // namespace bpfvlan::lab
