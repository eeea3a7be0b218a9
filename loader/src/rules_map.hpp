// SPDX-License-Identifier: MIT
// The map `rules`: for each parent an array of pages, which is never changed but replaced.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "bpfvlan/result.hpp"
#include "bpfvlan/unique_fd.hpp"
#include "rules/pages.hpp"

namespace bpfvlan {

class RulesMap {
 public:
  static Result<RulesMap> open(const std::string& path, const std::string& name);

  struct Stored {
    std::uint32_t generation = 0;
    std::string text;
  };
  // By bv_parent.index; nothing: it has no rules.
  Result<std::optional<Stored>> find(std::uint32_t index) const;
  // When this returns, no program reads what was there before.
  Result<> replace(std::uint32_t index, const RulePages& pages) const;
  Result<> erase(std::uint32_t index) const;

 private:
  Result<std::string> read_text(int pages, const bv_rules& head) const;

  UniqueFd fd_;
  std::string name_;
};

}  // namespace bpfvlan
