#include "agent/pipeline.h"

#include <algorithm>
#include <utility>

namespace agent {
namespace {

std::optional<bool> as_optional(Tristate value) {
  if (value == Tristate::automatic) return std::nullopt;
  return value == Tristate::yes;
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

 private:
  Pipeline& pipeline_;

 public:
  std::string name;
  parsers::LogReader reader;
  StampClock clock;
};

std::optional<Signal> signal_of(parsers::Kind kind) {
  switch (kind) {
    case parsers::Kind::rejected_rcpt:
      return Signal::rejected_rcpt;
    case parsers::Kind::tagged:
      return Signal::tagged;
    case parsers::Kind::temp_rejected:
    case parsers::Kind::policy_rejected:
    case parsers::Kind::ambiguous:
      return std::nullopt;
  }
  return std::nullopt;
}

Pipeline::Pipeline(const Config& config, PipelineOptions options)
    : options_(std::move(options)),
      reader_options_{options_.reasons, as_optional(config.log.junk_helo),
                      as_optional(config.log.syslog_duplication), options_.not_after},
      attribution_(config, options_.own),
      counting_(config) {}

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
  logs_[log]->reader.start_file();
}

void Pipeline::feed(std::size_t log, std::span<const char> bytes) {
  logs_[log]->reader.feed(bytes, *logs_[log]);
}

parsers::LogReader& Pipeline::reader(std::size_t log) {
  return logs_[log]->reader;
}
StampClock& Pipeline::clock(std::size_t log) {
  return logs_[log]->clock;
}

void Pipeline::on_event(Log& log, const parsers::Event& event) {
  const Signalled signalled{event, log.clock.resolve(event.stamp), attribution_.charge(event),
                            log.name};
  if (admits_ && !admits_(signalled)) return;
  ++charged_[static_cast<std::size_t>(signalled.charge.verdict)];
  if (on_signal_) on_signal_(signalled);

  const auto signal = signal_of(event.kind);
  const auto verdict = signalled.charge.verdict;
  if (!signal || (verdict != Charged::user && verdict != Charged::relay)) return;
  Occurrence occurrence;
  occurrence.time = signalled.time;
  occurrence.signal = *signal;
  occurrence.kind = verdict == Charged::user ? IdentityKind::user : IdentityKind::relay;
  occurrence.identity = signalled.charge.identity;
  occurrence.host = event.host.value_or("");
  occurrence.recipient = event.recipient.value_or("");
  occurrence.reason = event.reason.value_or("");
  occurrence.place = {log.name, event.number, event.offset};
  counting_.add(occurrence, [this](Decision&& decision) {
    if (on_decision_) on_decision_(std::move(decision));
  });
}

}  // namespace agent
