#include <fmt/format.h>
#include <sys/timex.h>

#include "agent/check/checks.h"
#include "agent/follow/inotify.h"

namespace agent {

void check_machine(const CheckContext& context, Findings& findings) {
  if (const auto inotify = Inotify::open(); !inotify) {
    findings.doubtful("machine", inotify.error().what,
                      "raise fs.inotify.max_user_instances; until then files are polled");
  } else {
    findings.good("machine", "inotify works: changes are seen at once");
  }
  timex time{};
  if (::adjtimex(&time) == TIME_ERROR) {
    findings.doubtful("machine", "the clock is not synchronised",
                      "run chrony or systemd-timesyncd");
  } else {
    findings.good("machine", "the clock is synchronised");
  }
  findings.good("machine", fmt::format("it is {} in the zone of the logs",
                                       context.zone.short_text(context.now)));
}

}  // namespace agent
