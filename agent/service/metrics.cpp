#include "agent/service/metrics.h"

#include <fmt/format.h>

#include <iterator>

#include "agent/output/version.h"
#include "agent/values/printable.h"

namespace agent {
namespace {

class Page {
 public:
  void head(const char* name, const char* type, const char* help) {
    fmt::format_to(std::back_inserter(text_), "# HELP {} {}\n# TYPE {} {}\n", name, help, name,
                   type);
  }
  void value(const char* name, std::uint64_t value) {
    fmt::format_to(std::back_inserter(text_), "{} {}\n", name, value);
  }
  void value(const char* name, const char* label, std::string_view which, std::uint64_t value) {
    std::string escaped;
    for (const char c : printable(which)) {
      if (c == '"' || c == '\\') escaped.push_back('\\');
      escaped.push_back(c);
    }
    fmt::format_to(std::back_inserter(text_), "{}{{{}=\"{}\"}} {}\n", name, label, escaped, value);
  }
  void counter(const char* name, const char* help, std::uint64_t count) {
    head(name, "counter", help);
    value(name, count);
  }
  void gauge(const char* name, const char* help, std::uint64_t level) {
    head(name, "gauge", help);
    value(name, level);
  }
  [[nodiscard]] std::string text() && { return std::move(text_); }

