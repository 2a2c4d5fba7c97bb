// A timeline as a picture: how full the window was against its limit, the moment of decision, and
// what was accepted and refused.
#pragma once

#include <string>

#include "agent/report/dossier.h"
#include "agent/values/zone.h"

namespace agent {

// Returns an SVG element for a page; empty if there is nothing to draw. It holds numbers and times
// only, nothing from a log.
[[nodiscard]] std::string timeline_svg(const Dossier& dossier, const Zone& zone);

}  // namespace agent
