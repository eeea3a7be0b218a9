// SPDX-License-Identifier: MIT
#include "bpfvlan/test/address.hpp"

#include <arpa/inet.h>
#include <netinet/ether.h>

#include <cstring>
#include <stdexcept>
#include <string>

namespace bpfvlan::test {
namespace {

[[noreturn]] void not_an_address(const char* text) {
  throw std::invalid_argument(std::string("not an address: ") + text);
}

}  // namespace

MacAddr::MacAddr(const char* text) {
  ether_addr parsed{};
  if (!ether_aton_r(text, &parsed)) not_an_address(text);
  std::memcpy(octets.data(), parsed.ether_addr_octet, octets.size());
}

Ip4Addr::Ip4Addr(const char* text) {
  if (inet_pton(AF_INET, text, octets.data()) != 1) not_an_address(text);
}

Ip6Addr::Ip6Addr(const char* text) {
  if (inet_pton(AF_INET6, text, octets.data()) != 1) not_an_address(text);
}

}  // namespace bpfvlan::test
