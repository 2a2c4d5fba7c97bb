// READ FIRST. Pipeline: the one way from bytes to decisions; run, replay and tune all drive it:
//   bytes -> lines -> events (parsers/entries/reader.h) -> who is charged (attribution.h)
//         -> windows (counting.h) -> decisions (decision.h)
// Pure: no I/O, no clock, no globals. The same bytes give the same decisions, however they are cut.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "agent/core/attribution.h"
#include "agent/core/config.h"
#include "agent/core/counting.h"
#include "agent/core/decision.h"
#include "agent/core/exemption_uses.h"
#include "agent/core/refusals.h"
#include "agent/core/submissions.h"
#include "agent/core/tag_check.h"
#include "agent/values/zone.h"
#include "parsers/entries/prepared.h"
#include "parsers/entries/reader.h"

namespace agent {

// Signalled: one event with all that the pipeline has found out about it; its views die with the
// call.
struct Signalled {
  const parsers::Event& event;
  Instant time;
  Charge charge;
  const std::string& file;
};

struct PipelineOptions {
  std::shared_ptr<const parsers::Reasons> reasons;
  std::shared_ptr<const parsers::Patterns> patterns;  // null: none
  std::string tag_secret;                             // empty: tagged lines need no tag
  bool submissions = false;  // join failed deliveries, also if no rule listens to them
  // log.junk_helo as Exim itself says, where the configuration leaves it to Exim; nullopt: as the
  // log shows.
  std::optional<bool> junk_helo;
  Zone zone = Zone::utc();
  std::vector<IpAddress> own;                      // addresses of this machine
  std::shared_ptr<const IdentityTables> tables;    // null: what the config holds of them
  parsers::CivilSeconds not_after = 253402300799;  // for syslog stamps without a year
};

class Pipeline {
 public:
  using OnDecision = std::function<void(Decision&&)>;
  using OnEnd = std::function<void(const Counting::End&)>;
  using OnSignal = std::function<void(const Signalled&)>;
  // Called for every message that came in, if submissions are read.
  using OnArrival =
      std::function<void(Instant time, const std::string& file, std::string_view message_id,
                         const parsers::Arrival& arrival)>;
  // Called in place of counting (tune has windows of its own). `selected`: false for an event that
  // fills windows, but whose decisions are not asked for.
  using OnOccurrence = std::function<void(const Occurrence&, bool selected)>;
  // Which events and decisions the callbacks are told of (replay's filters); by default all. Every
  // event counts: what is decided does not depend on what is asked for.
  struct Selects {
    std::function<bool(const Signalled&)> event;
    std::function<bool(const Decision&)> decision;
  };

  Pipeline(const Config& config, PipelineOptions options);
  ~Pipeline();
  Pipeline(const Pipeline&) = delete;
  Pipeline& operator=(const Pipeline&) = delete;

  // Adds a log, whose bytes are fed in file order. Returns its number.
  std::size_t add_log(std::string name);
  void remove_log(std::size_t log);
  // Continues the log in another file, or in the same one from its beginning.
  void start_file(std::size_t log, std::string name);
  void feed(std::size_t log, std::span<const char> bytes);
  // Does the same with what one of prepares() has prepared of these bytes, on whatever thread; each
  // thread needs one of its own. They must not be used once the log is gone.
  using Prepare = std::function<void(std::span<const char>, parsers::PreparedBlock&)>;
  void feed(std::size_t log, std::span<const char> bytes, parsers::PreparedBlock& prepared);
  [[nodiscard]] std::function<Prepare()> prepares(std::size_t log) const;
  // Says that the log is read for the first time at this moment: its older lines fill windows, but
  // only events younger than one period may decide.
  void set_first_start(std::size_t log, std::optional<Instant> time);
  // Takes other tables: the files of exempt and identity_map have changed.
  void set_tables(const Config& config, std::shared_ptr<const IdentityTables> tables);
  // Says that events of this log up to this time have counted already; nullopt: none has.
  void set_counted_until(std::size_t log, std::optional<Instant> time);
  [[nodiscard]] std::optional<Instant> counted_until(std::size_t log) const;
  // Takes another configuration in the midst of reading. What was counted is kept where it still
  // has a rule. Logs continue after their last whole line; the bytes after it must be fed again.
  void reconfigure(const Config& config, PipelineOptions options);

  void on_decision(OnDecision callback) { on_decision_ = std::move(callback); }
  // An identity came near a limit (rule.watch).
  void on_watch(OnDecision callback) { on_watch_ = std::move(callback); }
  // A block has ended by log time; comes before a decision by the same event.
  void on_end(OnEnd callback) { on_end_ = std::move(callback); }
  void on_signal(OnSignal callback) { on_signal_ = std::move(callback); }
  void on_arrival(OnArrival callback) { on_arrival_ = std::move(callback); }
  void divert(OnOccurrence callback) { divert_ = std::move(callback); }
  void select(Selects selects) { selects_ = std::move(selects); }

  Counting& counting() { return counting_; }
  [[nodiscard]] const Counting& counting() const { return counting_; }
  [[nodiscard]] const PipelineOptions& options() const { return options_; }
  [[nodiscard]] const ExemptionUses& exemption_uses() const { return exemption_uses_; }
  Submissions& submissions() { return submissions_; }
  [[nodiscard]] const Submissions& submissions() const { return submissions_; }
  TagCheck& tags() { return tags_; }
  Refusals& refusals() { return refusals_; }
  parsers::LogReader& reader(std::size_t log);
  StampClock& clock(std::size_t log);
  // Returns the time of the last event in the log that is furthest ahead; nullopt: no log had one.
  [[nodiscard]] std::optional<Instant> shown() const;
  // Returns the counters of all logs, those of removed logs too.
  [[nodiscard]] parsers::ReaderCounters counters() const;
  [[nodiscard]] const std::array<std::uint64_t, kCharged>& charged() const { return charged_; }
  // Returns how many tagged lines there were, by the verdict on their tag.
  [[nodiscard]] const std::array<std::uint64_t, TagCheck::kVerdicts>& tagged() const {
    return tagged_;
  }

 private:
  class Log;
  void on_event(Log& log, const parsers::Event& event);
  void tell_ends();
  void charge(Log& log, const parsers::Event& event, Instant time);
  // Remembers the sender that submitted a message, if it could be charged for its failures.
  void remember(std::string_view message_id, const parsers::Arrival& arrival);
  // Fills in the sender of the message that failed. Returns false if it is not known, or was
  // charged for this recipient already.
  bool join(parsers::Event& event);

  PipelineOptions options_;
  parsers::ReaderOptions reader_options_;
  Attribution attribution_;
  Counting counting_;
  Submissions submissions_;
  TagCheck tags_;
  Refusals refusals_;
  ExemptionUses exemption_uses_;
  std::vector<std::unique_ptr<Log>> logs_;  // null: removed, the number is free
  OnDecision on_decision_, on_watch_;
  Counting::OnDecision decided_, watched_;  // what counting is given of them
  OnEnd on_end_;
  OnSignal on_signal_;
  OnArrival on_arrival_;
  OnOccurrence divert_;
  Selects selects_;
  std::array<std::uint64_t, kCharged> charged_{};  // events by Charged
  std::array<std::uint64_t, TagCheck::kVerdicts> tagged_{};
  parsers::ReaderCounters removed_;  // what removed logs had counted
};

// Returns the signal that an event is; nullopt: no rule can ask for it.
[[nodiscard]] std::optional<Signal> signal_of(parsers::Kind kind);

}  // namespace agent
