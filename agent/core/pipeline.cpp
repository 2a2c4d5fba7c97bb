#include "agent/core/pipeline.h"

#include <algorithm>
#include <atomic>
#include <utility>

namespace agent {
namespace {

std::optional<bool> as_optional(Tristate value) {
  if (value == Tristate::automatic) return std::nullopt;
  return value == Tristate::yes;
}

parsers::ReaderOptions reader_options(const Config& config, const PipelineOptions& options) {
  parsers::ReaderOptions reader;
  reader.reasons = options.reasons;
  reader.patterns = options.patterns;
  reader.accepted = reads_accepted(config);
  reader.deferred = listens_to(config, Signal::deferred);
  reader.accused = listens_to(config, Signal::accused);
  reader.auth_failed = listens_to(config, Signal::auth_failed);
  reader.submissions = options.submissions || reader.deferred || reader.accused ||
                       listens_to(config, Signal::bounced);
  reader.junk_helo = as_optional(config.log.junk_helo);
  if (!reader.junk_helo) reader.junk_helo = options.junk_helo;
  reader.syslog_duplication = as_optional(config.log.syslog_duplication);
  reader.not_after = options.not_after;
  return reader;
}

}  // namespace

// One log: its place, its stamps, and where its events go.
class Pipeline::Log : public parsers::EventSink {
 public:
  Log(Pipeline& pipeline, std::string file_name)
      : pipeline_(pipeline),
        name(std::move(file_name)),
        reader(pipeline.reader_options_),
        clock(pipeline.options_.zone) {}

  void on_event(const parsers::Event& event) override { pipeline_.on_event(*this, event); }
  bool needs_every_stamp(parsers::CivilSeconds first, parsers::CivilSeconds last) override {
    return clock.repeats_between(first, last);
  }
  void on_stamp(const parsers::Stamp& stamp) override { clock.resolve(stamp); }
  void on_arrival(std::string_view message_id, const parsers::Stamp& stamp,
                  const parsers::Arrival& arrival) override {
    pipeline_.remember(message_id, arrival);
    if (pipeline_.on_arrival_)
      pipeline_.on_arrival_(clock.resolve(stamp), name, message_id, arrival);
  }
  void on_completed(std::string_view message_id) override {
    pipeline_.submissions_.completed(message_id);
  }

 private:
  Pipeline& pipeline_;

