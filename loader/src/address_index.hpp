// SPDX-License-Identifier: MIT
// The maps `addr4_index` and `addr6_index` (schema.h), mapped into memory: what a program that runs
// meanwhile sees of an entry is all of it or nothing.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "bpfvlan/ip_prefix.hpp"
#include "bpfvlan/result.hpp"
#include "bpfvlan/schema.h"

namespace bpfvlan {

struct Unmap {
  std::size_t bytes = 0;
  void operator()(void* memory) const;
};

class AddressIndex {
 public:
  // Pinned in this directory.
  static Result<AddressIndex> open(const std::string& dir);
  // Of two maps; the descriptors are needed no longer then.
  static Result<AddressIndex> of_maps(int addr4_index, int addr6_index);

  // While it lives, programs ask the hash map about all addresses of the same bucket: for as long
  // as that and the index may differ. Who is killed meanwhile has made them dearer, not wrong.
  class Change {
   public:
    explicit Change(__u64* more);
    Change(const Change&) = delete;
    Change& operator=(const Change&) = delete;
    ~Change();

   private:
    __u64* more_;
  };
  [[nodiscard]] Change change(std::uint32_t parent, const IpPrefix& address) const;

  // Within a Change. Adds it, unless its bucket has no room, which is noted there; or takes it out.
  void add(std::uint32_t parent, const IpPrefix& address, std::uint32_t id) const;
  void remove(std::uint32_t parent, const IpPrefix& address, std::uint32_t id) const;
  // What the hash map alone has: a learned address.
  void leave_out(std::uint32_t parent, const IpPrefix& address) const;

 private:
  template <class Bucket>
  using Buckets = std::unique_ptr<Bucket[], Unmap>;
  template <class Bucket>
  static Result<Buckets<Bucket>> map(int fd, std::size_t count);

  bv_addr4_bucket& bucket4(std::uint32_t parent, const IpPrefix& address) const;
  bv_addr6_bucket& bucket6(std::uint32_t parent, const IpPrefix& address) const;
  __u64& more(std::uint32_t parent, const IpPrefix& address) const;

  Buckets<bv_addr4_bucket> addr4_;
  Buckets<bv_addr6_bucket> addr6_;
};

}  // namespace bpfvlan
