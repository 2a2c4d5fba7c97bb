// Finds log lines that may be forged: an arrival entry ("<=") can hold a newline, and the text
// behind it then looks like entries of their own. Two ways are known: a quoted sender given by a
// local user (exim -f), and MAIL's AUTH= parameter under log_selector +smtp_mailauth. Such a sender
// also stands where a local message is refused (receive.c: "F=<...> rejected by non-SMTP ACL",
// "rejected from <...>") and where receiving it crashes (exim.c: "SIGSEGV (..."). An entry is one
// write(2), so the forged lines follow at once. Such lines charge nobody.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "parsers/fields/prefix.h"

namespace parsers {

class Distrust {
 public:
  // The most bytes in an entry (macros.h LOG_BUFFER_SIZE), and so the most that it can forge.
  static constexpr std::uint32_t kReach = 8192;
  // A sender is at most 256 bytes long. This reach is no longer than needed: evidence inside an
  // open quote is lost, and a local user can open one.
  static constexpr std::uint32_t kQuotedReach = 1024;

  // Takes whole lines, each with its LF, in file order, that hold no evidence themselves.
  void pass_over(std::string_view lines);
  // Takes one line with its LF that may be evidence, and its prefix if it has one. Returns true if
  // the line lies inside an unfinished entry.
  bool covers(std::string_view line, const std::optional<Prefix>& prefix);

  // For the checkpoint: what is left to distrust.
  struct State {
    bool in_quotes = false;   // inside the sender's quotes
    std::uint32_t reach = 0;  // bytes left; 0: nothing is distrusted
    bool operator==(const State&) const = default;
  };
  State state;

 private:
  // Sets the state if it is an unfinished arrival entry; `length` is its line's.
  void look_at_header(const std::optional<Prefix>& prefix, std::size_t length);
  void pass_one(std::string_view line, const std::optional<Prefix>& prefix);  // inside one
};

}  // namespace parsers
