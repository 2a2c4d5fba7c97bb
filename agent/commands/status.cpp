// status: what the service knows, from its checkpoint and the lists. The service need not run.
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <map>

#include "actions/as_user.h"
#include "actions/exim/exim_access.h"
#include "actions/posix_files.h"
#include "agent/check/checks.h"
#include "agent/commands/command.h"
#include "agent/commands/farm.h"
#include "agent/commands/list_scope.h"
#include "agent/commands/saved_state.h"
#include "agent/commands/selection.h"
#include "agent/commands/watch.h"
#include "agent/core/list_lines.h"
#include "agent/follow/log_file.h"
#include "agent/output/relative_time.h"
#include "agent/output/terminal.h"
#include "agent/output/text_table.h"
#include "agent/report/fullest_windows.h"
#include "agent/report/trial_entries.h"
#include "agent/service/log_trust.h"
#include "agent/state/single_instance.h"
#include "agent/values/duration.h"
#include "agent/values/printable.h"

namespace agent {
namespace {

constexpr std::chrono::days kWeek{7};
constexpr std::int64_t kUnsaved = 60;  // seconds; it saves every ten if there is something new

class Status {
 public:
  explicit Status(const Invocation& invocation)
      : invocation_(invocation),
        zone_(Zone::named(invocation.config.log.timezone).value_or(Zone::utc())),
        terminal_(Terminal::standard_output()) {}

  Exit show() {
    load();
    if (exit_ == kNotPermitted) return exit_;
    if (invocation_.output == Output::csv) {
      windows();
      return verdict();
    }
    service();
    for (const auto& path : invocation_.config.log.paths) log(path);
    for (const auto& list : lists_of(invocation_.config)) this->list(list);
    if (saved_.state) {
      trials();
      windows();
      for (const auto& pending : saved_.state->pending) this->pending(pending);
      for (const auto& [log, silence] : saved_.state->silences) silent(log, silence);
      farm();
      outbox();
      actions();
    }
    faults_of_service();
    exim();
    unit();
    for (const auto& fault : faults_) {
      if (json()) {
        fmt::print("{}\n", OutputRow().add("about", "fault").add("what", fault).json());
      } else {
        fmt::print("{}\n", terminal_.painted(Paint::red, "fault: " + printable(fault)));
      }
    }
    if (!json() && faults_.empty())
      fmt::print("{}\n", terminal_.painted(Paint::green, "no faults"));
    return verdict();
  }

 private:
  [[nodiscard]] bool json() const { return invocation_.output == Output::jsonl; }
  [[nodiscard]] Exit verdict() const {
    return exit_ != kDone ? exit_ : faults_.empty() ? kDone : kNo;
  }

  void line(const char* name, const std::string& text) const {
    fmt::print("{:<11}{}\n", name, terminal_.fitted(text, 11));
  }

  void load() {
    saved_ = load_saved_state(invocation_.config.state.directory);
    if (saved_.closed) exit_ = complain_of(*saved_.closed);
    faults_ = saved_.faults;
  }

  void service() {
    const auto running = SingleInstance::running(invocation_.config.state.directory);
    runs_ = running.value_or(false);
    const auto written =
        saved_.state ? zone_.text(Instant(std::chrono::seconds(saved_.written))) : "";
    const auto newest =
        saved_.state && saved_.state->newest ? zone_.text(*saved_.state->newest) : "";
    if (json()) {
      OutputRow record;
      record.add("about", "service")
          .add("running", !running   ? "unknown"
                          : *running ? "yes"
                                     : "no")
          .add("checkpoint", written)
          .add("newest_event", newest)
          .add("identities", saved_.state ? saved_.state->subjects.size() : 0);
      fmt::print("{}\n", record.json());
      return;
    }
    line("service", !running ? "can't tell whether it runs" : *running ? "runs" : "does not run");
    if (!saved_.state) return;
    const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
    const auto when = [&](Instant time) {
      return fmt::format("{}, {}", zone_.short_text(time), ago_text(time, now));
    };
    line("saved", when(Instant(std::chrono::seconds(saved_.written))));
    line("events", fmt::format("newest {}; {} {} counted",
                               saved_.state->newest ? when(*saved_.state->newest) : "none",
                               saved_.state->subjects.size(),
                               noun(saved_.state->subjects.size(), "identity", "identities")));
  }

