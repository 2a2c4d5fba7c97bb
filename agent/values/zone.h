// Zone and StampClock: wall-clock timestamps become instants. cctz reads the system's zone files;
// nothing here reads a clock.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "parsers/fields/stamp.h"

namespace agent {

using Instant = std::chrono::sys_seconds;

// Zone: a time zone by name: "local" (the system's, TZ honoured), "UTC" or an IANA name.
class Zone {
 public:
  static std::optional<Zone> named(const std::string& name);
  static Zone utc();

  // Returns what a wall clock shows at `time`, as seconds east of UTC.
  [[nodiscard]] std::chrono::seconds offset_at(Instant time) const;
  // Returns the time as RFC 3339 with offset: "2026-11-23T10:42:35+01:00".
  [[nodiscard]] std::string text(Instant time) const;
  // Returns the time for people: "2026-11-23 10:42:35"; in the hour that autumn repeats with its
  // offset behind it.
  [[nodiscard]] std::string short_text(Instant time) const;
  // Returns true if autumn repeats this wall-clock time.
  [[nodiscard]] bool is_repeated(parsers::CivilSeconds civil) const;

 private:
  friend class StampClock;
  struct Impl;
  std::shared_ptr<const Impl> impl_;
};

// StampClock: resolves the timestamps of one log, in file order. Most wall-clock times are one
// instant. In the hour that autumn repeats, the order of the lines tells which pass a timestamp
// belongs to: once the log has gone through the hour, the same times again are the second pass.
class StampClock {
 public:
  explicit StampClock(Zone zone) : zone_(std::move(zone)) {}

  Instant resolve(const parsers::Stamp& stamp);
  // Returns true if a repeated hour touches the wall-clock times from `first` to `last`. Then every
  // line's timestamp should be resolved, not only those that matter otherwise.
  [[nodiscard]] bool repeats_between(parsers::CivilSeconds first, parsers::CivilSeconds last);

  // What a checkpoint keeps.
  [[nodiscard]] std::optional<Instant> newest() const { return newest_; }
  void restore(std::optional<Instant> newest) { newest_ = newest; }

 private:
  Instant resolve_local(parsers::CivilSeconds civil);
  void note(Instant time);

  Zone zone_;
  std::optional<Instant> newest_;
  // One quarter of an hour of wall-clock time with one offset: zones change at quarters.
  std::int64_t quarter_ = -1;
  std::int64_t quarter_offset_ = 0;
  // Repeated wall-clock times between known_from_ and known_to_.
  std::vector<std::pair<parsers::CivilSeconds, parsers::CivilSeconds>> folds_;
  parsers::CivilSeconds known_from_ = 0, known_to_ = -1;
};

}  // namespace agent
