// Skips " SPF[=word]" and " DMARC[=word]", Exim 4.100's results of its sender checks in arrivals
// and rejections (receive.c add_spf_info_for_log).
#pragma once

#include <string_view>

#include "parsers/scan/scan.h"

namespace parsers {

// Skips those that stand here whole, with another field behind them.
inline void skip_check_results(Cursor& at) {
  if (!at.at(" SPF") && !at.at(" DMARC")) return;
  for (const std::string_view name : {" SPF", " DMARC"}) {
    Cursor next = at;
    if (!next.eat(name)) continue;
    if (next.eat("=")) next.token();
    if (next.at(" ")) at = next;
  }
}

}  // namespace parsers
