#include "agent/archive/log_merge.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <deque>
#include <numeric>
#include <string_view>
#include <utility>

#include "agent/archive/log_copies.h"
#include "parsers/fields/prefix.h"
#include "parsers/fields/sure_entry.h"
#include "parsers/fields/syslog.h"

namespace agent {
namespace {

// Less than this is disorder of concurrent writers, or a clock that was set.
constexpr std::chrono::seconds kOverlap{60};
// Longer than any mail server on which somebody works is silent.
constexpr std::chrono::seconds kGap{3600};

// What may wait unpacked for its turn, in bytes.
std::size_t memory_ahead() {
  constexpr std::size_t kMost = std::size_t{256} << 20;
  const auto pages = ::sysconf(_SC_PHYS_PAGES), size = ::sysconf(_SC_PAGESIZE);
  if (pages <= 0 || size <= 0) return 0;
  return std::min(static_cast<std::size_t>(pages) * static_cast<std::size_t>(size) / 16, kMost);
}

std::uint64_t events_of(const parsers::LogReader& reader) {
  const auto& events = reader.counters().events;
  return std::accumulate(events.begin(), events.end(), std::uint64_t{0});
}

}  // namespace

// What is left to read of one log, chunk by chunk.
class LogMerge::Stream {
 public:
  Stream(std::string host_label, std::size_t rank_among, std::vector<CatalogEntry> logs,
         const Zone& zone)
      : label(std::move(host_label)),
        rank(rank_among),
        files(std::make_move_iterator(logs.begin()), std::make_move_iterator(logs.end())),
        clock(zone) {}

  [[nodiscard]] std::string_view rest() const { return chunk.substr(at); }
  [[nodiscard]] bool before(const Stream& other) const {
    return key != other.key ? key < other.key : rank < other.rank;
  }

  // A chunk arrives: `last` becomes the time of its last stamped line. In the hour that autumn
  // repeats that takes all lines before it.
  void measure(parsers::CivilSeconds not_after) {
    StampClock probe = clock;
    std::optional<parsers::Stamp> first_seen, last_seen;
    for (std::size_t begin = 0; begin < chunk.size() && !first_seen;) {
      const auto end = std::min(chunk.find('\n', begin), chunk.size());
      first_seen = stamp_of_line(chunk.substr(begin, end - begin), not_after);
      begin = end + 1;
    }
    for (std::size_t end = chunk.size(); first_seen && !last_seen && end > 0;) {
      const auto newline = end == 1 ? std::string_view::npos : chunk.rfind('\n', end - 2);
      const auto begin = newline + 1;  // npos + 1 == 0
      last_seen = stamp_of_line(chunk.substr(begin, end - begin), not_after);
      end = begin;
    }
    first.reset();
    if (!last_seen) return;
    first = StampClock(clock).resolve(*first_seen);
    const auto low = std::min(first_seen->civil, last_seen->civil);
    const auto high = std::max(first_seen->civil, last_seen->civil);
    folded_hour = probe.repeats_between(low, high);
    if (folded_hour) {
      for (std::size_t begin = 0; begin < chunk.size();) {
        const auto end = std::min(chunk.find('\n', begin), chunk.size());
        if (const auto stamp = stamp_of_line(chunk.substr(begin, end - begin), not_after)) {
          last = probe.resolve(*stamp);
        }
        begin = end + 1;
      }
    } else {
      last = probe.resolve(*last_seen);
    }
    chunk_clock = probe;
  }

  // The key of the line that begins at `at`: its time, but never before that of an earlier line,
  // nor after the chunk's last one (a stray stamp from the future must not hold up the rest).
  void read_key(parsers::CivilSeconds not_after) {
    const auto line = rest().substr(0, rest().find('\n'));
    const auto stamp = stamp_of_line(line, not_after);
    if (!stamp) return;
    const auto time = clock.resolve(*stamp);
    key = std::min(time, std::max(key, last));
  }

  // Other programs have stamps like Exim's: is any line of the chunk surely one of its entries?
  void look_for_entry(parsers::CivilSeconds not_after) {
    for (auto lines = chunk; !any_entry && !lines.empty();) {
      const auto line = lines.substr(0, lines.find('\n'));
      const auto prefix = parsers::parse_prefix(line);
      any_entry = prefix ? parsers::is_surely_exim(*prefix)
                         : parsers::parse_syslog(line, not_after).has_value();
      lines.remove_prefix(std::min(lines.size(), line.size() + 1));
    }
  }

