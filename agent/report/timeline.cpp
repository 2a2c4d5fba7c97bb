#include "agent/report/timeline.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "agent/output/text_table.h"
#include "agent/values/duration.h"

namespace agent {
namespace {

constexpr double kLeft = 56, kRight = 944, kTop = 34, kWindow = 210, kMiddle = 312, kBars = 62;
constexpr std::size_t kColumns = 222;

struct Column {
  std::uint64_t window = 0, refused = 0, accepted = 0;
};

class Picture {
 public:
  // The part from bucket `from` to before bucket `to`.
  Picture(const Dossier& dossier, const Zone& zone, std::int64_t from, std::int64_t to)
      : dossier_(dossier), zone_(zone) {
    const auto bucket = dossier.bucket_seconds;
    begin_ = from * bucket;
    end_ = to * bucket;
    // Whole buckets to a column, or else columns would differ by what a bucket is.
    const auto buckets = static_cast<std::size_t>((end_ - begin_) / bucket);
    const auto each = (buckets + kColumns - 1) / kColumns;
    step_ = static_cast<std::int64_t>(each) * bucket;
    columns_.resize((buckets + each - 1) / each);
    end_ = begin_ + static_cast<std::int64_t>(columns_.size()) * step_;
    const auto& all = dossier.buckets;
    for (auto it = all.lower_bound(from); it != all.end() && it->first < to; ++it) {
      const auto& [at, one] = *it;
      auto& column = columns_[static_cast<std::size_t>((at * bucket - begin_) / step_)];
      column.window = std::max<std::uint64_t>(column.window, one.window);
      column.refused += one.refused;
      column.accepted += one.recipients;
    }
    fade();
    for (const auto& column : columns_) {
      most_window_ = std::max(most_window_, column.window);
      most_refused_ = std::max(most_refused_, column.refused);
      most_accepted_ = std::max(most_accepted_, column.accepted);
    }
    if (dossier.rule) {
      most_window_ = std::max<std::uint64_t>(most_window_, dossier.rule->limit * 6ULL / 5);
    }
  }

  std::string svg() {
    out_ = fmt::format(
        "<svg viewBox=\"0 0 960 408\" role=\"img\" aria-label=\"Timeline from {} to {}: at most {} "
        "in the window, {} refused, {} recipients accepted\">\n",
        text(begin_), text(end_), grouped(most_seen_), grouped(dossier_.refused),
        grouped(dossier_.recipients));
    window();
    bars();
    ticks();
    decisions();
    return out_ + "</svg>\n";
  }

 private:
  // Between events the window empties: a column without one shows what is left of it.
  void fade() {
    for (const auto& column : columns_) most_seen_ = std::max(most_seen_, column.window);
    if (!dossier_.rule) return;
    const auto keep = std::max<std::int64_t>(1, dossier_.rule->period.count() / step_);
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      if (columns_[i].window > 0) continue;
      std::uint64_t left = 0;
      const auto from = i > static_cast<std::size_t>(keep) ? i - static_cast<std::size_t>(keep) : 0;
      for (auto j = from; j < i; ++j) left += columns_[j].refused;
      columns_[i].window = i == 0 ? 0 : std::min(left, columns_[i - 1].window);
    }
  }
  [[nodiscard]] double x(std::int64_t at) const {
    return kLeft +
           (kRight - kLeft) * static_cast<double>(at - begin_) / static_cast<double>(end_ - begin_);
  }
  [[nodiscard]] double y(std::uint64_t count) const {
    return kWindow - (kWindow - kTop) * static_cast<double>(count) /
                         static_cast<double>(std::max<std::uint64_t>(1, most_window_));
  }
  [[nodiscard]] std::string text(std::int64_t at) const {
    return zone_.text(Instant(std::chrono::seconds(at)));
  }
  void line(const char* kind, double x1, double y1, double x2, double y2) {
    out_ += fmt::format(
        "<line class=\"{}\" x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\"/>\n", kind, x1,
        y1, x2, y2);
  }
  void label(double x, double y, const char* anchor, const std::string& words,
             const char* kind = "") {
    out_ +=
        fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\" class=\"{}\">{}</text>\n",
                    x, y, anchor, kind, words);
  }

  void window() {
    label(kLeft, 14, "start",
          dossier_.rule ? "refused recipients within " + duration_text(dossier_.rule->period)
                        : "refused recipients",
          "strong");
    if (most_seen_ > 0) {
      std::string path = fmt::format("M{:.1f} {:.1f}", kLeft, kWindow);
      for (std::size_t i = 0; i < columns_.size(); ++i) {
        const auto at = begin_ + static_cast<std::int64_t>(i) * step_;
        path += fmt::format("L{:.1f} {:.1f}H{:.1f}", x(at), y(columns_[i].window), x(at + step_));
      }
      out_ += fmt::format("<path class=\"area\" d=\"{}V{:.1f}Z\"/>\n", path, kWindow);
    }
    line("axis", kLeft, kWindow, kRight, kWindow);
    label(kLeft - 6, kWindow + 4, "end", "0");
    // What was seen, at its height, and no end of a scale that nothing has reached.
    if (most_seen_ > 0 && y(most_seen_) < kWindow - 14)
      label(kLeft - 6, y(most_seen_) + 4, "end", grouped(most_seen_));
    if (!dossier_.rule) return;
    const auto at = y(dossier_.rule->limit);
    line("limit", kLeft, at, kRight, at);
    label(kRight, at - 5, "end", "limit " + grouped(dossier_.rule->limit), "lim");
  }

