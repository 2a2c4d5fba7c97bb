// The reader's part that is about messages and failed logins.
#include "parsers/entries/auth_failure.h"
#include "parsers/entries/failure.h"
#include "parsers/entries/reader.h"
#include "parsers/scan/scan.h"

namespace parsers {
namespace {

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
