// SPDX-License-Identifier: MIT
#pragma once

#include <string>

namespace bpfvlan {

// What libbpf (the verifier's log too) and libxdp would have written to stderr, while this lives.
class LibbpfLog {
 public:
  LibbpfLog();
  ~LibbpfLog();
  LibbpfLog(const LibbpfLog&) = delete;
  LibbpfLog& operator=(const LibbpfLog&) = delete;

  // The end of it: a verifier log says at its end why.
  std::string text() const;
};

// The library prints nothing: from here on what they say is kept for LibbpfLog or dropped.
void silence_libbpf();

}  // namespace bpfvlan
