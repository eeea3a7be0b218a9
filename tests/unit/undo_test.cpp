// SPDX-License-Identifier: MIT
#include "undo.hpp"

#include <gtest/gtest.h>

#include <string>

#include "bpfvlan/result.hpp"

namespace bpfvlan {
namespace {

TEST(Undo, takes_steps_back_in_reverse) {
  std::string order;
  {
    Undo undo;
    undo.push([&] { order += 'a'; });
    undo.push([&] { order += 'b'; });
  }
  EXPECT_EQ(order, "ba");
}

TEST(Undo, leaves_what_succeeded) {
  bool undone = false;
  {
    Undo undo;
    undo.push([&] { undone = true; });
    undo.release();
  }
  EXPECT_FALSE(undone);
}

Result<int> twice(Result<int> in) {
  BV_TRY(const int value, std::move(in));
  return value * 2;
}

TEST(Result, carries_value_or_error_through) {
  EXPECT_EQ(*twice(21), 42);
  const auto failed = twice(fail(-ENOENT, "thing"));
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, std::errc::no_such_file_or_directory);
  EXPECT_EQ(failed.error().what, "thing: No such file or directory");
  EXPECT_FALSE(failed.error().unsupported);
  EXPECT_TRUE(Result<int>(unsupported("x")).error().unsupported);
}

}  // namespace
}  // namespace bpfvlan
