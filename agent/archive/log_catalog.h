// Which logs are to be read, and in which order: one file after the other for each host, by the
// stamps in them, whatever their names and whatever the order they were given in.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "actions/result.h"
#include "agent/archive/log_input.h"
#include "agent/archive/log_names.h"
#include "agent/core/zone.h"
#include "parsers/fields/stamp.h"

namespace agent {

struct CatalogEntry {
  LogName name;
  std::unique_ptr<LogInput> input;      // null: to be opened when its turn comes (pipes are open)
  std::unique_ptr<LogInput> ahead;      // a packed one that is unpacked before its turn
  std::uint64_t size = 0;               // on disk; 0 for pipes
  std::string first_line;               // cut at 1 KiB
  std::optional<parsers::Stamp> first;  // of the first line that has one; its text is empty
  std::uint64_t skip = 0;               // bytes at its beginning that the file before it ends with
  bool compared = false;                // with the file before it, so that `skip` is known
};

struct Catalog {
  struct Host {
    std::string label;
    std::vector<CatalogEntry> files;  // in the order to read them
  };
  std::vector<Host> hosts;             // by label
  std::int64_t newest_written = 0;     // bounds the year of syslog stamps
  std::uint64_t size = 0;              // of all files on disk
  std::vector<std::string> notes;      // for people
  std::vector<actions::Error> errors;  // files that can't be read; the others are there
};

// Looks into each file, drops those whose content another one holds too (both are compared to the
// end), and puts the rest in order.
[[nodiscard]] Catalog take_stock(NamedLogs named, const Zone& zone,
                                 const LogInput::Patience& patience);

// The stamp a line is read by: Exim's own, or else syslog's. Its text is empty.
[[nodiscard]] std::optional<parsers::Stamp> stamp_of_line(std::string_view line,
                                                          parsers::CivilSeconds not_after);

}  // namespace agent
