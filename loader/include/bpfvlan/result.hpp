// SPDX-License-Identifier: MIT
// Errors of the library: returned, never thrown, never printed, and never to be ignored.
#pragma once

#include <string>
#include <system_error>
#include <tl/expected.hpp>
#include <utility>

namespace bpfvlan {

struct Error {
  std::error_code code;
  std::string what;          // a sentence that names the object
  bool unsupported = false;  // this kernel lacks a feature; `what` says which, and since when
};

template <class T = void>
class [[nodiscard]] Result : public tl::expected<T, Error> {
  using Base = tl::expected<T, Error>;

 public:
  using Base::Base;
};

// `err`: an errno of either sign. The reason is appended to the sentence.
inline tl::unexpected<Error> fail(int err, std::string what) {
  std::error_code code{err < 0 ? -err : err, std::generic_category()};
  return tl::unexpected<Error>(Error{code, std::move(what) + ": " + code.message(), false});
}

// A refusal of our own: the sentence says it all.
inline tl::unexpected<Error> refuse(std::errc why, std::string what) {
  return tl::unexpected<Error>(Error{std::make_error_code(why), std::move(what), false});
}

inline tl::unexpected<Error> unsupported(std::string what) {
  return tl::unexpected<Error>(
      Error{std::make_error_code(std::errc::not_supported), std::move(what), true});
}

}  // namespace bpfvlan

#define BV_CONCAT_(a, b) a##b
#define BV_CONCAT(a, b) BV_CONCAT_(a, b)

#define BV_CHECK(expr) \
  if (auto chk_ = (expr); !chk_) return tl::unexpected(std::move(chk_).error())

// BV_TRY(auto x, f()): x is the value, or this function returns the error.
#define BV_TRY(decl, expr) BV_TRY_(BV_CONCAT(try_, __LINE__), decl, expr)
#define BV_TRY_(tmp, decl, expr)                           \
  auto tmp = (expr);                                       \
  if (!tmp) return tl::unexpected(std::move(tmp).error()); \
  decl = std::move(*tmp)
