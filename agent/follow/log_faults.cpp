#include "agent/follow/log_faults.h"

#include <fmt/format.h>

#include <utility>

#include "agent/values/printable.h"

namespace agent {

LogFaults::LogFaults(Say say, bool watched) : say_(std::move(say)), unwatched_(!watched) {}

void LogFaults::cant_read(const std::string& why) {
  if (fault_ != why) say_(printable(why) + "; trying again");
  fault_ = why;
}

void LogFaults::is_strange(bool strange, const std::string& path, Instant now) {
  if (!strange) {
    strange_since_.reset();
    strange_.clear();
    return;
  }
  if (!strange_since_) strange_since_ = now;
  if (now - *strange_since_ < kStrange || !strange_.empty()) return;
  strange_ = path + ": not one line of it is an entry of Exim's";
  say_(printable(strange_));
}

void LogFaults::cant_watch(const std::string& why) {
  if (!unwatched_) say_(why + "; looking at the log from time to time instead");
  unwatched_ = true;
}

void LogFaults::is_remote(const std::string& path) {
  if (!remote_) {
    say_(fmt::format("{} is on a network file system: looking at it from time to time",
                     printable(path)));
  }
  remote_ = true;
}

}  // namespace agent
