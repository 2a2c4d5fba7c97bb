#include "agent/lists/list_faults.h"

#include <fmt/format.h>

#include <utility>

#include "agent/values/printable.h"

namespace agent {
namespace {

constexpr std::size_t kMaxSaid = 8;

}  // namespace

ListFaults::ListFaults(std::string path, User exim, Say say)
    : path_(std::move(path)), exim_(std::move(exim)), say_(std::move(say)) {}

void ListFaults::add(Fault& fault, const actions::Error& error) {
  fault.what = error.what;
  if (fault.said.size() < kMaxSaid && fault.said.insert(error.what).second)
    say_(printable(error.what) + "; trying again");
}

void ListFaults::end(Fault& fault, const char* again) {
  if (!fault.what.empty()) say_(fmt::format("{}: {}", path_, again));
  fault = {};
}

void ListFaults::check_access() {
  if (!exim_) return;
  const auto readable = actions::make_readable(*exim_, path_);
  const auto now = readable ? std::string() : readable.error().what;
  if (now == access_) return;
  say_(readable ? fmt::format("{}: Exim's user can read it now", path_)
                : printable(now) + "; Exim defers all mail it looks up there");
  access_ = now;
}

const std::string& ListFaults::text() const {
  return !reading_.what.empty() ? reading_.what : !writing_.what.empty() ? writing_.what : access_;
}

}  // namespace agent
