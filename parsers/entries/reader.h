// READ FIRST in parsers/: the reader of one log, which turns bytes in any chunking into events, in
// file order. It searches whole blocks for the fixed words of the lines it knows, parses the line
// around each hit by a strict scan, and passes over the rest. No clock, no files, no globals: the
// same bytes give the same events.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "parsers/entries/arrival.h"
#include "parsers/entries/distrust.h"
#include "parsers/entries/event.h"
#include "parsers/entries/failure.h"
#include "parsers/entries/patterns.h"
#include "parsers/entries/rejection.h"
#include "parsers/entries/tagged.h"
#include "parsers/fields/lines.h"
#include "parsers/fields/syslog.h"
#include "parsers/reasons/reasons.h"

namespace parsers {

class PreparedBlock;

class EventSink {
 public:
  virtual ~EventSink() = default;
  virtual void on_event(const Event& event) = 0;
  // Returns true if lines between these two wall-clock times may settle what a timestamp means (a
  // repeated hour). Then on_stamp is called for every line of the block, in order.
  virtual bool needs_every_stamp(CivilSeconds first, CivilSeconds last) {
    (void)first, (void)last;
    return false;
  }
  virtual void on_stamp(const Stamp& stamp) { (void)stamp; }
  // Called with ReaderOptions::submissions only: a message has arrived, and (on_completed) it is
  // finished. Views die with the call.
  virtual void on_arrival(std::string_view message_id, const Stamp& stamp, const Arrival& arrival) {
    (void)message_id, (void)stamp, (void)arrival;
  }
  virtual void on_completed(std::string_view message_id) { (void)message_id; }
};

struct ReaderOptions {
  std::shared_ptr<const Reasons> reasons;
  std::shared_ptr<const Patterns> patterns;  // may be null; with them every line is looked at
  bool submissions = false;                  // arrivals, failed deliveries and completions too
  // Events of these kinds too; deferred and accused are about messages of `submissions`.
  bool accepted = false, deferred = false, accused = false, auth_failed = false;
  std::optional<bool> junk_helo;           // helo_accept_junk_hosts; nullopt: what the log shows
  std::optional<bool> syslog_duplication;  // Exim's option; nullopt: what the log shows
  // The newest plausible timestamp, for syslog timestamps without a year.
  CivilSeconds not_after = 253402300799;
};

// Counts of what the reader saw and passed over; nothing is skipped without being counted here.
struct ReaderCounters {
  std::uint64_t lines = 0;
  std::uint64_t bytes = 0;
  std::array<std::uint64_t, kKinds> events{};  // by Kind
  // Lines that begin as a refused RCPT does and hold its words, but fail the scan, by Step.
  std::array<std::uint64_t, kSteps> unreadable{};
  std::uint64_t unknown_reasons = 0;  // refusals and failures whose text no pattern knows
  std::uint64_t distrusted = 0;       // evidence inside an unfinished arrival entry
  std::uint64_t overflowed = 0;       // "log string overflowed log buffer": evidence may be hidden
  std::uint64_t too_long = 0;         // lines over kMaxLine
  std::uint64_t bad_tagged = 0;       // begin as our ACL's line, but are malformed
  std::uint64_t bad_arrivals = 0;     // arrival entries whose submitter is not certain
  std::uint64_t copies = 0;           // second copies of rejections in syslog files
  std::uint64_t lost_pieces = 0;      // pieces of syslog entries whose others are missing

  ReaderCounters& operator+=(const ReaderCounters& other);
};

class LogReader {
 public:
  enum class Form : std::uint8_t { unknown, file, syslog };

  // The state that the meaning of the next byte depends on; a value, for the checkpoint.
  struct State {
    std::uint64_t offset = 0;  // of the first byte not yet part of a whole line
    std::uint64_t line = 0;    // whole lines so far
    Form form = Form::unknown;
    bool junk_seen = false;  // a HELO that only helo_accept_junk_hosts lets pass
    Distrust::State distrust;
    SyslogCopies::State copies;
    std::map<std::string, SyslogPieces::Part, std::less<>> pieces;
  };

