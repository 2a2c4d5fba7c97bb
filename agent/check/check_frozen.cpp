// check: what becomes of the frozen mail of blocked senders, by Exim's settings.
#include <fmt/format.h>

#include "agent/check/checks.h"
#include "agent/config/frozen_keeping.h"
#include "agent/values/duration.h"

namespace agent {

void check_frozen(const std::map<std::string, std::string>& settings, Findings& findings) {
  constexpr std::chrono::weeks kBounces{1};
  const auto keeping = frozen_keeping(settings);
  if (keeping.cancelled && *keeping.cancelled < kLeastKeeping) {
    const auto time = duration_text(*keeping.cancelled);
    findings.doubtful(
        "exim",
        fmt::format("timeout_frozen_after = {}: the frozen mail of blocked senders is evidence for "
                    "{}, then it is bounced to senders that are forged as a rule",
                    time, time),
        fmt::format("set it to {} (on Debian by MAIN_TIMEOUT_FROZEN_AFTER); exiwarden init says "
                    "where",
                    duration_text(kAdvisedKeeping)));
  } else if (keeping.cancelled) {
    findings.good("exim", fmt::format("timeout_frozen_after: frozen mail is kept for {}; what is "
                                      "not deleted by then is bounced",
                                      duration_text(*keeping.cancelled)));
  } else if (!actions::value_of(settings, "timeout_frozen_after").empty()) {
    if (keeping.bounces && *keeping.bounces > kBounces) {
      findings.doubtful("exim",
                        fmt::format("timeout_frozen_after = 0s: frozen bounces pile up for {} too",
                                    duration_text(*keeping.bounces)),
                        "set ignore_bounce_errors_after = 2d: it ends frozen bounces alone");
    } else {
      findings.good("exim",
                    "timeout_frozen_after: frozen mail is kept until somebody frees or deletes it");
    }
  }
  if (keeping.thawed) {
    findings.bad("exim",
                 fmt::format("auto_thaw = {}: Exim delivers the frozen mail of blocked senders by "
                             "itself after that time",
                             duration_text(*keeping.thawed)),
                 "take auto_thaw out: its default is never");
  }
  if (keeping.moved) {
    findings.doubtful("exim",
                      "move_frozen_messages: frozen mail leaves the queue, and nothing here can "
                      "show, release or delete it",
                      "take move_frozen_messages out");
  }
}

}  // namespace agent