  // A square of the colour that `words` explains; what comes next may begin at the result.
  double legend(double x, double y, const char* kind, const std::string& words) {
    out_ +=
        fmt::format("<rect class=\"{}\" x=\"{:.1f}\" y=\"{:.1f}\" width=\"10\" height=\"10\"/>\n",
                    kind, x, y - 9);
    label(x + 15, y, "start", words);
    return x + 15 + 7.0 * static_cast<double>(words.size()) + 18;
  }

  void bars() {
    const double title = kMiddle - kBars - 10;
    const auto each = "per " + duration_text(std::chrono::seconds(step_));
    label(kLeft, title, "start", each, "strong");
    const auto next = legend(kLeft + 8.0 * static_cast<double>(each.size()) + 14, title, "accepted",
                             "recipients accepted");
    legend(next, title, "refused", "recipients refused");
    const double wide = std::max(1.0, (kRight - kLeft) / static_cast<double>(columns_.size()) - .6);
    const auto scale = [](std::uint64_t most) {
      return kBars / static_cast<double>(std::max<std::uint64_t>(1, most));
    };
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      const auto left = x(begin_ + static_cast<std::int64_t>(i) * step_);
      const auto bar = [&](const char* kind, std::uint64_t count, bool up) {
        if (count == 0) return;
        const double high =
            std::max(1.5, static_cast<double>(count) * scale(up ? most_accepted_ : most_refused_));
        out_ += fmt::format(
            "<rect class=\"{}\" x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\"/>\n",
            kind, left, up ? kMiddle - high : kMiddle, wide, high);
      };
      bar("accepted", columns_[i].accepted, true);
      bar("refused", columns_[i].refused, false);
    }
    line("axis", kLeft, kMiddle, kRight, kMiddle);
    if (most_accepted_ > 0) label(kLeft - 6, kMiddle - kBars + 10, "end", grouped(most_accepted_));
    if (most_refused_ > 0) label(kLeft - 6, kMiddle + kBars, "end", grouped(most_refused_));
  }

  void ticks() {
    for (int i = 0; i <= 4; ++i) {
      const auto at = begin_ + (end_ - begin_) * i / 4;
      auto words = text(at).substr(0, end_ - begin_ < 600 ? 19 : 16);
      words[10] = ' ';
      line("axis", x(at), kMiddle + kBars + 4, x(at), kMiddle + kBars + 10);
      label(x(at), kMiddle + kBars + 26, i == 0 ? "start" : i == 4 ? "end" : "middle", words);
    }
  }

  void decisions() {
    std::size_t shown = 0;
    for (const auto& decision : dossier_.decisions) {
      const auto time = decision.time.time_since_epoch().count();
      if (time < begin_ || time >= end_) continue;
      if (++shown > 8) break;
      const auto at = x(time);
      line("moment", at, kTop - 6, at, kWindow);
      line("moment", at, kMiddle - kBars, at, kMiddle + kBars);
      if (shown > 1) continue;
      const bool right = at > (kLeft + kRight) / 2;
      label(right ? at - 5 : at + 5, kTop - 6, right ? "end" : "start",
            "limit reached " + zone_.text(decision.time).substr(11, 8), "strong");
    }
  }

  const Dossier& dossier_;
  const Zone& zone_;
  std::int64_t begin_ = 0, end_ = 0, step_ = 1;
  std::vector<Column> columns_;
  std::uint64_t most_window_ = 0, most_seen_ = 0, most_refused_ = 0, most_accepted_ = 0;
  std::string out_;
};

// The buckets around the first decision in which it went on being refused; nullopt if that is
// nearly all there is anyway.
std::optional<std::pair<std::int64_t, std::int64_t>> close_up(const Dossier& dossier) {
  if (dossier.decisions.empty() || !dossier.rule) return std::nullopt;
  const auto bucket = dossier.bucket_seconds;
  const auto& buckets = dossier.buckets;
  const auto pause = std::max<std::int64_t>(10, dossier.rule->period.count() / bucket);
  const auto begin = dossier.decisions[0].first.time_since_epoch().count() / bucket;
  auto end = dossier.decisions[0].time.time_since_epoch().count() / bucket;
  for (auto it = buckets.upper_bound(end); it != buckets.end() && it->first - end <= pause; ++it) {
    if (it->second.refused > 0) end = it->first;
  }
  const auto margin = std::max<std::int64_t>(5, (end - begin) / 8);
  const auto from = std::max(begin - margin, buckets.begin()->first);
  const auto to = std::min(end + margin, buckets.rbegin()->first) + 1;
  if ((to - from) * 5 > buckets.rbegin()->first + 1 - buckets.begin()->first) return std::nullopt;
  return std::pair(from, to);
}

}  // namespace

std::string timeline_svg(const Dossier& dossier, const Zone& zone) {
  if (dossier.buckets.empty()) return "";
  std::string out =
      Picture(dossier, zone, dossier.buckets.begin()->first, dossier.buckets.rbegin()->first + 1)
          .svg();
  if (const auto part = close_up(dossier)) {
    out +=
        "<h3>Around the decision</h3>\n" + Picture(dossier, zone, part->first, part->second).svg();
  }
  return out;
}

}  // namespace agent