 public:
  std::string name;
  parsers::LogReader reader;
  StampClock clock;
  std::optional<Instant> first_start, counted_until;
  std::optional<Instant> shown;  // the time of the last event
  // What those who prepare its blocks should know of it by now, or their work is for nothing.
  struct Hint {
    std::atomic<bool> junk_seen{false};
    std::atomic<bool> in_vain{false};
  };
  std::shared_ptr<Hint> hint = std::make_shared<Hint>();
};

namespace {

// Bounces and other mail without a sender, unless somebody has authenticated.
bool is_nobodys(const parsers::Event& event) {
  return event.kind == parsers::Kind::accepted && !(event.user && !event.user->empty()) &&
         (event.sender.value_or("").empty() || !event.reference.empty());
}

}  // namespace

std::optional<Signal> signal_of(parsers::Kind kind) {
  constexpr std::optional<Signal> kSignals[parsers::kKinds] = {
      Signal::rejected_rcpt, std::nullopt,        std::nullopt,     Signal::tagged,
      Signal::warned,        Signal::bounced,     Signal::accepted, Signal::deferred,
      Signal::accused,       Signal::auth_failed, std::nullopt};  // in the order of Kind
  static_assert(static_cast<int>(parsers::Kind::rejected_rcpt) == 0 &&
                static_cast<int>(parsers::Kind::tagged) == 3 &&
                static_cast<int>(parsers::Kind::warned) == 4 &&
                static_cast<int>(parsers::Kind::bounced) == 5 &&
                static_cast<int>(parsers::Kind::accepted) == 6 &&
                static_cast<int>(parsers::Kind::ambiguous) == 10);
  return kSignals[static_cast<std::size_t>(kind)];
}

Pipeline::Pipeline(const Config& config, PipelineOptions options)
    : options_(std::move(options)),
      reader_options_(reader_options(config, options_)),
      attribution_(config, options_.own, options_.tables),
      counting_(config),
      tags_(options_.tag_secret) {
  decided_ = [this](Decision&& decision) {
    tell_ends();
    if (!on_decision_ || (selects_.decision && !selects_.decision(decision))) return;
    on_decision_(std::move(decision));
  };
  watched_ = [this](Decision&& decision) {
    if (on_watch_) on_watch_(std::move(decision));
  };
}

Pipeline::~Pipeline() = default;

std::size_t Pipeline::add_log(std::string name) {
  auto log = std::make_unique<Log>(*this, std::move(name));
  const auto free = std::find(logs_.begin(), logs_.end(), nullptr);
  if (free != logs_.end()) {
    *free = std::move(log);
    return static_cast<std::size_t>(free - logs_.begin());
  }
  logs_.push_back(std::move(log));
  return logs_.size() - 1;
}

void Pipeline::remove_log(std::size_t log) {
  removed_ += logs_[log]->reader.counters();
  logs_[log].reset();
}

parsers::ReaderCounters Pipeline::counters() const {
  auto sum = removed_;
  for (const auto& log : logs_) {
    if (log) sum += log->reader.counters();
  }
  return sum;
}

void Pipeline::start_file(std::size_t log, std::string name) {
  logs_[log]->name = std::move(name);
  logs_[log]->counted_until.reset();
  logs_[log]->reader.start_file();
}

void Pipeline::feed(std::size_t log, std::span<const char> bytes) {
  logs_[log]->reader.feed(bytes, *logs_[log]);
}

void Pipeline::feed(std::size_t log, std::span<const char> bytes,
                    parsers::PreparedBlock& prepared) {
  auto& reader = logs_[log]->reader;
  reader.feed(bytes, prepared, *logs_[log]);
  logs_[log]->hint->junk_seen = reader.junk_seen();
  logs_[log]->hint->in_vain = reader.form() == parsers::LogReader::Form::syslog;
}

std::function<Pipeline::Prepare()> Pipeline::prepares(std::size_t log) const {
  // Where every line must be looked at in its turn there is nothing to prepare.
  if (reader_options_.patterns && !reader_options_.patterns->empty()) return {};
  return [hint = logs_[log]->hint, options = reader_options_, zone = options_.zone] {
    const auto clock = std::make_shared<StampClock>(zone);
    const auto preparer = std::make_shared<parsers::BlockPreparer>(
        options, [clock](parsers::CivilSeconds first, parsers::CivilSeconds last) {
          return clock->repeats_between(first, last);
        });
    return [hint, preparer](std::span<const char> bytes, parsers::PreparedBlock& block) {
      block.discard();
      if (!hint->in_vain) preparer->prepare(bytes, hint->junk_seen, block);
    };
  };
}

void Pipeline::set_first_start(std::size_t log, std::optional<Instant> time) {
  logs_[log]->first_start = time;
}

void Pipeline::set_tables(const Config& config, std::shared_ptr<const IdentityTables> tables) {
  options_.tables = std::move(tables);
  attribution_ = Attribution(config, options_.own, options_.tables);
  if (options_.tables) exemption_uses_.keep(*options_.tables);
}

void Pipeline::set_counted_until(std::size_t log, std::optional<Instant> time) {
  logs_[log]->counted_until = time;
}
std::optional<Instant> Pipeline::counted_until(std::size_t log) const {
  return logs_[log]->counted_until;
}

void Pipeline::reconfigure(const Config& config, PipelineOptions options) {
  options_ = std::move(options);
  reader_options_ = reader_options(config, options_);
  attribution_ = Attribution(config, options_.own, options_.tables);
  Counting counting(config);
  counting.restore(counting_.take_subjects(), counting_.layout(), counting_.newest());
  counting_ = std::move(counting);
  auto tags = TagCheck(options_.tag_secret);
  tags.restore(tags_.seen());
  tags_ = std::move(tags);
  for (auto& log : logs_) {
    if (!log) continue;
    const auto state = log->reader.state();
    const auto newest = log->clock.newest();
    removed_ += log->reader.counters();
    log->reader = parsers::LogReader(reader_options_);
    log->reader.restore(state);
    log->clock = StampClock(options_.zone);
    log->clock.restore(newest);
  }
}

parsers::LogReader& Pipeline::reader(std::size_t log) {
  return logs_[log]->reader;
}
StampClock& Pipeline::clock(std::size_t log) {
  return logs_[log]->clock;
}

std::optional<Instant> Pipeline::shown() const {
  std::optional<Instant> shown;
  for (const auto& log : logs_) {
    if (log) shown = std::max(shown, log->shown);
  }
  return shown;
}

void Pipeline::remember(std::string_view message_id, const parsers::Arrival& arrival) {
  // Most mail of a server comes from outside: its failures are nobody's fault that we know.
  if (identity_of(attribution_.charge(arrival).verdict)) submissions_.arrived(message_id, arrival);
}

bool Pipeline::join(parsers::Event& event) {
  // What a recipient was put off or called spam for once counts once, however often it is tried.
  std::string once(event.recipient.value_or(""));
  if (event.kind != parsers::Kind::bounced)
    once.insert(0, std::string(parsers::name_of(event.kind)) + '\n');
  const auto* message = submissions_.failed(*event.message_id, once);
  if (message == nullptr) return false;
  if (event.kind == parsers::Kind::bounced &&
      parsers::is_about_sender(event.reason.value_or(""), event.recipient.value_or(""),
                               message->sender)) {
    return false;
  }
  event.user = message->user;
  event.host = message->host;
  event.login = message->login;
  event.authenticator = message->authenticator;
  event.sender = message->sender;
  return true;
}

void Pipeline::on_event(Log& log, const parsers::Event& event) {
  const auto time = log.clock.resolve(event.stamp);
  if (log.counted_until && time <= *log.counted_until) return;
  log.shown = time;
  if (event.kind == parsers::Kind::bounced || event.kind == parsers::Kind::deferred ||
      event.kind == parsers::Kind::accused) {
    auto joined = event;
    if (join(joined)) charge(log, joined, time);
    return;
  }
  if (event.tagged == nullptr) {
    if (!refusals_.repeats_other(event)) return charge(log, event, time);
    auto repeated = event;
    repeated.kind = parsers::Kind::policy_rejected;
    repeated.reason_class = parsers::Reason::other;
    return charge(log, repeated, time);
  }
  const auto verdict = tags_.check(*event.tagged, time);
  ++tagged_[static_cast<std::size_t>(verdict)];
  if (verdict == TagCheck::Verdict::good) return charge(log, event, time);
  parsers::Event refused;
  refused.kind = parsers::Kind::ambiguous;
  refused.stamp = event.stamp;
  refused.line = event.line;
  refused.number = event.number;
  refused.offset = event.offset;
  charge(log, refused, time);
}

void Pipeline::tell_ends() {
  for (const auto& block : counting_.take_ended()) {
    if (on_end_) on_end_(block);
  }
}

void Pipeline::charge(Log& log, const parsers::Event& event, Instant time) {
  const Signalled signalled{event, time, is_nobodys(event) ? Charge{} : attribution_.charge(event),
                            log.name};
  const bool selected = !selects_.event || selects_.event(signalled);
  if (selected) ++charged_[static_cast<std::size_t>(signalled.charge.verdict)];
  if (selected && on_signal_) on_signal_(signalled);

  const auto signal = signal_of(event.kind);
  const auto kind = identity_of(signalled.charge.verdict);
  if (signal && signalled.charge.verdict == Charged::exempt && options_.tables)
    exemption_uses_.note(*options_.tables, event, time);
  if (!signal || !kind) return;
  Occurrence occurrence;
  occurrence.time = signalled.time;
  occurrence.signal = *signal;
  occurrence.kind = *kind;
  occurrence.identity = signalled.charge.identity;
  occurrence.host = event.host.value_or("");
  occurrence.recipient = event.recipient.value_or("");
  occurrence.reason = event.reason.value_or("");
  occurrence.message_id = event.message_id.value_or("");
  occurrence.sender = event.sender;
  occurrence.set_id = event.set_id;
  occurrence.recipients = event.recipients.value_or(0);
  occurrence.recipient_list = event.recipient_list;
  occurrence.file = log.name;
  occurrence.line = event.number;
  occurrence.offset = event.offset;
  occurrence.first_start = log.first_start;
  if (divert_) return divert_(occurrence, selected);
  counting_.add(occurrence, decided_, watched_);
  tell_ends();
}

}  // namespace agent
