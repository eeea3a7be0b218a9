// SPDX-License-Identifier: MIT
// The segments of a TCP conversation, whose numbers are counted along.
#pragma once

#include <string>
#include <vector>

#include "stateful/script.hpp"

namespace bpfvlan::test {

class TcpTalk {
 public:
  // The opener's port is different for each script, so that none meets another's connection.
  TcpTalk(int family, Place opener, std::uint16_t port);

  Place opener() const { return opener_; }
  Place answerer() const { return other_end(opener_); }

  // The next segment of one side: "SA" are its flags, of S, A, F, R, P, U.
  TcpTalk& sends(Place from, const std::string& flags, unsigned bytes = 0);
  TcpTalk& open();  // to ESTABLISHED
  // Once more what was sent last.
  TcpTalk& again();
  // One whose sequence number, or what it acknowledges, lies beside: nobody counts it.
  TcpTalk& beside(Place from, const std::string& flags, std::int64_t seq, std::int64_t ack = 0,
                  unsigned bytes = 0);
  // The opener's next numbers: another connection of the same ends.
  TcpTalk& restart(std::int64_t seq);
  TcpTalk& wait(std::chrono::seconds time);
  TcpTalk& with_window_scale(std::uint8_t scale);
  TcpTalk& with_window(std::uint16_t window);

  std::vector<Step> steps() const { return steps_; }

 private:
  struct Side {
    std::uint32_t next;
  };
  Side& side(Place place) { return place == opener_ ? of_opener_ : of_answerer_; }
  TcpTalk& add(const std::string& what, Place from, Tcp header, unsigned bytes);

  int family_;
  Place opener_;
  std::uint16_t port_, window_ = 8192;
  int scale_ = -1;
  Side of_opener_{1'000'000}, of_answerer_{4'294'967'000};  // which soon begins again at 0
  std::chrono::seconds wait_{};
  std::vector<Step> steps_;
};

}  // namespace bpfvlan::test
