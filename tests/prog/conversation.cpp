// SPDX-License-Identifier: MIT
#include "conversation.hpp"

#include <algorithm>
#include <map>
#include <sstream>
#include <stdexcept>

namespace bpfvlan::test {
namespace {

[[noreturn]] void wrong(const std::string& line) {
  throw std::invalid_argument("conversation: " + line);
}

std::uint32_t number(std::istream& words, const std::string& line) {
  std::string word;
  if (!(words >> word) || word.find_first_not_of("0123456789") != std::string::npos) wrong(line);
  return static_cast<std::uint32_t>(std::stoull(word));
}

std::uint8_t flags_of(const std::string& letters, const std::string& line) {
  static const std::map<char, std::uint8_t> kFlags = {{'F', Tcp::kFin}, {'S', Tcp::kSyn},
                                                      {'R', Tcp::kRst}, {'P', Tcp::kPsh},
                                                      {'A', Tcp::kAck}, {'-', std::uint8_t{0}}};
  std::uint8_t flags = 0;
  for (const char letter : letters) {
    const auto flag = kFlags.find(letter);
    if (flag == kFlags.end()) wrong(line);
    flags = static_cast<std::uint8_t>(flags | flag->second);
  }
  return flags;
}

// RFC 7323, 2.2; RFC 2018, 2: with NOPs before them.
void add_window_scale(Bytes& options, std::uint8_t scale) {
  options.insert(options.end(), {1, 3, 3, scale});
}
void add_sack_permitted(Bytes& options) {
  options.insert(options.end(), {1, 1, 4, 2});
}

void parse_segment(Step& step, const std::string& flags, std::istream& words) {
  Tcp& tcp = step.tcp;
  step.what = "tcp";
  tcp.flags = flags_of(flags, step.line);
  tcp.seq = number(words, step.line);
  for (std::string word; words >> word;) {
    if (word == "ack")
      tcp.ack = number(words, step.line);
    else if (word == "len")
      step.length = number(words, step.line);
    else if (word == "win")
      tcp.window = static_cast<std::uint16_t>(number(words, step.line));
    else if (word == "ws")
      add_window_scale(tcp.options, static_cast<std::uint8_t>(number(words, step.line)));
    else if (word == "sackok")
      add_sack_permitted(tcp.options);
    else
      wrong(step.line);
  }
}

void parse_packet(Step& step, std::istream& words) {
  std::string word;
  if (!(words >> word)) wrong(step.line);
  if (word == "udp" || word == "other")
    step.what = word;
  else if (word == "echo" || word == "echo-reply")
    step.what = word, step.number = number(words, step.line);
  else
    parse_segment(step, word, words);
}

std::string one_blank(const std::string& text) {
  std::istringstream words(text);
  std::string out;
  for (std::string word; words >> word;) out += (out.empty() ? word : " " + word);
  return out;
}

Step parse_line(const std::string& line) {
  Step step{.line = one_blank(line)};
  const auto colon = line.find(" : ");
  if (colon != std::string::npos) step.expected = one_blank(line.substr(colon + 3));
  std::istringstream words(line.substr(0, colon));
  std::string first;
  words >> first;
  if (first == ">" || first == "<") {
    step.back = first == "<";
    parse_packet(step, words);
  } else if (first == "wait") {
    step.kind = Step::Kind::kWait;
    step.number = number(words, line);
  } else if (first == "set" && words >> step.what) {
    step.kind = Step::Kind::kSet;
    step.number = number(words, line);
  } else {
    wrong(line);
  }
  return step;
}

}  // namespace

void PrintTo(const Conversation& conversation, std::ostream* out) {
  *out << conversation.name;
}

std::vector<Step> parse(const std::string& text) {
  std::vector<Step> steps;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);)
    if (!one_blank(line).empty()) steps.push_back(parse_line(line));
  return steps;
}

}  // namespace bpfvlan::test
