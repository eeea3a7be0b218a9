// SPDX-License-Identifier: MIT
#pragma once

#include <string>

namespace bpfvlan {

// What libbpf would have written to stderr (the verifier's log too), while this lives.
class LibbpfLog {
 public:
  LibbpfLog();
  ~LibbpfLog();
  LibbpfLog(const LibbpfLog&) = delete;
  LibbpfLog& operator=(const LibbpfLog&) = delete;

  // The end of it: a verifier log says at its end why.
  std::string text() const;
};

// The library prints nothing: from here on what libbpf says is kept for LibbpfLog or dropped.
void silence_libbpf();

}  // namespace bpfvlan
