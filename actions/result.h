// Result: what was asked for, or why there is none. An Error is what an effect gives: it says what
// failed on what. Effects never throw; the caller adds context once and reports once.
#pragma once

#include <string>
#include <utility>
#include <variant>

namespace actions {

enum class Errc {
  not_found,  // no such file or directory
  denied,     // permissions, read-only file system
  full,       // no space, quota, file too large
  unsafe,     // a link, a directory or another thing that we refuse to write to
  changed,    // somebody else changed it meanwhile and retries did not help
  timeout,
  refused,    // the peer or the child said no
  malformed,  // the content is not what it should be
  io,         // anything else the system reports
};

struct Error {
  Errc code = Errc::io;
  int os = 0;        // errno, 0 if it does not apply
  std::string what;  // "append /var/lib/...: No space left on device"
};

struct Done {};

// Member names follow std::expected, which C++20 does not have.
template <class T, class E = Error>
class [[nodiscard]] Result {
 public:
  Result(T value) : content_(std::move(value)) {}
  Result(E error) : content_(std::move(error)) {}
  explicit operator bool() const { return content_.index() == 0; }
  T& value() & { return std::get<0>(content_); }
  const T& value() const& { return std::get<0>(content_); }
  T value() && { return std::get<0>(std::move(content_)); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }
  const E& error() const { return std::get<1>(content_); }

 private:
  std::variant<T, E> content_;
};

}  // namespace actions
