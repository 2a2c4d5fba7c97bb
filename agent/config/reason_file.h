// The catalog of reasons in force: that of reasons.file if it is newer than the built-in one.
#pragma once

#include <string>
#include <vector>

#include "actions/files.h"
#include "actions/result.h"
#include "agent/core/config.h"
#include "parsers/reasons/reason_catalog.h"

namespace agent {

struct ReasonsInForce {
  parsers::ReasonCatalog catalog;
  bool from_file = false;  // else built in: there is no file, or it is not newer
  bool ignored = false;    // the file has the date of the built-in one, but another content
};

// Returns the catalog, or what is wrong with the file, in words.
[[nodiscard]] actions::Result<ReasonsInForce, std::string> reasons_in_force(const Config& config,
                                                                            actions::Files& files);

// Returns the faults of a catalog: patterns that RE2 can't read, that miss their sample or match
// the other one. Empty if there are none.
[[nodiscard]] std::vector<std::string> faults_of(const parsers::ReasonCatalog& catalog);

}  // namespace agent
