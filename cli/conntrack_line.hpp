// SPDX-License-Identifier: MIT
// A connection as conntrack-tools print it, and as JSON.
#pragma once

#include <fmt/format.h>

#include "bpfvlan/conntrack.hpp"
#include "rows.hpp"

namespace bpfvlan::cli {

// A line with its end; `extended` as `conntrack -o extended`.
void append_line(fmt::memory_buffer& to, const Connection& c, bool extended);

Rows to_row(const Connection& c);

}  // namespace bpfvlan::cli
