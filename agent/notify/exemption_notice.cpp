#include "agent/notify/exemption_notice.h"

#include <fmt/format.h>

#include "agent/core/list_lines.h"
#include "agent/output/output_row.h"
#include "agent/values/printable.h"

namespace agent {

Notice compose_exemption_end(const ExemptionEnd& end, Instant used, const Zone& zone, Instant now,
                             const NoticeContext& context) {
  Notice notice;
  const auto until = zone.short_text(end.until);
  const auto line = read_list_data(end.why);
  notice.message_id =
      notice_id(fmt::format("exemption\n{}\n{}", end.until.time_since_epoch().count(), end.key),
                context.host);
  notice.date = now.time_since_epoch().count();
  notice.subject = fmt::format("[{}] the exemption of {} ends {}", printable(context.host, 40),
                               printable(end.key, 60), until);
  notice.body = fmt::format(
      "exiwarden on {} does not count the refused recipients of\n\n    {}\n\n"
      "until {}; the last one was at {}. After that they count, and the\n"
      "sender may be blocked.\n",
      printable(context.host), printable(end.key), until, zone.short_text(used));
  if (line.by) notice.body += fmt::format("\nExempted by {}", printable(*line.by));
  if (line.by && line.reason) notice.body += ": " + printable(*line.reason);
  const auto config = context.config_path.empty() ? "" : " -c " + shell_word(context.config_path);
  notice.body +=
      fmt::format("{}\nTo exempt it for longer:\n    exiwarden exempt{}{} --for 30d -- {}\n",
                  line.by ? "\n" : "", config, end.network ? " --host" : "", shell_word(end.key));
  OutputRow record;
  record.add("event", "exemption_ends")
      .add("server", context.host)
      .add("identity", end.key)
      .add("until", zone.text(end.until))
      .add("used", zone.text(used))
      .add_optional("by", line.by)
      .add_optional("reason", line.reason);
  notice.data = record.json();
  return notice;
}

}  // namespace agent
