// The catalog of the logs to read, in order: one file after the other for each host, by the
// timestamps in them, whatever their names and the order of the arguments.
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
#include "agent/values/zone.h"
#include "parsers/fields/stamp.h"

namespace agent {

struct CatalogEntry {
  LogName name;
  std::unique_ptr<LogInput> input;      // null: opened when its turn comes (pipes are open)
  std::unique_ptr<LogInput> ahead;      // a packed file that is unpacked before its turn
  std::uint64_t size = 0;               // on disk; 0 for pipes
  std::string first_line;               // cut at 1 KiB
  std::optional<parsers::Stamp> first;  // of the first line with a timestamp; its text is empty
  std::uint64_t skip = 0;               // bytes at its beginning that the file before it ends with
  bool compared = false;                // with the file before it, so that `skip` is known
};

struct Catalog {
  struct Host {
    std::string label;
    std::vector<CatalogEntry> files;  // in the order to read them
  };
  std::vector<Host> hosts;             // by label
  std::int64_t newest_written = 0;     // bounds the year of syslog timestamps
  std::uint64_t size = 0;              // of all files on disk
  std::vector<std::string> notes;      // for people
  std::vector<actions::Error> errors;  // files that can't be read; the others are there
};

// Looks into each file, drops those whose content another file holds too (both are compared to the
// end), and orders the rest.
[[nodiscard]] Catalog take_stock(NamedLogs named, const Zone& zone,
                                 const LogInput::Patience& patience);

// Returns the timestamp by which a line is ordered: Exim's own, or else syslog's. Its text is
// empty.
[[nodiscard]] std::optional<parsers::Stamp> stamp_of_line(std::string_view line,
                                                          parsers::CivilSeconds not_after);

}  // namespace agent
