// The end of a dossier on a terminal: what it comes to, in a sentence, and the commands that follow
// from it, whole and ready to paste.
#pragma once

#include <string>

#include "agent/report/dossier_page.h"

namespace agent {

// `config_path`: the configuration in use; commands name it unless it is the default.
[[nodiscard]] std::string next_steps(const Dossier& dossier, const ReportContext& context,
                                     const std::string& config_path);

}  // namespace agent
