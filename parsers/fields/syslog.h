// A line of Exim's as a syslog daemon or journalctl writes it:
//   [<PRI>]STAMP [HOST] [FACILITY.LEVEL] exim[PID]: ENTRY      (the third: BusyBox)
//   [<PRI>]1 STAMP HOST exim PID MSGID STRUCTURED-DATA ENTRY   (RFC 5424)
// ENTRY starts with Exim's own stamp unless syslog_timestamp is off. Source: log.c write_syslog.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "parsers/fields/prefix.h"
#include "parsers/fields/stamp.h"

namespace parsers {

struct SyslogLine {
  Stamp stamp;               // syslog's own
  std::string_view pid;      // digits
  std::string_view message;  // the entry, or a piece of it
};

// Returns nullopt if the line has no such prefix or another program wrote it (the tag must hold
// "exim"). `not_after` bounds the year of timestamps that have none.
[[nodiscard]] std::optional<SyslogLine> parse_syslog(std::string_view line, CivilSeconds not_after);

// Returns the entry inside a message, with Exim's own timestamp if it is there, else syslog's.
[[nodiscard]] std::optional<Prefix> parse_syslog_message(const Stamp& stamp,
                                                         std::string_view message);

// Joins "[1/3] ..." "[2/3] ..." of one process (entries over 870 bytes). A piece is never an entry
// of its own: a client that controls the length of the HELO controls where the second piece begins.
class SyslogPieces {
 public:
  static constexpr std::size_t kMaxProcesses = 256;  // beyond: the oldest are given up, counted

  enum class Result { whole, held, joined };
  // whole: not a piece, use `message` as it is. held: wait for more. joined: `entry` is complete
  // (valid until the next call).
  Result add(std::string_view pid, std::string_view message, std::string_view& entry);
  [[nodiscard]] std::uint64_t lost() const { return lost_; }

  struct Part {
    std::uint32_t next = 1, of = 0;
    std::string text;
  };
  std::map<std::string, Part, std::less<>> parts;  // by pid; public for the checkpoint

 private:
  std::uint64_t lost_ = 0;
  std::string joined_;
};

// With syslog_duplication (Exim's default) every rejection is sent twice, at info and at notice, by
// two calls in a row of one process. Recognises the second copy.
class SyslogCopies {
 public:
  static constexpr std::size_t kMaxProcesses = 1024;

  explicit SyslogCopies(std::optional<bool> duplication = std::nullopt)
      : duplication_(duplication) {}
  // Returns true if this is the copy of a rejection that was seen already.
  bool is_copy(std::string_view pid, std::string_view message);

  struct State {
    std::uint64_t single = 0, paired = 0;  // rejections seen once, twice in a row
    // pid -> message, and whether it was copied.
    std::map<std::string, std::pair<std::string, bool>, std::less<>> last;
  };
  State state;

 private:
  // If the configuration says nothing, copies are expected until the log clearly shows that there
  // are none. Mistaking a repeated RCPT for a copy loses one count; the reverse would block at half
  // the limit.
  [[nodiscard]] bool duplicated() const;
  std::optional<bool> duplication_;
};

}  // namespace parsers
