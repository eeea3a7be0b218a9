// SPDX-License-Identifier: MIT
#include "frames/random_frames.hpp"

#include <fmt/core.h>

#include <chrono>

#include "frames/generator.hpp"
#include "frames/shrink.hpp"

namespace bpfvlan::test {
namespace {

constexpr std::size_t kBatch = 32;

class Runner {
 public:
  Runner(Judge& judge, const RandomRun& run) : judge_(judge), run_(run) {}

  Result<RandomOutcome> operator()() {
    const auto start = std::chrono::steady_clock::now();
    for (std::uint32_t i = 0; i < run_.count && !enough(); ++i) {
      auto g = generate(judge_.setting().mode, run_.seed, run_.first + i);
      if (!g.marked) {
        BV_CHECK(alone(g.c, run_.first + i));
        continue;
      }
      cases_.push_back(std::move(g.c));
      numbers_.push_back(run_.first + i);
      if (cases_.size() == kBatch) BV_CHECK(flush());
    }
    BV_CHECK(flush());
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    outcome_.seconds = took.count();
    BV_CHECK(judge_.check_losses());
    return std::move(outcome_);
  }

 private:
  bool enough() const {
    return outcome_.differences.size() + outcome_.sometimes.size() >= run_.stop_after;
  }

  Result<> alone(const FrameCase& c, std::uint32_t number) {
    BV_TRY(const auto judged, judge_.judge(c));
    record(judged);
    if (!judged.alike()) return investigate(c, number, judged);
    return {};
  }

  Result<> flush() {
    if (cases_.empty()) return {};
    BV_TRY(const auto judged, judge_.judge(cases_, numbers_));
    for (std::size_t i = 0; i < cases_.size() && !enough(); ++i) {
      record(judged[i]);
      if (!judged[i].alike()) BV_CHECK(investigate(cases_[i], numbers_[i], judged[i]));
    }
    cases_.clear();
    numbers_.clear();
    return {};
  }

  void record(const Judged& judged) {
    ++outcome_.frames;
    for (const auto& row : judged.rows) ++outcome_.rows[row];
    digest(judged.ipvlan);
  }

  Result<> investigate(const FrameCase& c, std::uint32_t number, const Judged& judged) {
    BV_TRY(const bool always, judge_.differs(c));
    if (!always) {  // by chance, or by what was sent before it
      const auto first = numbers_.empty() ? number : numbers_.front();
      outcome_.sometimes.push_back(fmt::format("index {}, sent after {} and those between\n{}",
                                               number, first, to_text(c, judged)));
      return {};
    }
    BV_TRY(auto small, shrink(judge_, c));
    BV_TRY(auto last, judge_.judge(small));
    outcome_.differences.push_back({number, c, std::move(small), std::move(last)});
    return {};
  }

  // FNV-1a
  void digest(const Observation& observation) {
    const auto add = [&](std::uint8_t byte) {
      outcome_.digest = (outcome_.digest ^ byte) * 0x100000001b3;
    };
    for (const auto& s : observation) {
      for (const auto letter : s.where) add(static_cast<std::uint8_t>(letter));
      add(static_cast<std::uint8_t>(s.type));
      const auto tag = s.tag.value_or(Tag{});
      for (const auto word : {tag.tpid, tag.tci}) {
        add(static_cast<std::uint8_t>(word >> 8));
        add(static_cast<std::uint8_t>(word));
      }
      add(s.offload.gso_type);
      for (const auto byte : s.frame) add(byte);
    }
    add(0);
  }

  Judge& judge_;
  RandomRun run_;
  RandomOutcome outcome_{};
  std::vector<FrameCase> cases_;
  std::vector<std::uint32_t> numbers_;
};

}  // namespace

Result<RandomOutcome> run_random(Judge& judge, const RandomRun& run) {
  return Runner(judge, run)();
}

}  // namespace bpfvlan::test
