// SPDX-License-Identifier: MIT
// A connection as its table shows it, so written that equal ones have equal text.
#pragma once

#include <string>
#include <vector>

#include "bpfvlan/conntrack.hpp"

namespace bpfvlan::test {

struct Entry {
  std::string text;  // the line of `conntrack -L -o extended`, but for the seconds
  long seconds = 0;  // that are left
  auto operator<=>(const Entry&) const = default;
};
std::string to_string(const Entry& entry);
// As the packets and bytes were not there.
Entry without_counts(Entry entry);
// A list takes a moment, and the two are made one after the other.
bool alike(const std::vector<Entry>& a, const std::vector<Entry>& b);

// In order.
Result<std::vector<Entry>> entries_of(const Conntrack& ours);
Result<std::vector<Entry>> entries_of_netns(const std::string& netns);  // nf_conntrack's
Result<> flush_netns(const std::string& netns);

}  // namespace bpfvlan::test