  explicit LogReader(ReaderOptions options);

  void feed(std::span<const char> bytes, EventSink& sink);
  // The same with the block prepared from these bytes (prepared.h), which is used up.
  void feed(std::span<const char> bytes, PreparedBlock& prepared, EventSink& sink);
  // Begins another file: offset and line start again, and so does all that depends on neighbouring
  // lines.
  void start_file();

  [[nodiscard]] State state() const;
  void restore(const State& state);
  [[nodiscard]] std::uint64_t offset() const { return offset_; }  // end of the last whole line
  [[nodiscard]] std::uint64_t line() const { return line_; }
  // Bytes held back because their line has no LF yet.
  [[nodiscard]] std::uint64_t pending() const { return lines_.pending(); }
  [[nodiscard]] const ReaderCounters& counters() const { return counters_; }
  [[nodiscard]] Form form() const { return form_; }
  [[nodiscard]] bool junk_seen() const { return junk_seen_; }

 private:
  friend class BlockPreparer;
  // Prepares whole lines of a file as if no line came before them.
  void prepare(std::string_view block, bool junk_seen, EventSink& sink, PreparedBlock& prepared);
  [[nodiscard]] bool can_take(const PreparedBlock& prepared) const;
  void take(PreparedBlock& prepared, EventSink& sink);
  void on_block(std::string_view block, EventSink& sink);
  void between(std::string_view lines, std::uint64_t count, bool every_stamp, EventSink& sink);
  void on_candidate(std::string_view line, bool every_stamp, EventSink& sink);
  void on_line(std::string_view whole_line, EventSink& sink);
  void on_entry(const Prefix& prefix, bool distrusted, Event& event, EventSink& sink);
  // Returns false if the entry is not about a refused RCPT, or fails the scan at `failed`.
  bool on_rejection(const Prefix& prefix, bool distrusted, Event& event, EventSink& sink,
                    Step& failed);
  bool on_pattern(std::string_view payload, bool distrusted, Event& event, EventSink& sink);
  void on_message(const Prefix& prefix, bool distrusted, Event& event, EventSink& sink);
  void on_failure(const Failure& failure, bool distrusted, Event& event, EventSink& sink);
  void on_deferral(const Failure& failure, bool distrusted, Event& event, EventSink& sink);
  bool accuses(const Failure& failure);
  void on_accepted(const Arrival& arrival, Event& event, EventSink& sink);
  bool on_auth_failure(std::string_view payload, bool distrusted, Event& event, EventSink& sink);
  void on_tagged(const Tagged& tagged, bool distrusted, Event& event, EventSink& sink);
  void emit(const Event& event, EventSink& sink);
  void settle_form(std::string_view block);
  [[nodiscard]] bool has_patterns() const {
    return options_.patterns && !options_.patterns->empty();
  }
  [[nodiscard]] bool junk_helo() const { return options_.junk_helo.value_or(junk_seen_); }
  [[nodiscard]] std::optional<Stamp> stamp_of(std::string_view line);
  [[nodiscard]] std::optional<Stamp> first_stamp(std::string_view block);
  [[nodiscard]] std::optional<Stamp> last_stamp(std::string_view block);

  ReaderOptions options_;
  ReasonMemory reasons_;
  WholeLines lines_;
  StampMemory stamps_;
  Distrust distrust_;
  SyslogPieces pieces_;
  SyslogCopies copies_;
  ReaderCounters counters_;
  std::uint64_t offset_ = 0;
  std::uint64_t line_ = 0;
  Form form_ = Form::unknown;
  bool junk_seen_ = false;
};

// Sets the fields of an event that a tagged line gives; `tagged` must live as long as the event.
void set_tagged(const Tagged& tagged, Event& event);

}  // namespace parsers
