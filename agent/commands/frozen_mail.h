// evidence --mail: copies of what is frozen of a sender, out of Exim's queue.
#pragma once

#include <string>

#include "agent/commands/command.h"
#include "agent/core/identity_tables.h"
#include "agent/values/zone.h"

namespace agent {

// Writes the sender's frozen messages, the oldest first, into a new directory: ID.eml as Exim would
// send it, ID.envelope as it stands in the spool, and manifest.csv. Takes at most `--messages`, and
// a bounded number of bytes and time; says what it has left out. Returns kNo if something could not
// be copied, or there is nothing to copy.
[[nodiscard]] Exit copy_frozen_mail(const Invocation& invocation, const Config& config,
                                    const IdentityTables& tables, const Zone& zone,
                                    const std::string& identity);

}  // namespace agent