  void log(const std::string& pattern) {
    const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
    const auto log = progress_of(pattern, saved_.state ? &*saved_.state : nullptr, zone_, now);
    const auto& path = log.path;
    if (!log.exists) faults_.push_back(path + ": no such log");
    written_last_ = std::max(written_last_, log.written);
    if (json()) {
      OutputRow record;
      record.add("about", "log")
          .add("path", path)
          .add("offset", log.offset)
          .add("line", log.lines)
          .add("size", log.size)
          .add("lag", log.lag)
          .add("rotated", log.known || !log.exists ? "no" : "yes")
          .add_optional("read_to",
                        log.read_to ? std::optional(zone_.text(*log.read_to)) : std::nullopt);
      fmt::print("{}\n", record.json());
      return;
    }
    line("log", printable(path));
    line("", !log.exists ? "no such file"
             : saved_.state && !log.known
                 ? fmt::format("rotated since the last save; {} bytes in the new one", log.size)
                 : fmt::format("read to byte {} of {}, {} to go{}", log.offset, log.size, log.lag,
                               log.read_to ? ", at " + zone_.short_text(*log.read_to) : ""));
  }

  void list(const ScopedList& list) {
    actions::PosixFiles files;
    const auto view = actions::Blocklist(files, list.path, {}).read();
    std::string fault = view ? "" : view.error().what;
    if (const auto exim = actions::find_exim_user(invocation_.config.exim.user); exim && view) {
      const auto readable = actions::readable_by(*exim, list.path);
      if (!readable) fault = readable.error().what;
    }
    const std::uint64_t entries = view ? view.value().entries.size() : 0;
    const auto since = [&](std::optional<Instant> begin) -> std::uint64_t {
      if (!view || !begin) return 0;
      return static_cast<std::uint64_t>(
          std::count_if(view.value().entries.begin(), view.value().entries.end(),
                        [&](const actions::ListEntry& entry) {
                          const auto line = read_list_data(entry.data);
                          return line.by && *line.since >= *begin;
                        }));
    };
    const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
    const auto today = since(parse_time("today", zone_, now)), week = since(now - kWeek);
    if (!fault.empty()) faults_.push_back(fault);
    if (json()) {
      OutputRow record;
      record.add("about", "list").add("list", list.path).add("rule", list.rules.front());
      record.add("blocked", entries)
          .add("today", today)
          .add("week", week)
          .add_optional("fault",
                        fault.empty() ? std::nullopt : std::optional<std::string_view>(fault));
      fmt::print("{}\n", record.json());
      return;
    }
    line("blocked",
         fmt::format(
             "{} in {}{}", entries, printable(list.path),
             entries == 0 ? "" : fmt::format(" (listed today {}, in 7 days {})", today, week)));
  }

  // Who stands on trial, by rule.
  void trials() {
    std::map<std::string, std::vector<Decision>> by_rule;
    for (auto& entry : trial_entries(*saved_.state, invocation_.config))
      by_rule[entry.rule].push_back(std::move(entry));
    for (const auto& rule : invocation_.config.rules) {
      if (rule.mode != RuleMode::trial) continue;
      const auto& entries = by_rule[rule.name];
      if (json()) {
        OutputRow record;
        record.add("about", "trial").add("rule", rule.name).add("standing", entries.size());
        fmt::print("{}\n", record.json());
        continue;
      }
      line("trial",
           fmt::format("{} by rule {}, which blocks nobody", entries.size(), printable(rule.name)));
    }
  }

  // Exim's settings are no faults of the service, which could not change them.
  void exim() {
    const auto trust = ask_exim(invocation_.config.exim.binary);
    if (trust.why_not && trust.exim_there && !json())
      line("exim", "its settings can't be read: " + printable(*trust.why_not));
    for (const auto& doubt : trust.doubts) {
      if (!json()) {
        line("exim", printable(doubt.what));
        continue;
      }
      OutputRow record;
      record.add("about", "exim")
          .add("setting", doubt.setting)
          .add("what", doubt.what)
          .add("advice", doubt.advice);
      fmt::print("{}\n", record.json());
    }
  }

