#include "agent/report/watch_frame.h"

#include <fmt/format.h>

#include <algorithm>

#include "agent/core/attribution.h"
#include "agent/output/relative_time.h"
#include "agent/output/text_table.h"
#include "agent/values/duration.h"
#include "agent/values/printable.h"

namespace agent {
namespace {

constexpr std::size_t kFaultsShown = 3, kLogsShown = 3;

class Frame {
 public:
  Frame(ScreenSize size, const Terminal& terminal) : size_(size), terminal_(terminal) {}

  void line(const std::string& text, std::optional<Paint> paint = std::nullopt) {
    if (lines_.size() >= size_.rows) return;
    auto fitted = printable(text, std::max<std::size_t>(size_.columns, 4));
    lines_.push_back(paint ? terminal_.painted(*paint, fitted) : std::move(fitted));
  }
  [[nodiscard]] std::size_t left() const { return size_.rows - lines_.size(); }
  [[nodiscard]] std::vector<std::string> lines() && { return std::move(lines_); }

 private:
  ScreenSize size_;
  const Terminal& terminal_;
  std::vector<std::string> lines_;
};

std::string log_text(const WatchedLog& log) {
  const auto* none = log.rotated ? "rotated since the last save" : "no such file";
  const auto lag = log.exists && !log.rotated ? fmt::format("{} bytes to go", grouped(log.lag))
                                              : std::string(none);
  return fmt::format("log      {}  {}", lag, log.path);
}

std::string window_text(const FullWindow& window, std::size_t width) {
  const auto full = bar(std::min(window.count, window.limit), window.limit, width);
  return fmt::format("{:.<{}} {:>5} of {} in {}  {} {} ({})", full, width, window.count,
                     window.limit, duration_text(window.period), name_of(window.kind),
                     window.identity, window.rule);
}

std::string block_text(const WatchedBlock& block, Instant now) {
  return fmt::format("{:>12}  {}  {} ({}){}", ago_text(block.since, now), block.identity, block.why,
                     block.rule, block.until ? ", " + left_text(*block.until, now) : "");
}

void head(Frame& frame, const WatchView& view, const Zone& zone) {
  const auto* runs = !view.running   ? "can't tell whether it runs"
                     : *view.running ? "runs"
                                     : "does not run";
  frame.line(
      fmt::format("exiwarden {}  {}  {}  Ctrl-C ends", runs, zone.short_text(view.now), view.host),
      view.running.value_or(false) ? Paint::bold : Paint::red);
  frame.line(fmt::format("saved    {}; newest event {}; {} counted",
                         view.saved ? ago_text(*view.saved, view.now) : "never",
                         view.newest ? ago_text(*view.newest, view.now) : "none",
                         counted(view.identities, "identity", "identities")));
  for (std::size_t i = 0; i < std::min(kLogsShown, view.logs.size()); ++i)
    frame.line(log_text(view.logs[i]));
  if (view.logs.size() > kLogsShown)
    frame.line(fmt::format("         and {} more logs", view.logs.size() - kLogsShown));
  frame.line(fmt::format("blocked  {}, today {}; waiting: {}, {}; Exim's queue {}",
                         grouped(view.blocked), grouped(view.today), counted(view.pending, "block"),
                         counted(view.notices, "notice"),
                         view.queue ? grouped(*view.queue) : "not known"));
  for (std::size_t i = 0; i < std::min(kFaultsShown, view.faults.size()); ++i)
    frame.line("fault    " + view.faults[i], Paint::red);
  if (view.faults.size() > kFaultsShown)
    frame.line(
        fmt::format("fault    and {} more: exiwarden status", view.faults.size() - kFaultsShown),
        Paint::red);
  if (view.faults.empty()) frame.line("no faults", Paint::green);
}

std::string title(const char* what, std::size_t shown, std::size_t all) {
  return shown < all ? fmt::format("{} ({} of {})", what, shown, grouped(all)) : what;
}

}  // namespace

std::vector<std::string> watch_frame(const WatchView& view, const Zone& zone, ScreenSize size,
                                     const Terminal& terminal) {
  constexpr std::size_t kTitles = 3;  // two titles and a blank line
  Frame frame(size, terminal);
  head(frame, view, zone);
  frame.line("");
  const auto room = frame.left() > kTitles ? frame.left() - kTitles : 0;
  const auto blocks =
      std::min(view.blocks.size(), std::max(room / 2, room - std::min(room, view.windows.size())));
  const auto windows = std::min(view.windows.size(), room - blocks);
  const std::size_t width = size.columns >= 120 ? 50 : 20;
  frame.line(title("nearest to a limit", windows, view.windows.size()), Paint::bold);
  for (std::size_t i = 0; i < windows; ++i) {
    const auto& window = view.windows[i];
    frame.line(window_text(window, width), std::uint64_t{window.count} * 2 >= window.limit
                                               ? std::optional(Paint::yellow)
                                               : std::nullopt);
  }
  frame.line("");
  frame.line(title("last blocked", blocks, view.blocks.size()), Paint::bold);
  for (std::size_t i = 0; i < blocks; ++i) frame.line(block_text(view.blocks[i], view.now));
  return std::move(frame).lines();
}

}  // namespace agent
