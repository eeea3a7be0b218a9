// SPDX-License-Identifier: MIT
// What became of a frame, in words.
#pragma once

#include "stateful/site.hpp"

namespace bpfvlan::test {

// An answer's identification and flow label are its maker's choice, and its checksum may be left to
// a device: they are taken out of what is not `sent`.
void normalise_answer(Arrival& arrival, const Bytes& sent);
// Who makes IPv6 fragments of what came in fragments chooses another identification.
void normalise_fragment(Arrival& arrival);
// "nothing", "arrives", or what does.
std::string outcome_text(const std::vector<Arrival>& arrivals, const Bytes& sent);
// Rules and policies with their counters; not which family they are of, as the driver's have no
// need to say so.
std::string counters_text(const RuleChains& chains);

}  // namespace bpfvlan::test
