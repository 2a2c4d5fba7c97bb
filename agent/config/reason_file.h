// The catalog of reasons in force: that of reasons.file if it is newer than the one built in.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "actions/files.h"
#include "agent/core/config.h"
#include "parsers/reasons/reason_catalog.h"

namespace agent {

struct ReasonsInForce {
  parsers::ReasonCatalog catalog;
  bool from_file = false;  // else the one built in: there is no file, or it is no newer
  bool ignored = false;    // the file has the date of the one built in, and says something else
};

// Or what is wrong with the file, in words.
[[nodiscard]] std::variant<ReasonsInForce, std::string> reasons_in_force(const Config& config,
                                                                         actions::Files& files);

// What of a catalog does not hold: patterns that RE2 can't read, that miss their sample or match
// the other one. Empty: all is well.
[[nodiscard]] std::vector<std::string> faults_of(const parsers::ReasonCatalog& catalog);

}  // namespace agent
