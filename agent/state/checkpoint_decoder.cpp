#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "agent/state/checkpoint.h"
#include "agent/state/checkpoint_fields.h"
#include "agent/values/digest.h"

namespace agent {
namespace {

constexpr std::size_t kSubjectSize = 96;  // bytes of most subjects: all that a table is sized by

LogPosition decode_position(Fields& in) {
  LogPosition position;
  position.path = in.text();
  position.file.device = in.number();
  position.file.inode = in.number();
  position.file.first_line = in.text();
  position.tail = in.text();
  position.modified = in.number<std::int64_t>();
  position.finished = in.number() != 0;
  position.newest_stamp = in.optional_time();
  position.first_start = in.optional_time();
  auto& reader = position.reader;
  reader.offset = in.number();
  reader.line = in.number();
  const auto form = in.number();
  if (form > 2) throw Malformed("an unknown form of log");
  reader.form = static_cast<parsers::LogReader::Form>(form);
  reader.junk_seen = in.number() != 0;
  reader.distrust.in_quotes = in.number() != 0;
  reader.distrust.reach = in.number<std::uint32_t>();
  reader.copies.single = in.number();
  reader.copies.paired = in.number();
  if (!in.done()) position.counted_until = instant(in.number<std::int64_t>());
  return position;
}

WaitingNotice decode_notice(Fields& in) {
  WaitingNotice waiting;
  auto& notice = waiting.notice;
  waiting.unknown = in.number<std::uint32_t>();
  notice.message_id = in.text();
  notice.date = in.number<std::int64_t>();
  notice.subject = in.text();
  notice.body = in.text();
  if (!in.done()) notice.data = in.text();
  if (!in.done()) notice.page = in.text();
  return waiting;
}

std::optional<std::uint64_t> optional_count(Fields& in) {
  const auto text = in.optional_text();
  return text ? std::optional(Fields(*text).number()) : std::nullopt;
}

HistoryEntry read_history_entry(Fields& in) {
  HistoryEntry entry;
  const auto event = history_event_named(in.text());
  if (!event) throw Malformed("an unknown event of the history");
  entry.event = *event;
  entry.time = instant(in.number<std::int64_t>());
  entry.rule = in.text();
  if (const auto kind = in.optional_text()) {
    entry.kind = identity_kind_named(*kind);
    if (!entry.kind) throw Malformed("an unknown kind of identity");
  }
  entry.identity = in.text();
  entry.count = optional_count(in);
  entry.limit = optional_count(in);
  if (const auto period = optional_count(in)) entry.period = std::chrono::seconds(*period);
  entry.until = in.optional_time();
  entry.by = in.text();
  entry.reason = in.text();
  entry.samples = in.text();
  return entry;
}

class Decoder {
 public:
  Checkpoint state;

