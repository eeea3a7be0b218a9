// SPDX-License-Identifier: MIT
// Words of a line as iptables-restore takes them apart: blanks between them; double quotes around
// one, in which a backslash takes the next character as it is. A quote ends the word.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "bpfvlan/result.hpp"

namespace bpfvlan {

Result<std::vector<std::string>> split_words(std::string_view line);
// The reverse for one word, quoted if it must be.
std::string quoted(std::string_view word);

}  // namespace bpfvlan
