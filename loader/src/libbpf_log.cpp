// SPDX-License-Identifier: MIT
#include "libbpf_log.hpp"

#include <bpf/libbpf.h>
#include <xdp/libxdp.h>

#include <cstdarg>
#include <cstdio>

namespace bpfvlan {
namespace {

constexpr std::size_t kTail = 4096;
thread_local std::string* collecting = nullptr;
thread_local std::string collected;

__attribute__((format(printf, 2, 0))) int collect(libbpf_print_level level, const char* format,
                                                  va_list args) {
  if (!collecting || level == LIBBPF_DEBUG) return 0;
  va_list again;
  va_copy(again, args);
  const int length = vsnprintf(nullptr, 0, format, args);
  if (length > 0) {
    std::string line(static_cast<std::size_t>(length) + 1, '\0');
    vsnprintf(line.data(), line.size(), format, again);
    line.pop_back();
    *collecting += line;
  }
  va_end(again);
  return length;
}

// Its levels are libbpf's.
__attribute__((format(printf, 2, 0))) int collect_libxdp(libxdp_print_level level,
                                                         const char* format, va_list args) {
  return collect(static_cast<libbpf_print_level>(level), format, args);
}

}  // namespace

void silence_libbpf() {
  libbpf_set_print(collect);
  libxdp_set_print(collect_libxdp);
}

LibbpfLog::LibbpfLog() {
  silence_libbpf();
  collected.clear();
  collecting = &collected;
}

LibbpfLog::~LibbpfLog() {
  collecting = nullptr;
}

std::string LibbpfLog::text() const {
  return collected.size() > kTail ? collected.substr(collected.size() - kTail) : collected;
}

}  // namespace bpfvlan
