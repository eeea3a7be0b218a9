// SPDX-License-Identifier: MIT
// The maps as others see them: with bpftool, and as a program of another version.
#include <bpf/bpf.h>
#include <fmt/core.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "stage.hpp"

namespace bpfvlan::test {
namespace {

using ::testing::HasSubstr;

class Maps : public OurStage {
 protected:
  void SetUp() override {
    OurStage::SetUp();
    BV_OK(attach(BV_POLICY_VEPA));
    BV_OK(endpoint("a", kA));
    dir = std::filesystem::directory_iterator("/sys/fs/bpf/bpfvlan")->path();
  }
  nlohmann::json dump(const std::string& map) {
    const auto r = lab::run({"bpftool", "map", "dump", "pinned", dir + "/" + map, "-j"});
    EXPECT_EQ(r.status, 0) << r.err;
    return nlohmann::json::parse(r.out);
  }
  std::string dir;
};

// The lines that maps-schema/README.md gives, with the fields it names.
TEST_F(Maps, bpftool_names_every_field) {
  struct Row {
    const char* map;
    std::vector<std::string> key, value;
  };
  const std::vector<Row> rows = {
      {"meta", {}, {"schema_version", "max_endpoints", "max_addresses"}},
      {"parents",
       {},
       {"mode", "policy", "mtu", "mac", "owns_clsact", "owns_allmulti", "index", "l2_endpoints",
        "ifname"}},
      {"endpoints",
       {},
       {"id", "parent", "mode", "policy", "learn_age", "device", "inner_ifindex", "netns_cookie",
        "netns_inode", "own_mode", "own_policy", "own_mtu", "unfinished", "in_parent_netns", "mtu",
        "name", "inner_ifname", "netns"}},
      {"addr4", {"parent", "addr"}, {"to", "prefix_len", "age", "seen"}},
      {"addr6", {"parent", "addr"}, {"to", "prefix_len", "age", "seen"}},
  };
  for (const auto& row : rows) {
    const auto entries = dump(row.map);
    ASSERT_EQ(entries.size(), 1U) << row.map;
    const auto& entry = entries[0].at("formatted");
    for (const auto& field : row.key) EXPECT_TRUE(entry["key"].contains(field)) << field;
    for (const auto& field : row.value) EXPECT_TRUE(entry["value"].contains(field)) << field;
  }
  for (const auto* map : {"addr4", "addr6"})
    for (const auto* field : {"host_side", "id", "parent", "mode", "policy", "in_parent_netns"})
      EXPECT_TRUE(dump(map)[0]["formatted"]["value"]["to"].contains(field)) << map << field;
  EXPECT_EQ(dump("endpoints")[0]["formatted"]["value"]["policy"], "BV_POLICY_VEPA");

  const auto counters = dump("ep_counters");
  for (const auto* field : {"rx_packets", "rx_bytes", "tx_packets", "tx_bytes", "tx_dropped"})
    EXPECT_TRUE(counters[0]["formatted"]["values"][0]["value"].contains(field)) << field;
  const auto reasons = dump("reasons");
  EXPECT_EQ(reasons.size(), std::size_t{BV_REASON_MAX});
  for (const auto* field : {"packets", "bytes"})
    EXPECT_TRUE(reasons[0]["formatted"]["values"][0]["value"].contains(field)) << field;
}

// Every map has its row in the README of the schema.
TEST_F(Maps, readme_lists_every_pin) {
  const auto readme = lab::run({"cat", BPFVLAN_SCHEMA_README}).out;
  for (const auto& e : std::filesystem::directory_iterator(dir)) {
    const auto name = e.path().filename().string();
    if (name.starts_with("link_")) continue;
    EXPECT_THAT(readme, HasSubstr("`" + name + "`"));
  }
}

TEST_F(Maps, of_another_version_are_refused) {
  const UniqueFd meta(bpf_obj_get((dir + "/meta").c_str()));
  const std::uint32_t zero = 0;
  bv_meta value{};
  ASSERT_EQ(bpf_map_lookup_elem(meta.get(), &zero, &value), 0);
  value.schema_version = BV_SCHEMA_VERSION + 41;
  ASSERT_EQ(bpf_map_update_elem(meta.get(), &zero, &value, BPF_ANY), 0);
  for (const auto* args : {"endpoint list", "attach P", "endpoint del a", "detach P --force"}) {
    const auto r = cli(args);
    EXPECT_EQ(r.status, 1);
    EXPECT_THAT(r.err, HasSubstr(fmt::format("schema version {}, this program has {}",
                                             BV_SCHEMA_VERSION + 41, BV_SCHEMA_VERSION)));
  }
  value.schema_version = BV_SCHEMA_VERSION;
  ASSERT_EQ(bpf_map_update_elem(meta.get(), &zero, &value, BPF_ANY), 0);
  EXPECT_EQ(info("a").name, "a") << "nothing was changed";
}

}  // namespace
}  // namespace bpfvlan::test
