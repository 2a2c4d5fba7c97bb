#include "agent/lists/odd_ends.h"

#include <fmt/format.h>

#include <utility>

#include "agent/core/list_lines.h"
#include "agent/lists/said_few.h"
#include "agent/values/printable.h"

namespace agent {
namespace {

constexpr std::size_t kMaxTold = 1000;

}  // namespace

OddEnds::OddEnds(std::string path, Say say) : path_(std::move(path)), say_(std::move(say)) {}

void OddEnds::look(const std::vector<actions::ListEntry>& entries) {
  std::unordered_set<std::string> odd;
  SaidFew said(say_);
  for (const auto& entry : entries) {
    if (!has_odd_end(entry.data)) continue;
    auto line = entry.key + ": " + entry.data;
    if (told_.count(line) == 0) {
      said(
          fmt::format("{}: {} is blocked without end: its \"until=\" is no time with a zone, "
                      "such as 2026-11-23T11:09:44+01:00",
                      path_, printable(entry.key)));
    }
    if (odd.size() < kMaxTold) odd.insert(std::move(line));
  }
  said.end(path_, "have no such time either");
  if (told_.size() + odd.size() > kMaxTold) told_.clear();
  told_.merge(odd);
}

}  // namespace agent
