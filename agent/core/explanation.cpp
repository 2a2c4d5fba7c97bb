#include "agent/core/explanation.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <utility>

#include "agent/core/attribution.h"
#include "agent/core/limits.h"
#include "agent/values/duration.h"
#include "parsers/entries/arrival.h"
#include "parsers/entries/failure.h"
#include "parsers/entries/rejection.h"
#include "parsers/entries/tagged.h"
#include "parsers/fields/prefix.h"
#include "parsers/fields/syslog.h"
#include "parsers/reasons/reason_text.h"

namespace agent {
namespace {

PipelineOptions with_submissions(PipelineOptions around) {
  around.submissions = true;
  return around;
}

// Where the bytes of a view lie in the line.
std::optional<std::size_t> place_in(std::string_view line, std::string_view part) {
  const std::less_equal<const char*> before;
  const bool inside = before(line.data(), part.data()) &&
                      before(part.data() + part.size(), line.data() + line.size());
  return inside ? std::optional(static_cast<std::size_t>(part.data() - line.data())) : std::nullopt;
}

class Fields {
 public:
  explicit Fields(std::string_view line) : line_(line) {}
  void add(std::string_view name, const std::optional<std::string_view>& value) {
    if (!value) return;
    const auto begin = place_in(line_, *value);
    fields_.push_back({name, std::string(*value), begin, begin ? *begin + value->size() : 0});
  }
  std::vector<ExplainedField> in_order() && {
    std::stable_sort(fields_.begin(), fields_.end(), [](const auto& a, const auto& b) {
      return a.begin.value_or(std::string::npos) < b.begin.value_or(std::string::npos);
    });
    return std::move(fields_);
  }

