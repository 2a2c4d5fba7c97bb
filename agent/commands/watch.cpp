#include "agent/commands/watch.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <map>

#include "actions/exim/exim_queue.h"
#include "actions/lists/blocklist.h"
#include "actions/posix_files.h"
#include "agent/commands/list_scope.h"
#include "agent/commands/saved_state.h"
#include "agent/commands/selection.h"
#include "agent/config/host_facts.h"
#include "agent/core/list_lines.h"
#include "agent/output/complain.h"
#include "agent/output/full_screen.h"
#include "agent/report/watch_frame.h"
#include "agent/state/single_instance.h"
#include "agent/values/duration.h"

namespace agent {
namespace {

using namespace std::chrono_literals;

// More than any screen has lines.
constexpr std::size_t kMostShown = 200;
// Exim looks at each file of its queue to count them.
constexpr auto kQueuePause = 10s;

// Looks again only at what has changed: a big state, or long lists, cost nothing while nothing
// happens.
class Watched {
 public:
  explicit Watched(const Invocation& invocation)
      : config_(invocation.config),
        zone_(Zone::named(config_.log.timezone).value_or(Zone::utc())),
        scopes_(lists_of(config_)),
        lists_(scopes_.size()) {}

  [[nodiscard]] const Zone& zone() const { return zone_; }

  WatchView look() {
    WatchView view;
    view.host = host_name();
    view.now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
    view.running = SingleInstance::running(config_.state.directory);
    saved(view);
    for (const auto& pattern : config_.log.paths) {
      const auto* state = saved_.state ? &*saved_.state : nullptr;
      const auto log = progress_of(pattern, state, zone_, view.now);
      if (!log.exists) view.faults.push_back(log.path + ": no such log");
      view.logs.push_back({log.path, log.exists, state != nullptr && !log.known, log.lag});
    }
    lists(view);
    if (!view.running.value_or(true)) view.faults.push_back("the service does not run");
    queue(view);
    return view;
  }

 private:
  void saved(WatchView& view) {
    const auto& directory = config_.state.directory;
    const auto stamp = files_.stamp(directory + "/checkpoint");
    const auto now = stamp ? std::optional(stamp.value()) : std::nullopt;
    if (!loaded_ || !now || now != stamp_) {
      saved_ = load_saved_state(directory);
      windows_ = saved_.state ? fullest_windows(*saved_.state, config_, kMostShown)
                              : std::vector<FullWindow>();
      loaded_ = true;
      stamp_ = now;
    }
    view.faults = saved_.faults;
    if (saved_.closed) view.faults.push_back(saved_.closed->what);
    const auto told =
        view.running.value_or(false) ? SingleInstance::faults(directory) : std::nullopt;
    for (const auto& fault : told.value_or(std::vector<std::string>())) {
      if (std::find(view.faults.begin(), view.faults.end(), fault) == view.faults.end())
        view.faults.push_back(fault);
    }
    if (!saved_.state) return;
    view.saved = Instant(std::chrono::seconds(saved_.written));
    view.newest = saved_.state->newest;
    view.identities = saved_.state->subjects.size();
    view.notices = saved_.state->outbox.size();
    view.pending = saved_.state->pending.size();
    view.windows = windows_;
  }

  struct List {
    bool read = false;
    std::optional<actions::FileStamp> stamp;
    std::string fault;
    std::vector<std::pair<Instant, WatchedBlock>> blocks;  // those that say since when
    std::size_t entries = 0;
  };

  void lists(WatchView& view) {
    const auto today = parse_time("today", zone_, view.now);
    for (std::size_t i = 0; i < scopes_.size(); ++i) {
      auto& list = lists_[i];
      const auto stamp = files_.stamp(scopes_[i].path);
      const auto now = stamp ? std::optional(stamp.value()) : std::nullopt;
      if (!list.read || now != list.stamp) list = read(scopes_[i], now);
      if (!list.fault.empty()) view.faults.push_back(list.fault);
      view.blocked += list.entries;
      for (const auto& [since, block] : list.blocks) {
        if (today && since >= *today) ++view.today;
        view.blocks.push_back(block);
      }
    }
    std::stable_sort(view.blocks.begin(), view.blocks.end(),
                     [](const auto& a, const auto& b) { return a.since > b.since; });
    if (view.blocks.size() > kMostShown) view.blocks.resize(kMostShown);
  }

  List read(const ScopedList& scope, std::optional<actions::FileStamp> stamp) {
    List list{true, stamp, "", {}, 0};
    const auto content = actions::Blocklist(files_, scope.path, {}).read();
    if (!content) {
      list.fault = content.error().what;
      return list;
    }
    list.entries = content.value().entries.size();
    for (const auto& entry : content.value().entries) {
      const auto line = read_list_data(entry.data);
      if (!line.since) continue;
      const auto why = line.count && line.period
                           ? fmt::format("{} in {}", *line.count, duration_text(*line.period))
                           : "by " + line.by.value_or("hand");
      list.blocks.push_back(
          {*line.since, {entry.key, why, rule_of(scope, entry.data), *line.since, line.until}});
    }
    return list;
  }

  void queue(WatchView& view) {
    const auto now = std::chrono::steady_clock::now();
    if (now >= queue_due_) {
      const auto count = actions::EximQueue(config_.exim.binary).size();
      queue_ = count ? std::optional(count.value()) : std::nullopt;
      queue_due_ = std::chrono::steady_clock::now() + kQueuePause;
    }
    view.queue = queue_;
  }

  const Config& config_;
  Zone zone_;
  actions::PosixFiles files_;
  bool loaded_ = false;
  std::optional<actions::FileStamp> stamp_;
  SavedState saved_;
  std::vector<FullWindow> windows_;
  std::vector<ScopedList> scopes_;
  std::vector<List> lists_;
  std::optional<std::uint64_t> queue_;
  std::chrono::steady_clock::time_point queue_due_{};
};

}  // namespace

Exit watch_status(const Invocation& invocation) {
  if (invocation.output != Output::text || invocation.options.count("farm") > 0) {
    complain("status: --watch is for people, and alone");
    return kUsage;
  }
  if (!FullScreen::possible()) {
    complain("status: --watch needs a terminal; without --watch it prints once");
    return kUsage;
  }
  Watched watched(invocation);
  const auto terminal = Terminal::standard_output();
  FullScreen screen;
  auto view = watched.look();
  while (true) {
    const auto size = screen.size();
    const auto frame = watch_frame(view, watched.zone(), {size.columns, size.rows}, terminal);
    if (!screen.draw(frame)) return kIoError;
    const auto event = screen.wait(1s);
    if (event == FullScreen::Event::end) return kDone;
    if (event == FullScreen::Event::time) view = watched.look();
  }
}

}  // namespace agent