  std::string label;
  std::size_t rank;
  std::deque<CatalogEntry> files;   // the first is open, if input is
  std::unique_ptr<LogInput> input;  // null: the first of files is still to be opened
  std::size_t log = 0;              // in the pipeline
  std::string_view chunk;
  std::size_t at = 0;                     // of chunk: what comes before is fed
  std::size_t passed = 0;                 // of the next chunk: is not fed
  StampClock clock;                       // up to `at`
  std::optional<StampClock> chunk_clock;  // up to the end of the chunk
  bool folded_hour = false;
  bool any_entry = false;           // of the file that is open, so far
  std::uint64_t events_before = 0;  // that the pipeline had counted when the file began
  Instant key = Instant::min();     // of the line at `at`
  Instant last = Instant::min();    // of the chunk's last line
  std::optional<Instant> first;     // of the chunk's first line that has one
};

LogMerge::LogMerge(Pipeline& pipeline, Catalog catalog, const Zone& zone, Watch watch)
    : pipeline_(pipeline),
      zone_(zone),
      watch_(std::move(watch)),
      not_after_(catalog.newest_written) {
  for (auto& host : catalog.hosts) add_stream(host.label, std::move(host.files));
}

LogMerge::~LogMerge() = default;

void LogMerge::add_stream(std::string label, std::vector<CatalogEntry> files) {
  auto& stream = *streams_.emplace_back(
      std::make_unique<Stream>(std::move(label), streams_.size(), std::move(files), zone_));
  stream.log = pipeline_.add_log("");
}

void LogMerge::open_next(Stream& stream) {
  auto& file = stream.files.front();
  if (file.input != nullptr) {
    stream.input = std::move(file.input);
  } else if (file.ahead != nullptr) {
    stream.input = std::move(file.ahead);
  } else {
    auto opened = LogInput::open(file.name.path, watch_.patience);
    if (!opened) {
      watch_.error(opened.error());
      stream.files.pop_front();
      return;
    }
    stream.input = std::move(opened.value());
  }
  stream.input->read_ahead(usable_processors() - 1, pipeline_.prepares(stream.log), 0, spare_);
  unpack_ahead(stream);
  if (file.first && stream.last != Instant::min()) {
    auto probe = stream.clock;
    const auto first = probe.resolve(*file.first);
    if (first - stream.last >= kGap) {
      watch_.note(fmt::format("nothing between {} and {}, where {} begins",
                              zone_.short_text(stream.last), zone_.short_text(first),
                              file.name.shown));
    }
  }
  ++extent_.files;
  stream.any_entry = false;
  stream.events_before = events_of(pipeline_.reader(stream.log));
  const auto from = skip_shared(stream);
  pipeline_.start_file(stream.log, file.name.shown);
  if (from.offset > 0) {
    auto& reader = pipeline_.reader(stream.log);
    auto state = reader.state();
    state.offset = from.offset;
    state.line = from.line;
    reader.restore(state);
  }
  if (watch_.file) watch_.file(stream.log, file.name.shown, from);
}

// One packed file keeps no more than one processor busy: the others begin with those that follow.
void LogMerge::unpack_ahead(Stream& stream) {
  const auto processors = usable_processors();
  if (processors < 2 || stream.files.size() < 2) return;
  const auto files = std::min(processors, stream.files.size()) - 1;
  const auto bytes = std::max(memory_ahead() / streams_.size() / files, LogInput::kChunk);
  for (std::size_t i = 1; i <= files; ++i) {
    auto& file = stream.files[i];
    if (file.input != nullptr || file.ahead != nullptr) continue;
    auto opened = LogInput::open(file.name.path, watch_.patience);
    if (!opened || !opened.value()->is_regular() || !opened.value()->is_packed()) continue;
    file.ahead = std::move(opened.value());
    file.ahead->read_ahead(processors - 1, pipeline_.prepares(stream.log), bytes, spare_);
  }
}

// Passes over what the file before it ended with.
FilePlace LogMerge::skip_shared(Stream& stream) {
  FilePlace place;
  auto left = stream.files.front().skip;
  while (left > 0) {
    const auto chunk = stream.input->peek();
    if (!chunk || chunk.value().empty()) break;  // read() will say so
    const auto bytes = chunk.value().first(std::min<std::uint64_t>(left, chunk.value().size()));
    place.offset += bytes.size();
    place.line += static_cast<std::uint64_t>(std::count(bytes.begin(), bytes.end(), '\n'));
    left -= bytes.size();
    if (bytes.size() < chunk.value().size()) {
      stream.passed = bytes.size();
      break;
    }
    (void)stream.input->read();
  }
  return place;
}

// False: the stream is over. Else there is a chunk, and its key.
bool LogMerge::load(Stream& stream) {
  if (stream.chunk_clock) stream.clock = *std::exchange(stream.chunk_clock, std::nullopt);
  for (;;) {
    if (stream.input == nullptr) {
      if (stream.files.empty()) return false;
      open_next(stream);
      continue;
    }
    const bool goes_on = !stream.chunk.empty() && stream.chunk.back() != '\n';
    const auto chunk = stream.input->read();
    if (chunk && !chunk.value().empty()) {
      stream.chunk = {chunk.value().data(), chunk.value().size()};
      if (stream.passed > 0) stream.input->prepared().discard();
      stream.chunk.remove_prefix(std::exchange(stream.passed, 0));
      stream.at = 0;
      stream.measure(not_after_);
      if (stream.first) {
        // Clocks are set back, and writers are late.
        const auto [low, high] = std::minmax({*stream.first, stream.last});
        extent_.first = std::min(extent_.first.value_or(low), low);
        extent_.last = std::max(extent_.last.value_or(high), high);
      }
      stream.look_for_entry(not_after_);
      look_for_copies(stream);
      split_if_overlapping(stream);
      if (!goes_on) stream.read_key(not_after_);
      return true;
    }
    if (!chunk) watch_.error(chunk.error());
    finish_file(stream);
  }
}

void LogMerge::finish_file(Stream& stream) {
  // The last line may lack its LF; nothing more will come, unless the next file has it whole.
  const bool goes_on = stream.files.size() > 1 && stream.files[1].skip > 0;
  if (pipeline_.reader(stream.log).pending() > 0 && !goes_on) {
    give(stream, "\n");
  }
  const auto& reader = pipeline_.reader(stream.log);
  if (stream.any_entry || events_of(reader) > stream.events_before) {
    any_entry_ = true;
  } else if (reader.line() > 0) {
    watch_.error({actions::Errc::malformed, 0,
                  stream.files.front().name.shown + ": not one line of it is an entry of Exim's"});
  }
  taken_ += stream.input->taken();
  stream.input.reset();
  stream.chunk = {};
  stream.files.pop_front();
}

// What a copy shares with the log it was made of is read in the first of them.
void LogMerge::look_for_copies(Stream& stream) {
  while (stream.files.size() > 1) {
    const auto& file = stream.files.front();
    auto& next = stream.files[1];
    if (next.compared || next.input != nullptr || !next.first || !stream.input->is_regular())
      return;
    // A log that was cut between two lines that are alike shares nothing.
    if (stream.last <= StampClock(zone_).resolve(*next.first)) return;
    next.compared = true;
    const auto overlap = overlap_of(file.name.path, next.name.path);
    if (!overlap) return;
    if (!overlap->whole) {
      next.skip = overlap->shared;
      watch_.note(fmt::format("{} begins with {} bytes that {} ends with, counted once",
                              next.name.shown, overlap->shared, file.name.shown));
      return;
    }
    watch_.note(
        fmt::format("{}: all of it is in {}, counted once", next.name.shown, file.name.shown));
    if (overlap->fault) watch_.error(*overlap->fault);
    taken_ += next.size;
    stream.files.erase(stream.files.begin() + 1);
  }
}

void LogMerge::split_if_overlapping(Stream& stream) {
  if (stream.files.size() < 2) return;
  const auto& next = stream.files[1];
  if (next.skip > 0) return;
  if (!next.first || (!next.first->utc_offset && zone_.is_repeated(next.first->civil))) return;
  if (stream.last == Instant::min()) return;
  const auto begin = StampClock(zone_).resolve(*next.first);
  if (stream.last <= begin + kOverlap) return;
  watch_.note(fmt::format("{} and {} overlap: {} begins at {}, both are counted",
                          stream.files[0].name.shown, next.name.shown, next.name.shown,
                          zone_.short_text(begin)));
  std::vector<CatalogEntry> rest(std::make_move_iterator(stream.files.begin() + 1),
                                 std::make_move_iterator(stream.files.end()));
  stream.files.resize(1);
  add_stream(stream.label, std::move(rest));
}

void LogMerge::give(const Stream& stream, std::string_view bytes) {
  pipeline_.feed(stream.log, bytes);
  if (watch_.bytes) watch_.bytes(stream.log, bytes);
}

void LogMerge::give_rest(Stream& stream) {
  const auto bytes = stream.rest();
  if (stream.at == 0) {
    pipeline_.feed(stream.log, bytes, stream.input->prepared());
    if (watch_.bytes) watch_.bytes(stream.log, bytes);
  } else {
    give(stream, bytes);
  }
  stream.at = stream.chunk.size();
}

// Feeds the lines of this chunk whose turn is before the next line of `next`.
void LogMerge::feed_until(Stream& stream, const Stream& next) {
  const auto begin = stream.at;
  auto end = begin;
  while (stream.at < stream.chunk.size() && stream.before(next)) {
    const auto newline = stream.chunk.find('\n', stream.at);
    end = newline == std::string_view::npos ? stream.chunk.size() : newline + 1;
    stream.at = end;
    if (end < stream.chunk.size()) stream.read_key(not_after_);
  }
  give(stream, stream.chunk.substr(begin, end - begin));
}

bool LogMerge::run() {
  // By index: an overlap adds a stream.
  std::vector<Stream*> active;
  for (std::size_t known = 0;;) {
    for (; known < streams_.size(); ++known) {
      if (load(*streams_[known])) active.push_back(streams_[known].get());
    }
    if (active.empty()) return true;
    const auto first = std::min_element(active.begin(), active.end(),
                                        [](auto* a, auto* b) { return a->before(*b); });
    Stream& stream = **first;
    const Stream* next = nullptr;
    for (const auto* other : active) {
      if (other != &stream && (next == nullptr || other->before(*next))) next = other;
    }
    if (next == nullptr || std::max(stream.key, stream.last) < next->key) {
      give_rest(stream);
    } else {
      feed_until(stream, *next);
    }
    if (stream.at < stream.chunk.size()) continue;
    std::uint64_t taken = taken_;
    for (const auto* each : active) taken += each->input->taken();
    if (!watch_.go_on(taken)) return false;
    if (!load(stream)) active.erase(first);
  }
}

}  // namespace agent
