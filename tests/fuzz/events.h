// The events of a log as text, so that two ways of reading it can be compared.
#pragma once

#include <algorithm>
#include <span>
#include <string>
#include <string_view>

#include "fuzz.h"
#include "parsers/entries/reader.h"

namespace fuzz {

class EventText : public parsers::EventSink {
 public:
  void on_event(const parsers::Event& event) override {
    text += std::to_string(event.number) + "@" + std::to_string(event.offset) + " ";
    text += parsers::name_of(event.kind);
    for (const auto& field : {event.user, event.host, event.recipient, event.sender, event.reason,
                              event.authenticator, event.message_id, event.set_id}) {
      text += field ? "|" + std::string(*field) : "-";
    }
    text += std::to_string(event.recipients.value_or(0)) + "|";
    text += event.recipient_list;
    text += "\n";
  }
  void on_arrival(std::string_view message_id, const parsers::Stamp&,
                  const parsers::Arrival& arrival) override {
    text += "arrival " + std::string(message_id) + " ";
    text += arrival.id.value_or("");
    text += "@";
    text += arrival.host.value_or("");
    text += "\n";
  }
  void on_completed(std::string_view message_id) override {
    text += "completed " + std::string(message_id) + "\n";
  }
  std::string text;
};

inline const parsers::ReaderOptions& reader_options() {
  static const auto kOptions = [] {
    parsers::ReaderOptions options;
    options.reasons = parsers::Reasons::defaults();
    options.submissions = true;
    options.accepted = options.deferred = options.accused = options.auth_failed = true;
    return options;
  }();
  return kOptions;
}

// Reads it whole, and in pieces of `cut` bytes with the state carried from one reader to the next:
// the same events and the same counts.
inline void require_same_for_any_cut(std::string_view log, std::size_t cut) {
  EventText whole;
  parsers::LogReader at_once(reader_options());
  at_once.feed(log, whole);
  require(at_once.offset() + at_once.pending() == log.size());

  EventText pieces;
  parsers::LogReader reader(reader_options());
  while (!log.empty()) {
    const auto length = std::min(log.size(), cut + 1);
    reader.feed(log.substr(0, length), pieces);
    log.remove_prefix(length);
    if (reader.pending() > 0) continue;
    const auto state = reader.state();
    reader.restore(state);
  }
  require(pieces.text == whole.text);
  require(reader.offset() == at_once.offset() && reader.line() == at_once.line());
}

}  // namespace fuzz
