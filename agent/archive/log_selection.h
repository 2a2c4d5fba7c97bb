// The part of the logs that a command asks for, the rules for reading it, and the hooks to watch
// it.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>

#include "agent/archive/known_names.h"
#include "agent/archive/log_merge.h"
#include "agent/core/pipeline.h"
#include "agent/values/zone.h"

namespace agent {

struct Selection {
  std::optional<Instant> since, until;  // since <= time < until
  std::optional<std::string> user;      // folded
  std::optional<Network> host;          // of the client
  std::optional<std::string> label;     // of the logs: "mx1" of "mx1:mainlog"

  [[nodiscard]] bool holds(Instant time) const {
    return (!since || time >= *since) && (!until || time < *until);
  }
  [[nodiscard]] bool admits(const Signalled& signalled) const;
  // For a host: the decisions in which its events counted.
  [[nodiscard]] bool admits(const Decision& decision) const;

 private:
  [[nodiscard]] bool is_user(std::string_view identity) const;
};

// One reading of logs.
struct ReadPlan {
  Config config;            // with --timezone in it
  PipelineOptions options;  // of it
  Selection selection;
};

// Functions that are called while the logs are read.
struct ReadHooks {
  std::function<void(Pipeline&)> prepare;
  // As in LogMerge::Watch.
  std::function<void(std::size_t log, std::span<const char> bytes)> bytes = {};
  std::function<void(std::size_t log, const std::string& file, const FilePlace& from)> file = {};
  // Called with remarks about the logs: copies, gaps, damage.
  std::function<void(const std::string& text)> note = {};
  bool quiet = false;  // the remarks about the logs were printed already
  // Collects the identities in the logs; else read_logs() collects them, and reports a --user that
  // matches none.
  KnownNames* names = nullptr;
};

}  // namespace agent
