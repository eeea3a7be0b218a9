// SPDX-License-Identifier: MIT
// One compiled BPF object, loaded: its maps to fill and read, its programs to run on a frame.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "address_index.hpp"
#include "bpfvlan/schema.h"
#include "bpfvlan/test/address.hpp"

struct bpf_object;

namespace bpfvlan::test {

enum class Hook { kRx, kXmit, kNetkit, kLocal, kXdp };

// A tag as the device hands it up: beside the frame, not in it.
struct Tag {
  std::uint16_t protocol = 0x8100;
  std::uint16_t tci = 0;
};

struct Context {
  std::uint32_t device = 0;
  std::uint32_t came_by = 0;
  std::uint32_t mark = 0;
  std::uint32_t priority = 0;
  std::uint32_t gso_size = 0;
  std::optional<Tag> tag{};
  std::uint32_t number_at = 0;  // offset of four bytes that are others in each run
  bool early = false;           // it comes from a netkit pair
};

struct Outcome {
  std::int32_t returned = 0;  // TC_ACT_*, XDP_*
  Bytes frame{};              // as the program left it
  std::uint32_t mark = 0;
  std::uint32_t priority = 0;
  std::uint32_t nanoseconds = 0;  // mean of one run
};

struct Size {
  std::uint32_t instructions = 0;  // as the verifier left them
  std::uint32_t verified = 0;      // instructions that the verifier walked
};

using ReasonCounts = std::array<bv_reason_count, BV_REASON_MAX>;

struct ObjectDeleter {
  void operator()(bpf_object* object) const;
};
using Object = std::unique_ptr<bpf_object, ObjectDeleter>;

// Of the filter's table, unless a limit says another: a small one is soon full.
inline constexpr std::uint32_t kConnections = 1024;

// Where they differ from the object's own.
struct Limits {
  std::map<std::string, std::uint32_t> entries{};  // of a map
  std::optional<std::uint32_t> endpoints{};        // a multiple of 64; all maps that follow from it
  std::uint32_t connections = kConnections;        // a power of two
};

// What the rules are asked by a program of the tests: matcher.bpf.c.
struct RuleQuestion {
  bv_rule_key key{};
  std::uint32_t ipv6 = 0, has_ports = 0, bytes = 0, parent = 0;
};
struct RuleAnswer {
  std::uint32_t counter = 0;
  bv_target target{};
};

// Every failure throws std::system_error.
class Programs {
 public:
  enum class Record { kNo, kYes };  // bv_record_verdict

  Programs(const std::string& object_path, Record record, const Limits& limits = {});

  // At kXdp, which need_xdp() comes before, the context is its device alone.
  Outcome run(Hook hook, const Bytes& frame, const Context& context,
              std::uint32_t repeat = 1) const;
  Size size(Hook hook) const;
  Size filter_size() const;
  std::uint32_t chunks() const { return chunks_; }  // schema.h, `group_hints`
  std::uint32_t connections() const { return connections_; }

  // The filter's object, of the same compiler: its maps are then there as all others.
  void need_filter();
  void call_filter(bool yes);  // by bv_rx and bv_xmit; need_filter() first

  // The one in front of bv_rx, of the same compiler; the filter's object comes with it.
  void need_xdp();

  void need_matcher();  // with the filter's rules; need_filter() comes with it
  RuleAnswer match(const RuleQuestion& question) const;

  void put(std::uint32_t ifindex, const bv_parent& parent);
  void put(std::uint32_t host_side, const bv_endpoint& endpoint);  // its port too
  void put(std::uint32_t parent, const Ip4Addr& address, const bv_addr& owner);
  void put(std::uint32_t parent, const Ip6Addr& address, const bv_addr& owner);
  const AddressIndex& address_index() const { return address_index_; }

  // Any map, with the types that schema.h has for it; not those per CPU.
  template <class Key, class Value>
  void put(const char* map, const Key& key, const Value& value) {
    write(map, &key, &value);
  }
  template <class Value, class Key>
  std::optional<Value> find(const char* map, const Key& key) const {
    Value value{};
    return read(map, &key, &value) ? std::optional(value) : std::nullopt;
  }
  template <class Key>
  std::vector<Key> keys(const char* map) const {
    std::vector<Key> out;
    Key key{};
    for (const Key* before = nullptr; next_key(map, before, &key); before = &out.back())
      out.push_back(key);
    return out;
  }
  void clear(const char* map);  // a hash map
  void clear_addresses();
  void zero(const char* map);  // an array, per CPU or not
  void put_pages(std::uint32_t parent_index, const std::vector<bv_rule_page>& pages);  // `rules`
  void erase_pages(std::uint32_t parent_index);

  // Counters and the last verdict: all zero but for these reasons.
  void reset(const ReasonCounts& reasons = {});
  void clear_counters(std::uint32_t id);  // of one endpoint
  ReasonCounts reasons() const;
  bv_ep_counters endpoint(std::uint32_t id) const;
  std::vector<bv_ep_counters> endpoints(std::uint32_t count) const;  // the first ones
  bv_verdict last_verdict() const;

  // Of the filter.
  bv_rule_count rule_count(std::uint32_t counter) const;
  void clear_rule_count(std::uint32_t counter);
  std::uint64_t ct_stat(bv_ct_stat stat) const;
  std::uint32_t now_ticks() const;  // of the clock that connections expire by

 private:
  Outcome run_xdp(const Bytes& frame, const Context& context, std::uint32_t repeat) const;
  int map(const char* name) const;
  void share_maps(bpf_object* object) const;
  void write(const char* name, const void* key, const void* value);
  void index(std::uint32_t parent, const IpPrefix& address, const bv_addr& owner);
  bool read(const char* name, const void* key, void* value) const;
  bool next_key(const char* name, const void* before, void* key) const;
  int program(Hook hook) const;
  int filter_program(const char* name) const;
  int prepared(int fd) const;  // the program that prepares the frame and goes on with this one
  template <class Value>
  void write_per_cpu(const char* name, std::uint32_t key, const Value& first_cpu);
  template <class Values>
  void write_all_per_cpu(const char* name, const Values& first_cpu);
  void write_batch(const char* name, std::uint32_t count, const void* values);  // from index 0
  template <class Value>
  std::vector<Value> read_per_cpu(const char* name, std::uint32_t key) const;
  template <class Value>
  std::vector<std::vector<Value>> read_all_per_cpu(const char* name, std::uint32_t count) const;
  void read_batch(const char* name, std::uint32_t count, void* values) const;  // from index 0

  std::string path_;
  Record record_;
  std::uint32_t chunks_ = BV_DEFAULT_ENDPOINTS / 64;
  std::uint32_t connections_;
  Object object_;
  Object filter_;
  Object xdp_;
  Object prepare_;
  Object matcher_;
  AddressIndex address_index_;
  struct Indexed {
    std::uint32_t parent;
    IpPrefix address;
    std::uint32_t id;
  };
  std::vector<Indexed> indexed_;
};

}  // namespace bpfvlan::test
