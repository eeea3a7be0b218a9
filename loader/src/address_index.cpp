// SPDX-License-Identifier: MIT
#include "address_index.hpp"

#include <bpf/bpf.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <atomic>
#include <cerrno>
#include <cstring>

#include "bpfvlan/unique_fd.hpp"
#include "pinned_object.hpp"

namespace bpfvlan {
namespace {

using Word = std::atomic_ref<__u64>;

std::uint32_t addr4(const IpPrefix& a) {
  std::uint32_t word = 0;
  std::memcpy(&word, a.addr.data(), sizeof(word));
  return word;
}

std::uint64_t addr6(const IpPrefix& a, unsigned half) {
  std::uint64_t word = 0;
  std::memcpy(&word, a.addr.data() + half * sizeof(word), sizeof(word));
  return word;
}

std::uint64_t who4(std::uint32_t parent, const IpPrefix& a, std::uint32_t id) {
  return bv_addr4_word(parent, addr4(a)) | id;
}

std::uint64_t who6(std::uint32_t parent, std::uint32_t id) {
  return std::uint64_t{parent} << 32 | id;
}

template <std::size_t N>
unsigned free_way(const __u64 (&who)[N]) {
  unsigned way = 0;
  while (way < N && who[way]) ++way;
  return way;
}

}  // namespace

void Unmap::operator()(void* memory) const {
  munmap(memory, bytes);
}

template <class Bucket>
Result<AddressIndex::Buckets<Bucket>> AddressIndex::map(int fd, std::size_t count) {
  const auto bytes = count * sizeof(Bucket);
  void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (memory == MAP_FAILED) return fail(errno, "map the index of addresses into memory");
  return Buckets<Bucket>(static_cast<Bucket*>(memory), Unmap{bytes});
}

Result<AddressIndex> AddressIndex::of_maps(int addr4_index, int addr6_index) {
  AddressIndex index;
  BV_TRY(index.addr4_, map<bv_addr4_bucket>(addr4_index, std::size_t{1} << BV_ADDR4_BUCKET_BITS));
  BV_TRY(index.addr6_, map<bv_addr6_bucket>(addr6_index, std::size_t{1} << BV_ADDR6_BUCKET_BITS));
  return index;
}

Result<AddressIndex> AddressIndex::open(const std::string& dir) {
  const auto pin4 = pin_of(dir, "addr4_index"), pin6 = pin_of(dir, "addr6_index");
  const UniqueFd fd4(bpf_obj_get(pin4.c_str()));
  if (!fd4) return fail(errno, "pinned map " + pin4);
  const UniqueFd fd6(bpf_obj_get(pin6.c_str()));
  if (!fd6) return fail(errno, "pinned map " + pin6);
  return of_maps(fd4.get(), fd6.get());
}

AddressIndex::Change::Change(__u64* more) : more_(more) {
  Word(*more_).fetch_or(BV_INDEX_CHANGING);
}

AddressIndex::Change::~Change() {
  Word(*more_).fetch_and(~__u64{BV_INDEX_CHANGING});
}

AddressIndex::Change AddressIndex::change(std::uint32_t parent, const IpPrefix& address) const {
  return Change(&more(parent, address));
}

// The word that makes an entry one is the last to be written, and the first to go.
void AddressIndex::add(std::uint32_t parent, const IpPrefix& a, std::uint32_t id) const {
  remove(parent, a, id);
  if (a.family == AF_INET) {
    auto& b = bucket4(parent, a);
    const auto way = free_way(b.who);
    if (way < BV_ADDR4_WAYS) {
      Word(b.who[way]).store(who4(parent, a, id));
      return;
    }
  } else {
    auto& b = bucket6(parent, a);
    const auto way = free_way(b.who);
    if (way < BV_ADDR6_WAYS) {
      for (const unsigned half : {0U, 1U}) Word(b.addr[way][half]).store(addr6(a, half));
      Word(b.who[way]).store(who6(parent, id));
      return;
    }
  }
  Word(more(parent, a)).fetch_or(BV_INDEX_OVERFLOWED);
}

void AddressIndex::remove(std::uint32_t parent, const IpPrefix& a, std::uint32_t id) const {
  if (a.family == AF_INET) {
    for (auto& who : bucket4(parent, a).who)
      if (who == who4(parent, a, id)) Word(who).store(0);
    return;
  }
  auto& b = bucket6(parent, a);
  for (unsigned way = 0; way < BV_ADDR6_WAYS; ++way)
    if (b.who[way] == who6(parent, id) && b.addr[way][0] == addr6(a, 0) &&
        b.addr[way][1] == addr6(a, 1)) {
      Word(b.who[way]).store(0);
      for (const unsigned half : {0U, 1U}) Word(b.addr[way][half]).store(0);
    }
}

void AddressIndex::leave_out(std::uint32_t parent, const IpPrefix& address) const {
  Word(more(parent, address)).fetch_or(BV_INDEX_LEARNED);
}

bv_addr4_bucket& AddressIndex::bucket4(std::uint32_t parent, const IpPrefix& a) const {
  return addr4_[bv_addr4_bucket_of(parent, addr4(a))];
}

bv_addr6_bucket& AddressIndex::bucket6(std::uint32_t parent, const IpPrefix& a) const {
  return addr6_[bv_addr6_bucket_of(parent, addr6(a, 0), addr6(a, 1))];
}

__u64& AddressIndex::more(std::uint32_t parent, const IpPrefix& a) const {
  return a.family == AF_INET ? bucket4(parent, a).more : bucket6(parent, a).more;
}

}  // namespace bpfvlan
