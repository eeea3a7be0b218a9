// SPDX-License-Identifier: MIT
#include "rules/words.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bpfvlan {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(Words, are_what_iptables_restore_makes_of_a_line) {
  EXPECT_THAT(*split_words("  -A\tINPUT  -s 10.0.0.1 \r"),
              ElementsAre("-A", "INPUT", "-s", "10.0.0.1"));
  EXPECT_THAT(*split_words(R"(a "b c" d)"), ElementsAre("a", "b c", "d"));
  EXPECT_THAT(*split_words(R"("a \"b\" \\ \c")"), ElementsAre(R"(a "b" \ c)"));
  EXPECT_THAT(*split_words(R"(a\b 'c d')"), ElementsAre(R"(a\b)", "'c", "d'"));
  EXPECT_THAT(*split_words(R"(x"y"z)"), ElementsAre("xy", "z"));
  EXPECT_THAT(*split_words(R"("")"), ElementsAre(""));
  EXPECT_THAT(*split_words(" \t"), IsEmpty());
  EXPECT_FALSE(split_words(R"(a "b)"));
  EXPECT_FALSE(split_words(R"(a "b\")"));
}

TEST(Words, are_quoted_so_that_they_come_back) {
  EXPECT_EQ(quoted("plain_1-2"), "plain_1-2");
  EXPECT_EQ(quoted(""), R"("")");
  EXPECT_EQ(quoted("a b"), R"("a b")");
  EXPECT_EQ(quoted(R"(it's "x" \ y)"), R"("it\'s \"x\" \\ y")");
  for (const auto* word : {"", "a", "a b", "\"", "\\", "'", "\\\"", "#", "ä", "-A INPUT"})
    EXPECT_THAT(*split_words(quoted(word)), ElementsAre(word));
}

}  // namespace
}  // namespace bpfvlan
