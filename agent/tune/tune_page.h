// The answer of tune as a page to hand on, and the senders that each setting blocks as CSV beside
// it.
#pragma once

#include <string>
#include <vector>

#include "agent/tune/tune_text.h"

namespace agent {

struct TunePageContext {
  const Zone* zone = nullptr;
  const Labels* labels = nullptr;
  std::string selection;  // options that narrowed what was read; may be empty
  std::string csv;        // name of the file beside it
  bool partial = false;   // not all logs were read
};

[[nodiscard]] std::string tune_page(const std::vector<Tuning>& rules,
                                    const TunePageContext& context);
// Returns CSV with the columns
// rule,period,limit,identity,label,time,event,messages_before,messages_after
[[nodiscard]] std::string tune_csv(const std::vector<Tuning>& rules,
                                   const TunePageContext& context);

}  // namespace agent