  void line(std::string_view text) {
    Fields in(text);
    const auto kind = in.word();
    // Of these there are many.
    if (kind == "subject") {
      subject_ = &state.subjects[in.key()];
      subject_->blocked = in.number();
      subject_->further_refusals = in.number<std::uint32_t>();
      if (!in.done()) subject_->fresh_since = instant(in.number<std::int64_t>());
    } else if (kind == "window") {
      window(in);
    } else if (kind == "host") {
      SeenHost host{in.text()};
      host.refusals = in.number<std::uint32_t>();
      if (!in.done()) host.others = in.number<std::uint32_t>();
      subject().hosts.push_back(std::move(host));
    } else if (kind == "further") {
      subject().further_others = in.number<std::uint32_t>();
    } else if (kind == "log") {
      state.positions.push_back(decode_position(in));
    } else if (kind == "copy") {
      auto pid = in.text();
      const bool copied = in.number() != 0;
      position().reader.copies.last.emplace(std::move(pid), std::pair(in.text(), copied));
    } else if (kind == "piece") {
      auto pid = in.text();
      parsers::SyslogPieces::Part part;
      part.next = in.number<std::uint32_t>();
      part.of = in.number<std::uint32_t>();
      part.text = in.text();
      position().reader.pieces.emplace(std::move(pid), std::move(part));
    } else if (kind == "newest") {
      state.newest = instant(in.number<std::int64_t>());
    } else if (kind == "silence") {
      Silence::State silence;
      silence.since = instant(in.number<std::int64_t>());
      silence.heard = in.optional_time();
      silence.alarmed = in.number() != 0;
      for (auto& longest : silence.longest) longest = in.number<std::int64_t>();
      state.silences[in.done() ? "" : in.text()] = silence;
    } else if (kind == "fault") {
      state.faults.push_back(in.text());
    } else if (kind == "message") {
      message(in);
    } else if (kind == "tag") {
      const auto digest = in.number();
      state.tags.emplace_back(digest, in.number());
    } else if (kind == "refusal") {
      state.refusals.push_back(in.number());
    } else if (kind == "rule") {
      const auto identity = in.number();
      if (identity >= kIdentityKinds) throw Malformed("an unknown kind of identity");
      state.layout.rules.emplace_back(static_cast<IdentityKind>(identity), in.text());
    } else if (kind == "list") {
      state.layout.lists.push_back(in.text());
    } else if (kind == "watched") {
      subject().watched = in.number();
    } else if (kind == "term") {
      term(in);
    } else if (kind == "recipients") {
      recipients(in);
    } else if (kind == "share") {
      share(in);
    } else if (kind == "sample") {
      Sample sample;
      sample.time = in.number<std::int64_t>();
      sample.host = in.text();
      sample.recipient = in.text();
      sample.reason = in.text();
      if (!in.done()) sample.signal = signal_in(in);
      subject().samples.push_back(std::move(sample));
    } else if (kind == "ending") {
      auto key = in.text();
      state.told_ends.emplace_back(std::move(key), instant(in.number<std::int64_t>()));
    } else if (kind == "history") {
      state.history.push_back(read_history_entry(in));
    } else if (kind == "pending") {
      PendingBlock pending;
      pending.list = in.text();
      pending.identity = in.text();
      pending.data = in.text();
      state.pending.push_back(std::move(pending));
    } else if (kind == "trials") {
      state.trials.since = instant(in.number<std::int64_t>());
      state.trials.left_out = in.number();
    } else if (kind == "trial") {
      auto line = in.text();
      state.trials.lines.push_back({std::move(line), in.text()});
    } else if (kind == "report") {
      state.report_told = instant(in.number<std::int64_t>());
    } else if (kind == "farm") {
      auto& farm = state.farm.emplace();
      farm.connected = in.number() != 0;
      farm.fault = in.text();
      farm.waiting = in.number();
      farm.dropped = in.number();
      farm.ahead = in.number();
      farm.late = in.number();
    } else if (kind == "word") {
      auto name = in.text();
      auto record = in.text();
      state.farm_words.push_back({std::move(name), std::move(record), in.number() != 0});
    } else if (kind == "notice") {
      state.outbox.push_back(decode_notice(in));
    } else if (kind == "action") {
      auto action = in.text();
      state.actions.push_back({std::move(action), decode_notice(in)});
    } else {
      throw Malformed(fmt::format("an unknown record \"{}\"", kind));
    }
    if (!in.done()) throw Malformed("a record is too long");
  }

