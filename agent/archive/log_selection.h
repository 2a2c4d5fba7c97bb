// Which part of the logs is read, by which rules, and who watches the reading.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>

#include "agent/archive/known_names.h"
#include "agent/archive/log_merge.h"
#include "agent/core/pipeline.h"
#include "agent/core/zone.h"

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
  // Of a host: the decisions in which its events counted.
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

// What is called while it goes on.
struct ReadHooks {
  std::function<void(Pipeline&)> prepare;
  // As in LogMerge::Watch.
  std::function<void(std::size_t log, std::span<const char> bytes)> bytes = {};
  std::function<void(std::size_t log, const std::string& file, const FilePlace& from)> file = {};
  // What there is to say about the logs: copies, gaps, damage.
  std::function<void(const std::string& text)> note = {};
  bool quiet = false;  // what there is to say about the logs was said already
  // Takes down whom the logs know, in place of read_logs(), which says so if --user is nobody.
  KnownNames* names = nullptr;
};

}  // namespace agent