 private:
  std::string_view line_;
  std::vector<ExplainedField> fields_;
};

std::string why_not(parsers::Step step) {
  switch (step) {
    case parsers::Step::not_ours:
      return "the words stand in an entry of another kind, as text that somebody sent";
    case parsers::Step::host:
      return "step 2 of the scan says no: H= is not [name] [(helo)] [ip] with a HELO free of "
             "blanks";
    case parsers::Step::interface:
      return "step 2 of the scan says no: I= is not [ip] or [ip]:port";
    case parsers::Step::sender:
      return "step 4 of the scan says no: F=<...> does not follow, or is no address as Exim prints "
             "it";
    case parsers::Step::auth:
      return "step 5 of the scan says no: A= has no authenticator's name";
    case parsers::Step::verb:
      return "step 5 of the scan says no: \"rejected RCPT\" does not stand where it must";
  }
  return "";
}

std::string doubt_of(parsers::Doubt doubt) {
  switch (doubt) {
    case parsers::Doubt::none:
      return "it lies inside an unfinished arrival entry, where a sender can forge whole lines";
    case parsers::Doubt::ident_or_dn:
      return "the free text of U= or DN= can be read as other fields too";
    case parsers::Doubt::second_verb:
      return "a login may hold the words \"rejected RCPT\", so its end is unknown";
    case parsers::Doubt::helo:
      return "the HELO may be any text here, and could hold all that stands after it";
  }
  return "";
}

// Of evidence that no rule can count.
std::string not_counted(const Explanation& explanation) {
  if (explanation.reason_class == parsers::Reason::unknown)
    return "not counted: no pattern of [reasons] knows this text (explain --unknown lists such)";
  if (explanation.reason_class)
    return "not counted: the reason means something else than that the recipient does not exist";
  if (explanation.kind == parsers::name_of(parsers::Kind::temp_rejected))
    return "not counted: a temporary refusal never means that a recipient does not exist";
  return "not counted: it gives no reason";
}

std::string charged_text(const Explanation& explanation, const std::vector<Rule>& rules,
                         const std::optional<Signal>& signal, std::string_view printed) {
  const auto kind = identity_of(explanation.verdict);
  switch (explanation.verdict) {
    case Charged::outsider:
      return "nobody is charged: the host is none of relay.hosts, and nobody authenticated";
    case Charged::own:
      return "nobody is charged: the host is this machine (relay.own)";
    case Charged::exempt:
      return "nobody is charged: exempt by the configuration";
    default:
      break;
  }
  if (!kind) return "nobody is charged: the line names no user and no host of ours";
  if (!signal) return not_counted(explanation);
  std::string by;
  for (const auto& rule : rules) {
    const bool listens =
        std::find(rule.signals.begin(), rule.signals.end(), *signal) != rule.signals.end();
    if (rule.identity != *kind || !listens) continue;
    by += fmt::format("{}{} ({}{} in {})", by.empty() ? "" : ", ", rule.name,
                      rule.mode == RuleMode::trial ? "on trial, " : "",
                      Limits(rule).of(folded(explanation.identity)), duration_text(rule.period));
  }
  if (by.empty()) return "not counted: no rule counts this signal for this kind of identity";
  const auto mapped = explanation.identity == printed
                          ? ""
                          : fmt::format("stands for \"{}\" (identity_map); ", explanation.identity);
  return fmt::format("{}counted by {}", mapped, by);
}

// A line that is no evidence: the first thing that says no.
void explain_other(const PipelineOptions& around, bool junk_helo, std::string_view line,
                   Fields& fields, Explanation& explanation) {
  auto prefix = parsers::parse_prefix(line);
  if (!prefix) {
    if (const auto syslog = parsers::parse_syslog(line, around.not_after)) {
      prefix = parsers::parse_syslog_message(syslog->stamp, syslog->message);
    }
  }
  if (!prefix) {
    explanation.why = "not a log entry: no timestamp at the start (continuation lines have none)";
    return;
  }
  fields.add("stamp", prefix->stamp.text);
  if (!prefix->message_id.empty()) fields.add("message_id", prefix->message_id);
  const auto payload = prefix->payload;

  if (payload.find("**** log string overflowed log buffer") != std::string_view::npos) {
    explanation.why = "Exim's buffer overflowed: what this entry said is lost (see helo.conf)";
    return;
  }
  if (payload.starts_with(parsers::kTaggedStart)) {
    explanation.why = "it begins like the tagged line of our ACL, but is malformed";
    return;
  }
  parsers::Failure failure;
  if (!prefix->message_id.empty() && parsers::scan_failure(payload, failure)) {
    fields.add("recipient", failure.recipient);
    fields.add("reason", failure.reason);
    explanation.reason_class =
        parsers::ReasonMemory(around.reasons).of(failure.reason, failure.recipient);
    explanation.reason_pattern =
        parsers::PatternMemory(around.reasons).of(failure.reason, failure.recipient, {});
    explanation.why =
        explanation.reason_class == parsers::Reason::missing
            ? "a failed delivery, but no arrival entry before it says who could be charged, its "
              "text is about the sender, or this recipient of the message failed before"
        : explanation.reason_class == parsers::Reason::unknown
            ? "a failed delivery; no pattern of [reasons] knows its text"
            : "a failed delivery whose reason does not mean that there is no such recipient";
    return;
  }
  parsers::Arrival arrival;
  const auto scan = prefix->message_id.empty() ? parsers::ArrivalScan::not_an_arrival
                                               : parsers::scan_arrival(payload, junk_helo, arrival);
  if (scan == parsers::ArrivalScan::read) {
    fields.add("sender", arrival.sender);
    fields.add("host", arrival.host);
    fields.add("login", arrival.login);
    fields.add("authenticator", arrival.authenticator);
    fields.add("user", arrival.id);
    explanation.why = "an arrival entry: who submitted a message. No evidence by itself";
    return;
  }
  if (scan != parsers::ArrivalScan::not_an_arrival) {
    explanation.why =
        scan == parsers::ArrivalScan::ambiguous
            ? "an arrival entry that can be read in two ways: its failed deliveries charge nobody"
            : "a malformed arrival entry: its failed deliveries charge nobody";
    return;
  }
  if (payload.find(" rejected RCPT ") == std::string_view::npos) {
    explanation.why = "an entry of another kind: no refused recipient";
    return;
  }
  const auto rejection = parsers::scan_rejection(payload, junk_helo);
  explanation.why = rejection.rejection
                        ? "a refusal without user and host (exim -bs): nobody can be charged"
                        : why_not(rejection.failed);
}

void explain_event(const Signalled& signalled, bool junk_helo, Fields& fields,
                   Explanation& explanation, const std::vector<Rule>& rules) {
  const auto& event = signalled.event;
  fields.add("stamp", event.stamp.text);
  fields.add("message_id", event.message_id);
  fields.add("host", event.host);
  fields.add("login", event.login);
  fields.add("sender", event.sender);
  fields.add("authenticator", event.authenticator);
  fields.add("user", event.user);
  fields.add("recipient", event.recipient);
  fields.add("reason", event.reason);
  explanation.kind = parsers::name_of(event.kind);
  explanation.verdict = signalled.charge.verdict;
  explanation.identity = signalled.charge.identity;
  explanation.time = signalled.time;
  explanation.reason_class = event.reason_class;
  if (event.kind != parsers::Kind::ambiguous) {
    const auto printed = event.user ? event.user : event.host ? event.host : event.login;
    explanation.why = charged_text(explanation, rules, signal_of(event.kind), printed.value_or(""));
    return;
  }
  std::string reason = doubt_of(parsers::Doubt::none);
  if (const auto prefix = parsers::parse_prefix(event.line)) {
    const auto scan = parsers::scan_rejection(prefix->payload, junk_helo);
    if (prefix->payload.starts_with(parsers::kTaggedStart)) {
      reason = "the tag of our ACL's line is missing or wrong, or the line is an old one";
    } else if (scan.rejection && scan.doubt != parsers::Doubt::none) {
      reason = doubt_of(scan.doubt);
    }
  }
  explanation.why = "nobody is charged: " + reason;
}

}  // namespace

Explainer::Explainer(const Config& config, PipelineOptions around)
    : around_(with_submissions(std::move(around))),
      rules_(config.rules),
      pipeline_(config, around_),
      patterns_(around_.reasons),
      log_(pipeline_.add_log("line")) {
  if (config.log.junk_helo != Tristate::automatic)
    junk_helo_ = config.log.junk_helo == Tristate::yes;
}

Explanation Explainer::explain(std::string_view line) {
  Explanation explanation;
  Fields fields(line);
  bool seen = false;
  pipeline_.on_signal([&](const Signalled& signalled) {
    seen = true;
    // The reader works on its own copy of the line: take its places from there.
    Fields own(signalled.event.line);
    explain_event(signalled, junk_helo_.value_or(pipeline_.reader(log_).state().junk_seen), own,
                  explanation, rules_);
    explanation.fields = std::move(own).in_order();
    const auto& event = signalled.event;
    if (!event.reason_class) return;
    explanation.reason_pattern = patterns_.of(
        event.reason.value_or(""), event.recipient.value_or(""), event.sender.value_or(""));
  });
  std::string whole(line);
  whole.push_back('\n');
  pipeline_.feed(log_, whole);
  if (seen) return explanation;
  explain_other(around_, junk_helo_.value_or(pipeline_.reader(log_).state().junk_seen), line,
                fields, explanation);
  explanation.fields = std::move(fields).in_order();
  return explanation;
}

}  // namespace agent