 private:
  LogPosition& position() {
    if (state.positions.empty()) throw Malformed("a record without its log");
    return state.positions.back();
  }
  Counting::Subject& subject() {
    if (subject_ == nullptr) throw Malformed("a record without its subject");
    return *subject_;
  }
  static Signal signal_in(Fields& in) {
    const auto signal = in.number();
    if (signal > static_cast<std::uint64_t>(Signal::auth_failed))
      throw Malformed("an unknown signal");
    return static_cast<Signal>(signal);
  }
  void term(Fields& in) {
    Counting::Term term;
    term.list = in.number<std::size_t>();
    term.until = in.optional_time();
    term.times = in.number<std::uint32_t>();
    term.ended = instant(in.number<std::int64_t>());
    if (term.list >= state.layout.lists.size()) throw Malformed("a term of an unknown list");
    subject().terms.push_back(term);
  }
  void window(Fields& in) {
    times_.clear();
    for (std::int64_t last = 0; !in.done();) {
      const auto step = in.number<std::int64_t>();
      if (!times_.empty() && step < 0) throw Malformed("a window out of order");
      if (__builtin_add_overflow(last, step, &last)) throw Malformed("a window beyond all time");
      times_.push_back(last);
    }
    Window window;
    window.restore(times_, {});
    subject().windows.push_back(std::move(window));
  }
  void share(Fields& in) {
    constexpr std::size_t kMostRules = 64;
    const auto slot = in.number<std::size_t>();
    if (slot >= kMostRules) throw Malformed("a share of an unknown rule");
    std::vector<ShareWindow::Second> seconds;
    for (std::int64_t last = 0; !in.done();) {
      const auto step = in.number<std::int64_t>();
      if (!seconds.empty() && step <= 0) throw Malformed("a share out of order");
      if (__builtin_add_overflow(last, step, &last)) throw Malformed("a share beyond all time");
      auto& one = seconds.emplace_back(ShareWindow::Second{last});
      one.events = in.number<std::uint32_t>();
      one.accepted = in.number<std::uint32_t>();
    }
    auto& shares = subject().shares;
    if (shares.size() <= slot) shares.resize(slot + 1);
    shares[slot].restore(std::move(seconds));
  }
  void message(Fields& in) {
    auto key = in.text();
    Submissions::Message message;
    message.user = in.optional_text();
    message.host = in.optional_text();
    message.login = in.optional_text();
    message.authenticator = in.optional_text();
    message.sender = in.text();
    while (!in.done()) message.failed.push_back(in.number());
    if (!std::is_sorted(message.failed.begin(), message.failed.end())) {
      throw Malformed("failures out of order");
    }
    state.submissions.emplace_back(std::move(key), std::move(message));
  }
  void recipients(Fields& in) {
    std::vector<std::uint64_t> recipients;
    while (!in.done()) recipients.push_back(in.number());
    if (subject().windows.empty() || recipients.size() != times_.size())
      throw Malformed("recipients without their window");
    subject().windows.back().restore(times_, std::move(recipients));
  }

  Counting::Subject* subject_ = nullptr;
  std::vector<std::int64_t> times_;
};

}  // namespace

actions::Result<Checkpoint, std::string> decode_checkpoint(std::string_view text) {
  if (!text.starts_with("exiwarden-state ")) return std::string("it is no checkpoint");
  if (!text.starts_with(kStateHeader))
    return std::string("its version is not one this program knows");
  constexpr std::size_t kSumLine = kStateSum.size() + 64 + 1;
  if (text.size() < kStateHeader.size() + kSumLine) return std::string("it is cut off");
  const auto content = text.substr(0, text.size() - kSumLine);
  if (text.substr(content.size()) != fmt::format("{}{}\n", kStateSum, sha256_hex(content))) {
    return std::string("its checksum is wrong: it is damaged or cut off");
  }
  if (!content.ends_with('\n')) return std::string("its last line has no end");
  Decoder decoder;
  decoder.state.subjects.reserve(content.size() / kSubjectSize);
  try {
    auto rest = content.substr(kStateHeader.size());
    while (!rest.empty()) {
      const auto end = rest.find('\n');
      decoder.line(rest.substr(0, end));
      rest.remove_prefix(std::min(rest.size(), end + 1));
    }
  } catch (const Malformed& problem) {
    return fmt::format("{} in it", problem.what());
  }
  return std::move(decoder.state);
}

}  // namespace agent