  // What the service's unit keeps it from doing: no faults, since the service can't mend them.
  void unit() {
    const auto& config = invocation_.config;
    CheckContext context{config,       invocation_.config_path, zone_, {}, "", std::nullopt,
                         std::nullopt, ServiceUnit::ask()};
    if (!context.unit) return;
    context.service_name = context.unit->user();
    context.service = context.unit->identity();
    Findings findings;
    check_unit(context, false, findings);
    for (const auto& finding : findings.all) {
      if (finding.verdict == Verdict::good) continue;
      if (!json()) {
        line("unit", printable(finding.what));
        continue;
      }
      OutputRow record;
      record.add("about", "unit").add("what", finding.what).add("advice", finding.advice);
      fmt::print("{}\n", record.json());
    }
  }

  void windows() {
    const auto top = invocation_.options["top"].as<std::uint32_t>();
    const auto levels = saved_.state ? fullest_windows(*saved_.state, invocation_.config, top)
                                     : std::vector<FullWindow>();
    const auto record_for = [&](const FullWindow& level) {
      OutputRow record;
      record.add("about", "window")
          .add("rule", level.rule)
          .add("identity_kind", name_of(level.kind))
          .add("identity", level.identity)
          .add("count", level.count)
          .add("limit", level.limit)
          .add("period", static_cast<std::uint64_t>(level.period.count()))
          .add("newest", zone_.text(level.newest))
          .add_optional("undecided", level.undecided
                                         ? std::optional<std::string_view>("first reading")
                                         : std::nullopt);
      return record;
    };
    if (invocation_.output == Output::csv) fmt::print("{}\n", record_for({}).csv_header());
    if (!levels.empty() && invocation_.output == Output::text) fmt::print("nearest to a limit\n");
    for (const auto& level : levels) {
      if (invocation_.output != Output::text) {
        const auto record = record_for(level);
        fmt::print("{}\n", json() ? record.json() : record.csv());
        continue;
      }
      const auto text = fmt::format("{:>7} of {} in {}  {} {} ({})", level.count, level.limit,
                                    duration_text(level.period), name_of(level.kind),
                                    printable(level.identity), printable(level.rule));
      fmt::print("{}\n", level.count * 2 >= level.limit
                             ? terminal_.painted(Paint::yellow, terminal_.fitted(text))
                             : terminal_.fitted(text));
      if (level.undecided) {
        const auto why = fmt::format("not blocked: lines older than {} when the log was first read",
                                     duration_text(level.period));
        fmt::print("{:15}{}\n", "", terminal_.fitted(why, 15));
      }
    }
  }

  void pending(const PendingBlock& pending) {
    const bool fits = actions::quoted_key(pending.identity).has_value();
    faults_.push_back(
        fits ? fmt::format("{} is not in {} yet", printable(pending.identity), pending.list)
             : fmt::format("{} ({} bytes) fits in no line of {}: Exim does not "
                           "refuse its mail",
                           printable(pending.identity, 80), pending.identity.size(), pending.list));
    if (!json()) return;
    OutputRow record;
    record.add("about", "pending")
        .add("list", pending.list)
        .add("identity", pending.identity)
        .add("data", pending.data);
    fmt::print("{}\n", record.json());
  }

  void silent(const std::string& log, const Silence::State& silence) {
    if (!silence.alarmed || !silence.heard) return;
    faults_.push_back((log.empty() ? "the log" : printable(log)) + " has been silent since " +
                      zone_.short_text(*silence.heard) + ", which is unusual at this hour");
  }

