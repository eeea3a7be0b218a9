// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include "lab/lab.hpp"

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  if (!testing::GTEST_FLAG(list_tests)) {
    if (const auto in = bpfvlan::lab::enter_sandbox(); !in) {
      std::fprintf(stderr, "%s (run as root)\n", in.error().what.c_str());
      return 1;
    }
  }
  return RUN_ALL_TESTS();
}
