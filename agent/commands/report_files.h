// What evidence and replay --report share: pages as files.
#pragma once

#include <string>
#include <vector>

#include "agent/commands/command.h"
#include "agent/exit_codes.h"
#include "agent/record.h"
#include "agent/report/dossier_page.h"

namespace agent {

// Writes FILE and, beside it, the full tables as FILE with ".csv" for its ".html"; says where they
// are, or what went wrong.
[[nodiscard]] Exit write_report(const std::string& path,
                                const std::vector<const Dossier*>& dossiers, ReportContext context);

// "--since 2026-11-01 --user x" as it was given; empty without.
[[nodiscard]] std::string selection_text(const Invocation& invocation);

[[nodiscard]] Record record_of(const Dossier& dossier, const Zone& zone);

}  // namespace agent