  void farm() {
    const auto& farm = saved_.state->farm;
    if (!farm) return;
    if (json()) {
      OutputRow record;
      record.add("about", "farm")
          .add("connected", farm->connected ? "yes" : "no")
          .add("words", saved_.state->farm_words.size())
          .add("waiting", farm->waiting)
          .add("dropped", farm->dropped)
          .add("ahead", farm->ahead)
          .add("late", farm->late);
      fmt::print("{}\n", record.json());
      return;
    }
    line("farm", fmt::format("{}, {} {} known, {} {} to send",
                             farm->connected ? "connected, the hosts count together"
                                             : "can't be reached, this host counts alone",
                             saved_.state->farm_words.size(),
                             noun(saved_.state->farm_words.size(), "identity", "identities"),
                             farm->waiting, noun(farm->waiting, "event")));
  }

  // What waits for each action.
  void actions() {
    std::map<std::string, std::vector<const Notice*>> waiting;
    for (const auto& [action, notice] : saved_.state->actions)
      waiting[action].push_back(&notice.notice);
    for (const auto& action : invocation_.config.actions) {
      const auto& notices = waiting[action.name];
      const auto since = notices.empty()
                             ? std::nullopt
                             : std::optional(Instant(std::chrono::seconds(notices.front()->date)));
      if (json()) {
        OutputRow record;
        record.add("about", "action")
            .add("action", action.name)
            .add("waiting", notices.size())
            .add_optional("since", since ? std::optional(zone_.text(*since)) : std::nullopt);
        fmt::print("{}\n", record.json());
      } else if (since) {
        line("action", fmt::format("{}: {} waiting, the oldest since {}", action.name,
                                   counted(notices.size(), "event"), zone_.short_text(*since)));
      }
    }
  }

  void outbox() {
    const auto& outbox = saved_.state->outbox;
    if (outbox.empty()) return;
    if (json()) {
      for (const auto& [notice, unknown] : outbox) {
        OutputRow record;
        record.add("about", "notice")
            .add("message_id", notice.message_id)
            .add("subject", notice.subject)
            .add("since", zone_.text(Instant(std::chrono::seconds(notice.date))));
        fmt::print("{}\n", record.json());
      }
      return;
    }
    line("notices",
         fmt::format("{} waiting to be sent, the oldest since {}", outbox.size(),
                     zone_.short_text(Instant(std::chrono::seconds(outbox.front().notice.date)))));
  }

  void fault(const std::string& what) {
    if (std::find(faults_.begin(), faults_.end(), what) == faults_.end()) faults_.push_back(what);
  }

  // As it tells in its lock; one of an older version does so in the checkpoint alone.
  void faults_of_service() {
    if (!runs_) return;
    const auto& directory = invocation_.config.state.directory;
    const auto told = SingleInstance::faults(directory);
    if (told) {
      for (const auto& what : *told) fault(what);
    } else if (saved_.state) {
      for (const auto& what : saved_.state->faults) fault(what);
    }
    if (const auto open = actions::try_as(service_user(), actions::Deed::make_in, directory); !open)
      fault(open.error().what + "; the service can't save what it knows");
    if (saved_.state && written_last_ > saved_.written + kUnsaved)
      fault(fmt::format(
          "{}: last saved at {}, and the log was written since: is the disk full or read-only?",
          directory, zone_.short_text(Instant(std::chrono::seconds(saved_.written)))));
  }

  // The one that the lock belongs to.
  [[nodiscard]] std::optional<actions::EximUser> service_user() const {
    struct stat info{};
    const auto lock = invocation_.config.state.directory + "/lock";
    if (::stat(lock.c_str(), &info) != 0) return std::nullopt;
    return actions::EximUser{info.st_uid, {info.st_gid}};
  }

  const Invocation& invocation_;
  Zone zone_;
  bool runs_ = false;
  std::int64_t written_last_ = 0;  // of the logs; seconds since 1970 UTC
  Terminal terminal_;
  SavedState saved_;
  Exit exit_ = kDone;
  std::vector<std::string> faults_;
};

}  // namespace

Exit run_status(const Invocation& invocation) {
  if (invocation.options.count("watch") > 0) return watch_status(invocation);
  if (invocation.options.count("farm") > 0) return show_farm(invocation);
  return Status(invocation).show();
}

}  // namespace agent
