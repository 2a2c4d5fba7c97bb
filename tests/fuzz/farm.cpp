// Any bytes as what the farm's server sends: answers or the end of the connection, and whatever is
// believed of them is fit for a list and comes back the same from its own text.
#include "agent/core/attribution.h"
#include "agent/farm/protocol.h"
#include "fuzz.h"

namespace {

void look_at(const agent::NamedStatement& word) {
  fuzz::require(!word.name.key.empty() && !word.name.list.empty());
  fuzz::require(agent::folded(word.record.identity) == word.name.key);
  fuzz::require(word.record.identity.find('\n') == std::string::npos);
  fuzz::require(word.record.stamp > 0 && agent::is_farm_host(word.record.host));
  fuzz::require(agent::decode_farm_name(agent::encode(word.name)) == word.name);
  const auto again = agent::decode_farm_statement(word.name, agent::encode(word.record));
  fuzz::require(again && agent::encode(*again) == agent::encode(word.record));
}

void look_at(const agent::Answer& answer) {
  if (const auto read = agent::read_count(answer)) {
    for (const auto& word : read->decided) look_at(word);
  }
  if (const auto read = agent::read_pull(answer)) {
    for (const auto& word : read->words) look_at(word);
  }
  if (const auto read = agent::read_feed(answer)) {
    for (const auto& word : read->words) look_at(word);
  }
  (void)agent::read_changes(answer, {});
  (void)agent::read_info(answer);
  (void)agent::read_time(answer);
  if (const auto read = agent::read_hosts(answer)) {
    for (const auto& host : *read) fuzz::require(agent::is_farm_host(host.name));
  }
  const auto& first = answer.list.empty() ? answer : answer.list.front();
  for (const auto* senders : {static_cast<const agent::Answer*>(nullptr), &first}) {
    if (const auto read = agent::read_window(answer, senders, std::chrono::hours(1))) {
      for (const auto& host : read->hosts)
        fuzz::require(host.host == "?" || agent::is_farm_host(host.host));
      fuzz::require(read->first <= read->last && read->last - read->first < 3600);
    }
  }
  if (answer.is_error()) (void)agent::refusal_text(answer);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto input = fuzz::text(data, size);
  const auto piece = fuzz::take_choice(input) + 1;
  agent::AnswerReader reader;
  agent::Answer answer;
  while (!input.empty()) {
    const auto part = input.substr(0, piece);
    input.remove_prefix(part.size());
    if (!reader.feed(part)) return 0;
    for (;;) {
      const auto next = reader.next(answer);
      if (next == agent::AnswerReader::Next::broken) return 0;
      if (next == agent::AnswerReader::Next::need_more) break;
      look_at(answer);
    }
  }
  return 0;
}
