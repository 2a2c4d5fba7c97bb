// Writes pages into files, for evidence, replay --report and tune --html.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "agent/archive/log_selection.h"
#include "agent/commands/command.h"
#include "agent/output/exit_codes.h"
#include "agent/output/output_row.h"
#include "agent/report/dossier_page.h"

namespace agent {

// Writes `page` to FILE and, beside it, `tables` to FILE with ".csv" for its ".html"; prints where
// they are, or what went wrong. `page` gets the name of that file, without its directory; empty:
// none.
[[nodiscard]] Exit write_page(const std::string& path,
                              const std::function<std::string(const std::string& csv)>& page,
                              const std::function<std::string()>& tables);
[[nodiscard]] Exit write_report(const std::string& path,
                                const std::vector<const Dossier*>& dossiers, ReportContext context);

// Returns "--since 2026-11-01T00:00:00+00:00 --user x", with times as they were understood; empty
// if there are no such options.
[[nodiscard]] std::string selection_text(const Invocation& invocation, const ReadPlan& plan);

[[nodiscard]] OutputRow row_of(const Dossier& dossier, const Zone& zone);

}  // namespace agent
