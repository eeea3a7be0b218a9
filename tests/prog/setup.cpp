// SPDX-License-Identifier: MIT
#include "setup.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>
#include <sstream>

namespace bpfvlan::test {
namespace {

std::unique_ptr<Devices> the_devices;
std::map<std::string, Programs> loaded;

class Setup : public ::testing::Environment {
 public:
  void SetUp() override { ASSERT_NO_THROW(the_devices = std::make_unique<Devices>()); }
  void TearDown() override {
    loaded.clear();
    the_devices.reset();
  }
};

[[maybe_unused]] const auto* const registered = ::testing::AddGlobalTestEnvironment(new Setup);

}  // namespace

const std::vector<std::string>& bpf_objects() {
  static const std::vector<std::string> paths = [] {
    std::vector<std::string> out;
    std::istringstream text(BV_BPF_OBJECTS);
    for (std::string path; std::getline(text, path, ',');) out.push_back(path);
    return out;
  }();
  return paths;
}

std::string compiler_of(const std::string& object_path) {
  const auto file = std::filesystem::path(object_path).filename().string();
  const auto start = file.find('.') + 1;
  std::string name = file.substr(start, file.find('.', start) - start);
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

Devices& devices() {
  return *the_devices;
}

Programs& programs(const std::string& object_path) {
  return loaded.try_emplace(object_path, object_path, Programs::Record::kYes).first->second;
}

}  // namespace bpfvlan::test
