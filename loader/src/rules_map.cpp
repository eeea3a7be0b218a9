// SPDX-License-Identifier: MIT
#include "rules_map.hpp"

#include <bpf/bpf.h>
#include <fmt/core.h>

#include <algorithm>
#include <cerrno>
#include <numeric>

namespace bpfvlan {

Result<RulesMap> RulesMap::open(const std::string& path, const std::string& name) {
  RulesMap map;
  map.fd_ = UniqueFd(bpf_obj_get(path.c_str()));
  if (!map.fd_) return fail(errno, fmt::format("pinned map {}", path));
  map.name_ = name;
  return map;
}

Result<std::optional<RulesMap::Stored>> RulesMap::find(std::uint32_t index) const {
  std::uint32_t id = 0;
  if (bpf_map_lookup_elem(fd_.get(), &index, &id)) {
    if (errno == ENOENT) return std::optional<Stored>{};
    return fail(errno, fmt::format("map {}", name_));
  }
  const UniqueFd pages(bpf_map_get_fd_by_id(id));
  if (!pages) return fail(errno, fmt::format("map {}", name_));
  const std::uint32_t zero = 0;
  bv_rule_page page{};
  if (bpf_map_lookup_elem(pages.get(), &zero, &page))
    return fail(errno, fmt::format("map {}", name_));
  BV_TRY(auto text, read_text(pages.get(), page.rules));
  return std::optional(Stored{page.rules.generation, std::move(text)});
}

Result<std::string> RulesMap::read_text(int pages, const bv_rules& head) const {
  constexpr std::uint32_t kEach = sizeof(bv_rule_page::text);
  constexpr std::uint32_t kBatch = 256;
  std::string text;
  text.reserve(head.text_bytes);
  std::vector<std::uint32_t> keys(kBatch);
  std::vector<bv_rule_page> values(kBatch);
  std::uint32_t after = head.text - 1;  // a batch begins behind this key
  while (text.size() < head.text_bytes) {
    std::uint32_t count = kBatch;
    if (bpf_map_lookup_batch(pages, &after, &after, keys.data(), values.data(), &count, nullptr) &&
        errno != ENOENT)  // these are the last
      return fail(errno, fmt::format("read map {}", name_));
    if (count == 0) return fail(EIO, fmt::format("read map {}", name_));
    for (std::uint32_t i = 0; i < count && text.size() < head.text_bytes; ++i)
      text.append(values[i].text, std::min<std::size_t>(kEach, head.text_bytes - text.size()));
  }
  return text;
}

Result<> RulesMap::replace(std::uint32_t index, const RulePages& pages) const {
  bpf_map_create_opts options{};
  options.sz = sizeof(options);
  options.map_flags = BPF_F_INNER_MAP;
  auto count = static_cast<std::uint32_t>(pages.size());
  const UniqueFd inner(bpf_map_create(BPF_MAP_TYPE_ARRAY, "rule_pages", sizeof(std::uint32_t),
                                      sizeof(bv_rule_page), count, &options));
  if (!inner) return fail(errno, "make a map of rules");
  std::vector<std::uint32_t> keys(pages.size());
  std::iota(keys.begin(), keys.end(), 0U);
  if (bpf_map_update_batch(inner.get(), keys.data(), pages.data(), &count, nullptr))
    return fail(errno, "fill a map of rules");
  const int fd = inner.get();
  if (bpf_map_update_elem(fd_.get(), &index, &fd, BPF_ANY))
    return fail(errno, fmt::format("map {}", name_));
  return {};
}

Result<> RulesMap::erase(std::uint32_t index) const {
  if (bpf_map_delete_elem(fd_.get(), &index) && errno != ENOENT)
    return fail(errno, fmt::format("map {}", name_));
  return {};
}

}  // namespace bpfvlan
