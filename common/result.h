#pragma once
// What a function returns when something expected can go wrong: a value or an Error. Context is
// added on the way up, so that a message says what happened, to what, and what to do next. Broken
// promises of our own code are not Errors: PIROUETTE_CHECK ends the process, in every build.

#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#define PIROUETTE_CHECK(condition)                                                               \
  ((condition)                                                                                   \
       ? static_cast<void>(0)                                                                    \
       : (std::fprintf(stderr, "%s:%d: broken invariant: %s\n", __FILE__, __LINE__, #condition), \
          std::abort()))

namespace pirouette {

// One table maps these to HTTP statuses: coordinator/http/problem.h.
enum class Errc {
  invalid,    // what was asked for makes no sense; the asker must change it
  not_found,  // the thing named does not exist
  conflict,   // it exists, but not in a state that allows this
  stale,      // said under a lease that no longer holds
  timeout,
  busy,     // a named limit is reached; trying later may work
  io,       // disk, network or device failed
  corrupt,  // bytes are not what they claim to be
  cancelled,
};

struct [[nodiscard]] Error {
  Errc code;
  std::string what;  // one sentence, lower case, no trailing period

  // Puts context in front: Error{io, "no space left"}.with("writing a.png").
  Error with(const std::string& context) && {
    what = context + ": " + what;
    return std::move(*this);
  }
};

template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  bool ok() const { return state_.index() == 0; }
  const T& value() const& {
    PIROUETTE_CHECK(ok());
    return std::get<0>(state_);
  }
  T&& value() && {
    PIROUETTE_CHECK(ok());
    return std::get<0>(std::move(state_));
  }
  const Error& error() const& {
    PIROUETTE_CHECK(!ok());
    return std::get<1>(state_);
  }
  Error&& error() && {
    PIROUETTE_CHECK(!ok());
    return std::get<1>(std::move(state_));
  }

 private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}

  bool ok() const { return !error_; }
  void value() const { PIROUETTE_CHECK(ok()); }
  const Error& error() const& {
    PIROUETTE_CHECK(!ok());
    return *error_;
  }
  Error&& error() && {
    PIROUETTE_CHECK(!ok());
    return *std::move(error_);
  }

 private:
  std::optional<Error> error_;
};

}  // namespace pirouette

// The value of a Result, or return its Error from the enclosing function.
#define TRY(expr)                                         \
  __extension__({                                         \
    auto&& result_ = (expr);                              \
    if (!result_.ok()) return std::move(result_).error(); \
    std::move(result_).value();                           \
  })