 private:
  std::string text_;
};

void write_farm(Page& page, const Metrics::Farm& farm) {
  page.gauge("exiwarden_farm_connected", "1 if the farm's server is there and counts with us.",
             farm.connected ? 1 : 0);
  page.gauge("exiwarden_farm_identities", "Identities whose latest statement in the farm is known.",
             farm.words);
  page.gauge("exiwarden_farm_waiting_events", "Events not sent to the farm yet.", farm.waiting);
  page.counter("exiwarden_farm_dropped_events_total",
               "Events that did not fit; made good from the live windows.", farm.dropped);
  page.counter("exiwarden_farm_events_total", "Events that the farm has counted for this host.",
               farm.added);
  page.head("exiwarden_farm_refused_events_total", "counter",
            "Events too far from the server's clock: the clock or the zone of this host is wrong.");
  page.value("exiwarden_farm_refused_events_total", "stamp", "ahead", farm.ahead);
  page.value("exiwarden_farm_refused_events_total", "stamp", "late", farm.late);
  page.counter("exiwarden_farm_blocks_total", "Blocks taken over from the farm.", farm.blocked);
  page.counter("exiwarden_farm_freed_total", "Identities freed because the farm freed them.",
               farm.freed);
  page.head("exiwarden_farm_refused_words_total", "counter",
            "Statements of the farm that this host does not follow, by reason.");
  page.value("exiwarden_farm_refused_words_total", "why", "unknown_list", farm.unknown_list);
  page.value("exiwarden_farm_refused_words_total", "why", "exempt", farm.exempt);
  page.value("exiwarden_farm_refused_words_total", "why", "trust", farm.trust);
  page.value("exiwarden_farm_refused_words_total", "why", "unfit", farm.unfit);
  page.value("exiwarden_farm_refused_words_total", "why", "max_per_hour", farm.postponed);
  page.counter("exiwarden_farm_crowded_total", "Decisions that the server had no room for.",
               farm.crowded);
  page.counter("exiwarden_farm_strange_entries_total",
               "Entries in the server that no host of the farm has written.", farm.strange);
  page.counter("exiwarden_farm_connections_total", "Connections made to the server.",
               farm.connections);
  page.counter("exiwarden_farm_resyncs_total", "Times that the live windows were sent again.",
               farm.resyncs);
}

void write_events(Page& page, const Metrics& metrics) {
  const auto& reader = metrics.reader;
  page.head("exiwarden_build_info", "gauge", "The running version.");
  page.value("exiwarden_build_info", "version", kVersion, 1);
  page.counter("exiwarden_log_lines_total", "Whole lines read.", reader.lines);
  page.counter("exiwarden_log_bytes_total", "Bytes of whole lines read.", reader.bytes);
  page.head("exiwarden_events_total", "counter", "Evidence by kind.");
  for (std::size_t i = 0; i < parsers::kKinds; ++i) {
    page.value("exiwarden_events_total", "kind", parsers::name_of(static_cast<parsers::Kind>(i)),
               reader.events[i]);
  }
  page.head("exiwarden_events_charged_total", "counter", "Evidence by who is charged for it.");
  for (std::size_t i = 0; i < kCharged; ++i) {
    page.value("exiwarden_events_charged_total", "charged", name_of(static_cast<Charged>(i)),
               metrics.charged[i]);
  }
  page.head("exiwarden_tagged_lines_total", "counter",
            "Lines of exiwarden's ACL by the verdict on their tag.");
  for (std::size_t i = 0; i < TagCheck::kVerdicts; ++i) {
    page.value("exiwarden_tagged_lines_total", "tag", name_of(static_cast<TagCheck::Verdict>(i)),
               metrics.tagged[i]);
  }
}

void write_reading(Page& page, const Metrics& metrics) {
  const auto& reader = metrics.reader;
  page.counter("exiwarden_bad_arrivals_total",
               "Arrival entries that do not say without doubt who submitted.", reader.bad_arrivals);
  page.gauge("exiwarden_messages", "Messages whose failures would be charged to somebody.",
             metrics.messages);
  page.counter("exiwarden_messages_forgotten_total", "Messages forgotten for want of room.",
               metrics.messages_forgotten);
  page.head("exiwarden_unreadable_rejections_total", "counter",
            "Lines that begin as a refused RCPT but fail the scan, by the first step that failed.");
  for (std::size_t i = 0; i < parsers::kSteps; ++i) {
    page.value("exiwarden_unreadable_rejections_total", "step",
               parsers::name_of(static_cast<parsers::Step>(i)), reader.unreadable[i]);
  }
  page.counter("exiwarden_unknown_reasons_total",
               "Refusals and failed deliveries whose text no pattern of [reasons] knows.",
               reader.unknown_reasons);
  page.counter("exiwarden_distrusted_lines_total", "Evidence inside an unfinished arrival entry.",
               reader.distrusted);
  page.counter("exiwarden_log_overflows_total",
               "Entries that overflowed Exim's buffer and may hide evidence.", reader.overflowed);
  page.counter("exiwarden_too_long_lines_total", "Lines too long to be an entry.", reader.too_long);
  page.counter("exiwarden_lost_syslog_pieces_total",
               "Pieces of syslog entries whose other pieces are missing.", reader.lost_pieces);
  page.counter("exiwarden_bad_tagged_lines_total", "Lines that begin as our ACL's but are not.",
               reader.bad_tagged);
}

void write_exim_settings(Page& page, const Metrics& metrics) {
  page.gauge("exiwarden_exim_settings_read", "1 if Exim's own settings could be asked for.",
             metrics.exim_asked ? 1 : 0);
  page.head("exiwarden_doubtful_exim_setting", "gauge",
            "Settings of Exim that make its log untrustworthy.");
  for (const auto& setting : metrics.doubtful_settings)
    page.value("exiwarden_doubtful_exim_setting", "setting", setting, 1);
}

void write_decisions(Page& page, const Metrics& metrics) {
  page.counter("exiwarden_decisions_total", "Limits reached.", metrics.decisions);
  page.counter("exiwarden_trial_decisions_total", "Limits of rules on trial reached.",
               metrics.trial_decisions);
  page.counter("exiwarden_watched_total", "Watch levels reached.", metrics.watched);
  page.counter("exiwarden_blocks_ended_total", "Blocks that have ended by themselves.",
               metrics.blocks_ended);
}

void write_logs(Page& page, const Metrics& metrics) {
  page.head("exiwarden_log_silent", "gauge", "1 if a log has been silent for longer than usual.");
  for (const auto& [path, silent] : metrics.silent)
    page.value("exiwarden_log_silent", "log", path, silent ? 1 : 0);
  page.gauge("exiwarden_log_lag_bytes", "Bytes of the logs not read yet.", metrics.lag_bytes);
  page.counter("exiwarden_log_rotations_total", "Files that followed another as the log.",
               metrics.rotations);
  page.counter("exiwarden_log_truncations_total", "Logs cut in place.", metrics.truncations);
  page.counter("exiwarden_log_lost_files_total",
               "Files whose unread rest could not be found again.", metrics.missing_files);
}

void write_kept(Page& page, const Metrics& metrics) {
  page.counter("exiwarden_identities_crowded_out_total",
               "Identities given up because there were more than state.max_identities.",
               metrics.crowded_out);
  page.gauge("exiwarden_identities", "Identities with a window or a block.", metrics.identities);
  page.gauge("exiwarden_outbox_notices", "Notices that no transport has accepted yet.",
             metrics.outbox);
  page.counter("exiwarden_mails_total", "Mails that a transport has accepted.", metrics.mails);
  page.counter("exiwarden_notices_dropped_total", "Notices dropped because too many waited.",
               metrics.notices_dropped);
  page.gauge("exiwarden_pending_blocks", "Decisions whose line is not in its list yet.",
             metrics.pending_blocks);
  page.counter("exiwarden_blocks_dropped_total",
               "Blocks dropped because too many waited for their list.", metrics.blocks_dropped);
  page.counter("exiwarden_blocks_unfit_total",
               "Blocks of identities that no line of a list can hold.", metrics.blocks_unfit);
  page.head("exiwarden_list_entries", "gauge", "Keys in a list.");
  for (const auto& list : metrics.lists)
    page.value("exiwarden_list_entries", "list", list.path, list.entries);
}

void write_frozen(Page& page, const FrozenSurvey& frozen, std::optional<Instant> until) {
  page.gauge("exiwarden_frozen_messages", "Frozen messages of blocked senders in Exim's queue.",
             frozen.messages);
  page.gauge("exiwarden_frozen_bytes", "Their size.", frozen.bytes);
  if (frozen.oldest)
    page.gauge("exiwarden_frozen_oldest_timestamp_seconds", "When the oldest of them came.",
               static_cast<std::uint64_t>(frozen.oldest->time_since_epoch().count()));
  if (until)
    page.gauge("exiwarden_frozen_kept_until_timestamp_seconds",
               "When Exim bounces the oldest of them (timeout_frozen_after).",
               static_cast<std::uint64_t>(until->time_since_epoch().count()));
}

void write_actions(Page& page, const std::vector<ActionRunner::Figures>& actions) {
  const auto each = [&](const char* name, const char* type, const char* help, const auto& figure) {
    page.head(name, type, help);
    for (const auto& action : actions) page.value(name, "action", action.name, figure(action));
  };
  each("exiwarden_action_waiting", "gauge", "Events that an [[action]] has not accepted yet.",
       [](const auto& action) { return action.waiting; });
  each("exiwarden_action_done_total", "counter", "Hand-overs that an [[action]] has accepted.",
       [](const auto& action) { return action.done; });
  each("exiwarden_action_dropped_total", "counter",
       "Events dropped because too many waited for an [[action]].",
       [](const auto& action) { return action.dropped; });
  each("exiwarden_action_fault", "gauge", "1 while an [[action]] does not work.",
       [](const auto& action) { return std::uint64_t{action.fault ? 1U : 0U}; });
}

void write_state(Page& page, const Metrics& metrics) {
  page.head("exiwarden_fault", "gauge", "1 while something does not work; the service says what.");
  page.value("exiwarden_fault", "part", "log", metrics.log_fault ? 1 : 0);
  page.value("exiwarden_fault", "part", "state", metrics.state_fault ? 1 : 0);
  page.value("exiwarden_fault", "part", "notify", metrics.notify_fault ? 1 : 0);
  page.value("exiwarden_fault", "part", "history", metrics.history_fault ? 1 : 0);
  bool list_fault = false;
  for (const auto& list : metrics.lists) list_fault = list_fault || list.fault;
  page.value("exiwarden_fault", "part", "list", list_fault ? 1 : 0);
  page.counter("exiwarden_history_left_out_total",
               "Entries left out of the history because too many waited for its file.",
               metrics.history_left_out);
  page.gauge("exiwarden_newest_event_timestamp_seconds", "Log time of the newest counted event.",
             static_cast<std::uint64_t>(metrics.newest_event));
}

}  // namespace

std::string metrics_text(const Metrics& metrics) {
  Page page;
  write_events(page, metrics);
  write_reading(page, metrics);
  write_exim_settings(page, metrics);
  write_decisions(page, metrics);
  write_logs(page, metrics);
  write_kept(page, metrics);
  if (!metrics.actions.empty()) write_actions(page, metrics.actions);
  write_state(page, metrics);
  if (metrics.frozen) write_frozen(page, *metrics.frozen, metrics.frozen_until);
  if (metrics.farm) write_farm(page, *metrics.farm);
  return std::move(page).text();
}

}  // namespace agent
