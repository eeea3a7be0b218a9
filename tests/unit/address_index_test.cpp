// SPDX-License-Identifier: MIT
// The index as the loader writes it, read as the programs do.
#include "address_index.hpp"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <optional>
#include <system_error>

#include "bpfvlan/unique_fd.hpp"

namespace bpfvlan {
namespace {

constexpr std::uint32_t kParent = 7;

IpPrefix numbered(int family, std::uint32_t i) {
  IpPrefix p{.family = family, .length = static_cast<std::uint8_t>(family == AF_INET ? 32 : 128)};
  if (family == AF_INET6) p.addr = {0x20, 0x01, 0x0d, 0xb8};
  auto* last = p.addr.data() + (family == AF_INET ? 0 : 12);
  last[0] = static_cast<std::uint8_t>(family == AF_INET ? 10 : 0);
  last[1] = static_cast<std::uint8_t>(i >> 16);
  last[2] = static_cast<std::uint8_t>(i >> 8);
  last[3] = static_cast<std::uint8_t>(i);
  return p;
}

template <class Bucket>
class Memory {
 public:
  explicit Memory(unsigned bits) : bytes_((std::size_t{1} << bits) * sizeof(Bucket)) {
    fd_ = UniqueFd(memfd_create("index", MFD_CLOEXEC));
    if (!fd_ || ftruncate(fd_.get(), static_cast<off_t>(bytes_)))
      throw std::system_error(errno, std::generic_category(), "memfd");
    seen_ = mmap(nullptr, bytes_, PROT_READ, MAP_SHARED, fd_.get(), 0);
    if (seen_ == MAP_FAILED) throw std::system_error(errno, std::generic_category(), "mmap");
  }
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;
  ~Memory() { munmap(seen_, bytes_); }

  int fd() const { return fd_.get(); }
  const Bucket& operator[](std::uint32_t at) const { return static_cast<const Bucket*>(seen_)[at]; }

 private:
  std::size_t bytes_;
  UniqueFd fd_;
  void* seen_ = nullptr;
};

class AddressIndexTest : public ::testing::TestWithParam<int> {
 protected:
  AddressIndexTest() : index(AddressIndex::of_maps(four.fd(), six.fd()).value()) {}

  struct Found {
    std::optional<std::uint32_t> id;
    std::uint64_t more;
  };
  Found find(std::uint32_t parent, const IpPrefix& a) const {
    Found found{};
    if (a.family == AF_INET) {
      std::uint32_t word = 0;
      std::memcpy(&word, a.addr.data(), sizeof(word));
      const auto& b = four[bv_addr4_bucket_of(parent, word)];
      for (const auto who : b.who)
        if (who >> 16 == bv_addr4_word(parent, word) >> 16) found.id = who & 0xffff;
      found.more = b.more;
      return found;
    }
    std::uint64_t words[2];
    std::memcpy(words, a.addr.data(), sizeof(words));
    const auto& b = six[bv_addr6_bucket_of(parent, words[0], words[1])];
    for (unsigned way = 0; way < BV_ADDR6_WAYS; ++way)
      if (b.who[way] >> 32 == parent && b.addr[way][0] == words[0] && b.addr[way][1] == words[1])
        found.id = static_cast<std::uint32_t>(b.who[way]);
    found.more = b.more;
    return found;
  }
  IpPrefix address(std::uint32_t i) const { return numbered(GetParam(), i); }

  Memory<bv_addr4_bucket> four{BV_ADDR4_BUCKET_BITS};
  Memory<bv_addr6_bucket> six{BV_ADDR6_BUCKET_BITS};
  AddressIndex index;
};
INSTANTIATE_TEST_SUITE_P(Families, AddressIndexTest, ::testing::Values(AF_INET, AF_INET6),
                         [](const auto& i) { return i.param == AF_INET ? "ipv4" : "ipv6"; });

TEST_P(AddressIndexTest, finds_what_was_added_until_it_is_removed) {
  EXPECT_FALSE(find(kParent, address(1)).id);
  index.add(kParent, address(1), 0);
  index.add(kParent, address(2), 65'535);
  EXPECT_EQ(find(kParent, address(1)).id, 0U);
  EXPECT_EQ(find(kParent, address(2)).id, 65'535U);
  EXPECT_FALSE(find(kParent + 1, address(1)).id) << "another parent's";
  index.remove(kParent, address(1), 0);
  EXPECT_FALSE(find(kParent, address(1)).id);
  EXPECT_EQ(find(kParent, address(1)).more, 0U);
  EXPECT_EQ(find(kParent, address(2)).id, 65'535U);
}

TEST_P(AddressIndexTest, has_an_address_once) {
  for (int i = 0; i < 100; ++i) index.add(kParent, address(1), 5);
  EXPECT_EQ(find(kParent, address(1)).more, 0U) << "it took one place";
  index.remove(kParent, address(1), 5);
  EXPECT_FALSE(find(kParent, address(1)).id);
}

TEST_P(AddressIndexTest, says_of_each_that_it_has_no_room_for_that_there_is_more) {
  std::uint32_t found = 0;
  for (std::uint32_t i = 0; i < BV_DEFAULT_ADDRESSES; ++i) index.add(kParent, address(i), i);
  for (std::uint32_t i = 0; i < BV_DEFAULT_ADDRESSES; ++i) {
    const auto seen = find(kParent, address(i));
    found += seen.id.has_value();
    ASSERT_EQ(seen.id.value_or(i), i);
    ASSERT_TRUE(seen.id || seen.more == BV_INDEX_OVERFLOWED) << i;
  }
  EXPECT_GT(found, BV_DEFAULT_ADDRESSES / 8) << "the hash spreads them";
  for (std::uint32_t i = 0; i < BV_DEFAULT_ADDRESSES; ++i) index.remove(kParent, address(i), i);
  for (std::uint32_t i = 0; i < BV_DEFAULT_ADDRESSES; ++i)
    ASSERT_FALSE(find(kParent, address(i)).id) << i;
}

// As many as hosts have: next to none need the hash map.
TEST_P(AddressIndexTest, has_room_for_a_thousand) {
  std::uint32_t found = 0;
  for (std::uint32_t i = 0; i < 1000; ++i) index.add(kParent, address(i), i);
  for (std::uint32_t i = 0; i < 1000; ++i) found += find(kParent, address(i)).id.has_value();
  EXPECT_GE(found, 990U);
}

TEST_P(AddressIndexTest, is_in_doubt_for_as_long_as_it_is_changed) {
  index.leave_out(kParent, address(3));
  {
    const auto change = index.change(kParent, address(3));
    EXPECT_EQ(find(kParent, address(3)).more, BV_INDEX_LEARNED | BV_INDEX_CHANGING);
  }
  EXPECT_EQ(find(kParent, address(3)).more, BV_INDEX_LEARNED);
}

// An IPv4 entry has 16 bits of its parent's number: a removal must not take another parent's.
TEST_F(AddressIndexTest, removes_nobody_elses) {
  const auto a = numbered(AF_INET, 1);
  std::uint32_t word = 0;
  std::memcpy(&word, a.addr.data(), sizeof(word));
  std::uint32_t other = kParent + 0x10000;
  while (bv_addr4_bucket_of(other, word) != bv_addr4_bucket_of(kParent, word)) other += 0x10000;
  index.add(kParent, a, 1);
  index.add(other, a, 2);
  index.remove(kParent, a, 1);
  EXPECT_EQ(find(other, a).id, 2U);
}

}  // namespace
}  // namespace bpfvlan
