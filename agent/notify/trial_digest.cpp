#include "agent/notify/trial_digest.h"

#include <fmt/format.h>

#include <utility>

#include "agent/notify/notice_json.h"
#include "agent/output/decision_text.h"
#include "agent/output/text_table.h"
#include "agent/values/printable.h"

namespace agent {

void TrialDigest::add(const Decision& decision, const Zone& zone, Instant now,
                      const std::string& host) {
  if (!state_.since) state_.since = now;
  if (state_.lines.size() < kMaxLines) {
    state_.lines.push_back({text_of(decision, zone), event_json(decision, zone, "trial", host)});
  } else {
    ++state_.left_out;
  }
}

std::optional<Instant> TrialDigest::due() const {
  return state_.since ? std::optional(*state_.since + kDay) : std::nullopt;
}

std::optional<Notice> TrialDigest::take(const Zone& zone, Instant now,
                                        const NoticeContext& context) {
  if (!due() || now < *due()) return std::nullopt;
  const auto told = std::exchange(state_, {});
  const auto all = told.lines.size() + told.left_out;
  Notice notice;
  notice.date = now.time_since_epoch().count();
  std::string lines;
  for (const auto& line : told.lines) {
    lines += "    " + line.text + "\n";
    notice.data += (notice.data.empty() ? "" : "\n") + line.data;
  }
  notice.message_id = notice_id(
      fmt::format("trial\n{}\n{}", told.since->time_since_epoch().count(), lines), context.host);
  notice.subject = fmt::format("[{}] {} on trial since {}", printable(context.host, 40),
                               counted(all, "sender"), zone.short_text(*told.since));
  if (told.left_out > 0) lines += fmt::format("    and {} more\n", told.left_out);
  const auto config = context.config_path.empty() ? "" : " -c " + shell_word(context.config_path);
  notice.body = fmt::format(
      "Rules on trial (mode = \"trial\") on {} would have blocked {}.\n"
      "Nobody was blocked:\n\n{}\n"
      "Look at one of them:\n    exiwarden evidence{} -- ID\n"
      "All that stand on trial now:\n    exiwarden list{}\n",
      printable(context.host), counted(all, "sender"), lines, config, config);
  return notice;
}

}  // namespace agent
