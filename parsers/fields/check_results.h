// " SPF[=word]" and " DMARC[=word]": what Exim 4.100 prints of its checks of the sender, in
// arrivals and rejections (receive.c add_spf_info_for_log).
#pragma once

#include <string_view>

#include "parsers/scan/scan.h"

namespace parsers {

// Takes those that stand here whole, with another field behind them.
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
