// A log timestamp. Exim prints local time, with an offset only if log_timezone is set; syslog's
// traditional form has no year at all. agent/values/zone.h turns a timestamp into an instant.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace parsers {

// A civil (wall clock) time in whole seconds since 1970-01-01 00:00:00 of the same wall clock.
// Whole seconds only: log_selector +millisec must change no decision.
using CivilSeconds = std::int64_t;

struct Stamp {
  CivilSeconds civil = 0;
  std::optional<std::int32_t> utc_offset;  // seconds east of UTC, if the line says so
  std::string_view text;                   // as printed, without zone and milliseconds
};

// Days of the civil calendar since 1970-01-01 (proleptic Gregorian).
[[nodiscard]] std::int64_t days_from_civil(std::int64_t year, unsigned month, unsigned day);

// Decodes "YYYY-MM-DD hh:mm:ss[.mmm][ +hhmm]" at the start of `text` and cuts it off.
// Leaves `text` unchanged if it does not start so. Source: tod.c tod_stamp.
[[nodiscard]] std::optional<Stamp> take_exim_stamp(std::string_view& text);

// Decodes the same for many lines in a row: those of one second are decoded once.
class StampMemory {
 public:
  [[nodiscard]] std::optional<Stamp> take_exim_stamp(std::string_view& text);

 private:
  std::array<char, 19> text_{'\n'};  // no line begins so: none is known yet
  CivilSeconds civil_ = 0;
};

// Decodes "YYYY-MM-DDThh:mm:ss[.ffffff](Z|+hh:mm|+hhmm)" (rsyslog's ISO form, and journalctl's).
[[nodiscard]] std::optional<Stamp> take_iso_stamp(std::string_view& text);

// Decodes "DAY YYYY-MM-DD hh:mm:ss[.ffffff] ZONE" (journalctl's short-full). Only UTC, GMT and
// "+hhmm" give an offset: other zone letters have different meanings in different places.
[[nodiscard]] std::optional<Stamp> take_full_stamp(std::string_view& text);

// Decodes "Mmm dd hh:mm:ss[.ffffff]" (RFC 3164, and journalctl's short-precise). The year is the
// latest one that puts the timestamp at most a day after `not_after`.
[[nodiscard]] std::optional<Stamp> take_bsd_stamp(std::string_view& text, CivilSeconds not_after);

}  // namespace parsers
