#include "parsers/entries/reader.h"

#include <algorithm>
#include <array>
#include <utility>

#include "parsers/entries/auth_failure.h"
#include "parsers/entries/failure.h"
#include "parsers/entries/prepared.h"
#include "parsers/fields/host_field.h"
#include "parsers/fields/prefix.h"
#include "parsers/scan/scan.h"
#include "parsers/scan/words.h"

namespace parsers {
namespace {

constexpr std::string_view kOverflow = "**** log string overflowed log buffer";
// Where a piece of an entry may begin: behind a tag, behind RFC 5424's structured data or its mark
// of UTF-8.
constexpr Word kSyslogPieces[] = {{"]: [", 0}, {" - [", 1}, {"] [", 0}, {"\xEF\xBB\xBF[", 2}};
// Less than this is no entry that filled Exim's buffer of 8192 bytes (macros.h LOG_BUFFER_SIZE).
constexpr std::size_t kFullEntry = 7900;
// Lines without a stamp come singly; after this many in a row a block's span counts as unknown.
constexpr int kStampTries = 16;
// The fixed words of the lines that matter, each with its rare bytes.
WordFinder words_of(bool syslog, const ReaderOptions& options) {
  WordFinder words{kRejectedRcpt, {kTaggedStart, 8}, {kOverflow, 0}};
  if (syslog) {
    for (const auto& piece : kSyslogPieces) words.add(piece);
  }
  if (options.auth_failed) words.add({kAuthFailure, 2});
  if (options.deferred || options.accused) words.add({" == ", 1});
  if (!options.submissions && !options.accepted) return words;
  words.add({" <= ", 1});
  words.add({" (= ", 1});
  if (!options.submissions) return words;
  words.add({" ** ", 1});
  words.add({" Completed", 1});
  return words;
}

std::string_view first_line(std::string_view block) {
  return block.substr(0, block.find('\n'));
}
std::string_view last_line(std::string_view block) {
  block.remove_suffix(1);
  return block.substr(block.rfind('\n') + 1);  // npos + 1 == 0
}

// How many addresses a list of them holds.
std::uint32_t count_of(std::string_view list) {
  std::uint32_t count = 0;
  bool quoted = false, inside = false;
  for (std::size_t i = 0; i < list.size(); ++i) {
    const bool blank = list[i] == ' ' && !quoted;
    if (!blank && !inside) ++count;
    inside = !blank;
    if (list[i] == '\\') {
      ++i;
    } else if (list[i] == '"') {
      quoted = !quoted;
    }
  }
  return count;
}

}  // namespace

std::string_view name_of(Kind kind) {
  constexpr std::array<std::string_view, kKinds> kNames{
      "rejected_rcpt", "temp_rejected", "policy_rejected", "tagged",      "warned",   "bounced",
      "accepted",      "deferred",      "accused",         "auth_failed", "ambiguous"};
  return kNames[static_cast<std::size_t>(kind)];
}

ReaderCounters& ReaderCounters::operator+=(const ReaderCounters& other) {
  lines += other.lines;
  bytes += other.bytes;
  for (std::size_t i = 0; i < events.size(); ++i) events[i] += other.events[i];
  for (std::size_t i = 0; i < unreadable.size(); ++i) unreadable[i] += other.unreadable[i];
  unknown_reasons += other.unknown_reasons;
  distrusted += other.distrusted;
  overflowed += other.overflowed;
  too_long += other.too_long;
  bad_tagged += other.bad_tagged;
  bad_arrivals += other.bad_arrivals;
  copies += other.copies;
  lost_pieces += other.lost_pieces;
  return *this;
}

LogReader::LogReader(ReaderOptions options)
    : options_(std::move(options)),
      reasons_(options_.reasons),
      copies_(options_.syslog_duplication) {}

void LogReader::start_file() {
  const auto options = options_;
  const auto counters = counters_;
  const bool junk_seen = junk_seen_;  // what Exim accepts does not change with the file
  *this = LogReader(options);
  counters_ = counters;
  junk_seen_ = junk_seen;
}

LogReader::State LogReader::state() const {
  return {offset_, line_, form_, junk_seen_, distrust_.state, copies_.state, pieces_.parts};
}

void LogReader::restore(const State& state) {
  start_file();
  offset_ = state.offset;
  line_ = state.line;
  form_ = state.form;
  junk_seen_ = state.junk_seen;
  distrust_.state = state.distrust;
  copies_.state = state.copies;
  pieces_.parts = state.pieces;
}

void LogReader::feed(std::span<const char> bytes, EventSink& sink) {
  lines_.feed(
      bytes, [&](std::string_view block) { on_block(block, sink); },
      [&](std::uint64_t length) {
        ++counters_.too_long;
        ++counters_.lines;
        counters_.bytes += length;
        ++line_;
        offset_ += length;
      });
}

void LogReader::settle_form(std::string_view block) {
  while (form_ == Form::unknown && !block.empty()) {
    auto line = first_line(block);
    block.remove_prefix(line.size() + 1);
    if (parse_prefix(line)) {
      form_ = Form::file;
    } else if (parse_syslog(line, options_.not_after)) {
      form_ = Form::syslog;
    }
  }
}

std::optional<Stamp> LogReader::stamp_of(std::string_view line) {
  if (form_ != Form::syslog) return stamps_.take_exim_stamp(line);
  const auto syslog = parse_syslog(line, options_.not_after);
  if (!syslog) return std::nullopt;
  const auto prefix = parse_syslog_message(syslog->stamp, syslog->message);
  return prefix ? std::optional(prefix->stamp) : std::nullopt;
}

std::optional<Stamp> LogReader::first_stamp(std::string_view block) {
  for (int lines = 0; !block.empty() && lines < kStampTries; ++lines) {
    const auto line = first_line(block);
    if (const auto stamp = stamp_of(line)) return stamp;
    block.remove_prefix(line.size() + 1);
  }
  return std::nullopt;
}

std::optional<Stamp> LogReader::last_stamp(std::string_view block) {
  for (int lines = 0; !block.empty() && lines < kStampTries; ++lines) {
    const auto line = last_line(block);
    if (const auto stamp = stamp_of(line)) return stamp;
    block.remove_suffix(line.size() + 1);
  }
  return std::nullopt;
}

void LogReader::on_block(std::string_view block, EventSink& sink) {
  settle_form(block);
  const auto first = first_stamp(block);
  const auto last = last_stamp(block);
  // Lines without a stamp (continuations) must not make it depend on where a block was cut.
  const bool every_stamp = !first || !last ||
                           sink.needs_every_stamp(std::min(first->civil, last->civil),
                                                  std::max(first->civil, last->civil));

  if (has_patterns()) {
    for (std::size_t begin = 0; begin < block.size();) {
      const auto end = line_end(block, begin);
      on_candidate(block.substr(begin, end - begin), every_stamp, sink);
      begin = end;
    }
  } else {
    const auto words = words_of(form_ == Form::syslog, options_);
    std::size_t done = 0;  // everything before is dealt with
    for (;;) {
      std::uint64_t lines = 0;
      const auto hit = words.next(block, done, lines);
      const auto begin = hit == WordFinder::kNone ? block.size() : line_begin(block, hit);
      between(block.substr(done, begin - done), lines, every_stamp, sink);
      if (hit == WordFinder::kNone) break;
      done = line_end(block, hit);
      on_candidate(block.substr(begin, done - begin), every_stamp, sink);
    }
  }
  counters_.bytes += block.size();
}

// Lines that hold none of the words.
void LogReader::between(std::string_view lines, std::uint64_t count, bool every_stamp,
                        EventSink& sink) {
  if (lines.empty()) return;
  if (form_ == Form::file) distrust_.pass_over(lines);
  line_ += count;
  counters_.lines += count;
  offset_ += lines.size();
  while (every_stamp && !lines.empty()) {
    const auto line = first_line(lines);
    lines.remove_prefix(line.size() + 1);
    if (line.size() >= kMaxLine) continue;
    if (const auto stamp = stamp_of(line)) sink.on_stamp(*stamp);
  }
}

// A line, with its LF, that holds one of them.
void LogReader::on_candidate(std::string_view line, bool every_stamp, EventSink& sink) {
  ++counters_.lines;
  if (line.size() > kMaxLine) {
    ++counters_.too_long;
  } else {
    if (every_stamp) {
      if (const auto stamp = stamp_of(line)) sink.on_stamp(*stamp);
    }
    on_line(line, sink);
  }
  ++line_;
  offset_ += line.size();
}

void LogReader::on_line(std::string_view whole_line, EventSink& sink) {
  const auto line = whole_line.substr(0, whole_line.size() - 1);
  Event event;
  event.line = line;
  event.number = line_ + 1;
  event.offset = offset_;

  if (form_ != Form::syslog) {
    const auto prefix = parse_prefix(line, stamps_);
    const bool distrusted = form_ == Form::file && distrust_.covers(whole_line, prefix);
    if (prefix) on_entry(*prefix, distrusted, event, sink);
    return;
  }
  const auto syslog = parse_syslog(line, options_.not_after);
  if (!syslog) return;
  std::string_view entry;
  const auto lost = pieces_.lost();
  const auto piece = pieces_.add(syslog->pid, syslog->message, entry);
  counters_.lost_pieces += pieces_.lost() - lost;
  if (piece == SyslogPieces::Result::held) return;
  const auto prefix = parse_syslog_message(syslog->stamp, entry);
  if (!prefix) return;
  // The copies of a rejection, or of a failed login, differ in nothing but the priority, which
  // files do not show.
  const bool twice =
      kFindRejectedRcpt.find(entry) != WordFinder::kNone ||
      (options_.auth_failed && prefix->payload.find(kAuthFailure) != prefix->payload.npos);
  if (twice && copies_.is_copy(syslog->pid, entry)) {
    ++counters_.copies;
    return;
  }
  on_entry(*prefix, false, event, sink);
}

void LogReader::on_entry(const Prefix& prefix, bool distrusted, Event& event, EventSink& sink) {
  event.stamp = prefix.stamp;
  const auto payload = prefix.payload;
  if (!prefix.message_id.empty()) {  // RCPT-time entries never have one
    event.message_id = prefix.message_id;
    if (options_.submissions || options_.accepted) on_message(prefix, distrusted, event, sink);
    if (has_patterns()) on_pattern(payload, distrusted, event, sink);
    return;
  }
  if (begins(payload, kTaggedStart)) {
    if (const auto tagged = parse_tagged(payload)) {
      on_tagged(*tagged, distrusted, event, sink);
    } else {
      ++counters_.bad_tagged;
    }
    return;
  }
  // Exim 4.96 and 4.97 replace the whole entry by the marker, later ones the tail of an entry that
  // fills the buffer; in a shorter one it is somebody's text.
  if (begins(payload, kOverflow) || (payload.size() >= kFullEntry && payload.ends_with("****") &&
                                     payload.find(kOverflow) != std::string_view::npos)) {
    ++counters_.overflowed;
    return;
  }
  if (options_.auth_failed && on_auth_failure(payload, distrusted, event, sink)) return;
  auto failed = Step::not_ours;
  if (on_rejection(prefix, distrusted, event, sink, failed)) return;
  if (has_patterns() && on_pattern(payload, distrusted, event, sink)) return;
  if (failed != Step::not_ours) ++counters_.unreadable[static_cast<std::size_t>(failed)];
}

bool LogReader::on_rejection(const Prefix& prefix, bool distrusted, Event& event, EventSink& sink,
                             Step& failed) {
  const auto payload = prefix.payload;
  if (!begins(payload, "H=") && !begins(payload, " DSH=") && !begins(payload, "U=")) {
    return false;  // the words stand in another kind of entry
  }
  const auto has_verb = [&] { return kFindRejectedRcpt.find(payload) != WordFinder::kNone; };
  if (!junk_seen_ && !distrusted && is_junk_helo(payload) && has_verb()) junk_seen_ = true;
  const auto scan = scan_rejection(payload, junk_helo(), form_ == Form::syslog);
  if (!scan.rejection) {
    if (has_verb()) failed = scan.failed;
    return false;
  }
  const auto& rejection = *scan.rejection;
  // exim -bs on the machine itself, without AUTH: neither a user nor a host to charge.
  if (!rejection.host && !rejection.authenticator) return true;
  if (distrusted) ++counters_.distrusted;
  if (distrusted || scan.doubt != Doubt::none) {
    event.kind = Kind::ambiguous;
    if (!distrusted && scan.doubt != Doubt::helo) event.host = rejection.host;
    emit(event, sink);
    return true;
  }
  event.user = rejection.id;
  event.host = rejection.host;
  event.authenticator = rejection.authenticator;
  event.sender = rejection.sender;
  event.recipient = without_brackets(rejection.argument);
  if (!rejection.text.empty()) event.reason = rejection.text;
  if (rejection.temporary) {
    event.kind = Kind::temp_rejected;
  } else {
    if (!rejection.text.empty()) {
      event.reason_class = reasons_.of(rejection.text, rejection.argument, rejection.sender);
      if (event.reason_class == Reason::unknown) ++counters_.unknown_reasons;
    }
    event.kind =
        event.reason_class == Reason::missing ? Kind::rejected_rcpt : Kind::policy_rejected;
  }
  emit(event, sink);
  return true;
}

bool LogReader::on_pattern(std::string_view payload, bool distrusted, Event& event,
                           EventSink& sink) {
  const auto match = options_.patterns->match(payload);
  if (!match) return false;
  const bool wrong_host = match->host && !is_ip_address(*match->host);
  if (distrusted) ++counters_.distrusted;
  if (distrusted || wrong_host) {
    event.kind = Kind::ambiguous;
    emit(event, sink);
    return true;
  }
  event.kind = Kind::warned;
  event.user = match->user;
  event.host = match->host;
  event.recipient = match->recipient;
  event.reason = match->reason;
  emit(event, sink);
  return true;
}

void LogReader::on_tagged(const Tagged& tagged, bool distrusted, Event& event, EventSink& sink) {
  if (distrusted) {
    ++counters_.distrusted;
    event.kind = Kind::ambiguous;
    return emit(event, sink);
  }
  event.kind = Kind::tagged;
  set_tagged(tagged, event);
  emit(event, sink);
}

void LogReader::emit(const Event& event, EventSink& sink) {
  ++counters_.events[static_cast<std::size_t>(event.kind)];
  sink.on_event(event);
}

void set_tagged(const Tagged& tagged, Event& event) {
  event.tagged = &tagged;
  event.authenticator = tagged.authenticator;
  if (tagged.id) event.user = *tagged.id;
  event.host = tagged.host;
  event.recipient = tagged.recipient;
}

void LogReader::feed(std::span<const char> bytes, PreparedBlock& prepared, EventSink& sink) {
  if (!prepared.usable()) return feed(bytes, sink);
  feed(bytes.first(prepared.begin_), sink);
  if (!can_take(prepared)) return feed(bytes.subspan(prepared.begin_), sink);
  take(prepared, sink);
  feed(bytes.subspan(prepared.end_), sink);
}

void LogReader::prepare(std::string_view block, bool junk_seen, EventSink& sink,
                        PreparedBlock& prepared) {
  offset_ = 0;
  line_ = 0;
  form_ = Form::file;
  junk_seen_ = junk_seen;
  distrust_.state = {};
  counters_ = {};
  on_block(block, sink);
  prepared.junk_before_ = junk_seen;
  prepared.junk_after_ = junk_seen_;
  prepared.distrust_after_ = distrust_.state;
  prepared.counters_ = counters_;
}

bool LogReader::can_take(const PreparedBlock& prepared) const {
  return form_ == Form::file && distrust_.state == Distrust::State{} && lines_.pending() == 0 &&
         (options_.junk_helo || junk_seen_ == prepared.junk_before_);
}

void LogReader::take(PreparedBlock& prepared, EventSink& sink) {
  auto event = prepared.events_.begin();
  auto arrival = prepared.arrivals_.begin();
  auto completed = prepared.completed_.begin();
  for (const auto item : prepared.items_) {
    switch (item) {
      case PreparedBlock::Item::event:
        event->number += line_;
        event->offset += offset_;
        sink.on_event(*event++);
        break;
      case PreparedBlock::Item::arrival:
        sink.on_arrival(arrival->message_id, arrival->stamp, arrival->arrival);
        ++arrival;
        break;
      case PreparedBlock::Item::completed:
        sink.on_completed(*completed++);
        break;
    }
  }
  counters_ += prepared.counters_;
  line_ += prepared.counters_.lines;
  offset_ += prepared.end_ - prepared.begin_;
  junk_seen_ = junk_seen_ || prepared.junk_after_;
  distrust_.state = prepared.distrust_after_;
  prepared.usable_ = false;
}

// --- messages, and failed logins

void LogReader::on_message(const Prefix& prefix, bool distrusted, Event& event, EventSink& sink) {
  const auto payload = prefix.payload;
  if (begins(payload, "Completed")) {
    if (!distrusted && options_.submissions) sink.on_completed(prefix.message_id);
    return;
  }
  Failure failure;
  if (options_.submissions && scan_failure(payload, failure))
    return on_failure(failure, distrusted, event, sink);
  if ((options_.deferred || options_.accused) && scan_deferral(payload, failure))
    return on_deferral(failure, distrusted, event, sink);
  Arrival arrival;
  const auto scan = scan_arrival(payload, junk_helo(), arrival);
  if (scan == ArrivalScan::not_an_arrival) return;
  if (distrusted || scan != ArrivalScan::read) {
    ++counters_.bad_arrivals;
    return;
  }
  if (options_.accepted) on_accepted(arrival, event, sink);
  if (options_.submissions) sink.on_arrival(prefix.message_id, prefix.stamp, arrival);
}

void LogReader::on_failure(const Failure& failure, bool distrusted, Event& event, EventSink& sink) {
  if (failure.reason.empty()) return;
  const auto reason = reasons_.of(failure.reason, failure.recipient);
  if (reason == Reason::unknown) ++counters_.unknown_reasons;
  const bool missing = reason == Reason::missing;
  if (!missing && !accuses(failure)) return;
  if (distrusted) ++counters_.distrusted;
  event.kind = distrusted ? Kind::ambiguous : missing ? Kind::bounced : Kind::accused;
  if (!distrusted) {
    event.recipient = failure.recipient;
    event.reason = failure.reason;
    event.reason_class = missing ? reason : Reason::spam;
  }
  emit(event, sink);
}

// It may be both at once: put off, and called spam.
void LogReader::on_deferral(const Failure& failure, bool distrusted, Event& event,
                            EventSink& sink) {
  const bool accused = accuses(failure);
  if (!accused && !options_.deferred) return;
  if (distrusted) {
    ++counters_.distrusted;
    event.kind = Kind::ambiguous;
    return emit(event, sink);
  }
  event.recipient = failure.recipient;
  if (!failure.reason.empty()) event.reason = failure.reason;
  if (options_.deferred) {
    event.kind = Kind::deferred;
    emit(event, sink);
  }
  if (!accused) return;
  event.kind = Kind::accused;
  event.reason_class = Reason::spam;
  emit(event, sink);
}

bool LogReader::accuses(const Failure& failure) {
  return options_.accused && is_remote_answer(failure.reason) &&
         reasons_.calls_spam(failure.reason, failure.recipient);
}

void LogReader::on_accepted(const Arrival& arrival, Event& event, EventSink& sink) {
  event.kind = Kind::accepted;
  event.user = arrival.id;
  // The authenticator sets no id; as in a refusal.
  if (arrival.authenticator && !arrival.id) event.user = std::string_view();
  event.host = arrival.host;
  event.login = arrival.login;
  event.authenticator = arrival.authenticator;
  event.sender = arrival.sender;
  event.reference = arrival.reference;
  event.recipient_list = recipients_of(arrival);
  if (!event.recipient_list.empty()) event.recipients = count_of(event.recipient_list);
  emit(event, sink);
}

bool LogReader::on_auth_failure(std::string_view payload, bool distrusted, Event& event,
                                EventSink& sink) {
  AuthFailure failure;
  const auto scan = scan_auth_failure(payload, junk_helo(), failure);
  if (scan == AuthFailureScan::not_one) return false;
  if (distrusted) ++counters_.distrusted;
  if (distrusted || scan == AuthFailureScan::ambiguous) {
    event.kind = Kind::ambiguous;
    emit(event, sink);
    return true;
  }
  event.kind = Kind::auth_failed;
  event.host = failure.host;
  event.authenticator = failure.authenticator;
  event.set_id = failure.set_id;
  event.reason = failure.reason;
  emit(event, sink);
  return true;
}

}  // namespace parsers
