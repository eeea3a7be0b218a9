// SPDX-License-Identifier: MIT
#include "words.hpp"

#include <algorithm>

namespace bpfvlan {
namespace {

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

bool is_plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-';
}

}  // namespace

Result<std::vector<std::string>> split_words(std::string_view line) {
  std::vector<std::string> words;
  std::string word;
  bool quote = false, escaped = false;
  for (const char c : line) {
    if (quote && (escaped || (c != '\\' && c != '"'))) {
      word += c;
      escaped = false;
    } else if (quote && c == '\\') {
      escaped = true;
    } else if (!quote && c == '"') {
      quote = true;
    } else if (quote || is_blank(c)) {
      if (quote || !word.empty()) words.push_back(std::move(word));
      word.clear();
      quote = false;
    } else {
      word += c;
    }
  }
  if (quote) return refuse(std::errc::invalid_argument, "a quote is not closed");
  if (!word.empty()) words.push_back(std::move(word));
  return words;
}

std::string quoted(std::string_view word) {
  if (!word.empty() && std::all_of(word.begin(), word.end(), is_plain)) return std::string(word);
  std::string out = "\"";
  for (const char c : word) {
    if (c == '"' || c == '\\' || c == '\'') out += '\\';
    out += c;
  }
  return out + '"';
}

}  // namespace bpfvlan
