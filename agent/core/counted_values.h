// What a rule counts of one event: itself, or the values by which distinct recipients, hosts,
// networks, senders or ids are told apart. Also the words for it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "agent/core/config.h"
#include "agent/core/occurrence.h"

namespace agent {

// Returns a digest by which distinct texts are told apart, whatever the case of their ASCII
// letters; never 0. It resists chosen collisions.
[[nodiscard]] std::uint64_t recipient_digest(std::string_view recipient);
// Returns the value of an address, or of the network around it; 0: it is no address.
[[nodiscard]] std::uint64_t host_value(std::string_view host, int v4_prefix, int v6_prefix);

// Calls take(digest) for each recipient in an arrival's list, "a@x b@y".
template <class Take>
void each_in_list(std::string_view list, const Take& take) {
  bool quoted = false;
  std::size_t begin = 0;
  for (std::size_t i = 0; i <= list.size(); ++i) {
    if (i == list.size() || (list[i] == ' ' && !quoted)) {
      if (i > begin) take(recipient_digest(list.substr(begin, i - begin)));
      begin = i + 1;
    } else if (list[i] == '\\') {
      ++i;
    } else if (list[i] == '"') {
      quoted = !quoted;
    }
  }
}

// Calls take(0) if the rule counts attempts, else take(value) for each value of the event. An event
// without such a value is not counted. Of a message whose recipients are not logged, the message
// stands for them.
template <class Take>
void each_counted(const Rule& rule, const Occurrence& event, const Take& take) {
  const auto if_any = [&](std::uint64_t value) {
    if (value != 0) take(value);
  };
  switch (rule.count) {
    case CountBy::attempts:
      return take(0);
    case CountBy::recipients:
      if (event.signal != Signal::accepted) return take(recipient_digest(event.recipient));
      if (event.recipient_list.empty()) return take(recipient_digest(event.message_id));
      return each_in_list(event.recipient_list, take);
    case CountBy::hosts:
      return if_any(host_value(event.host, 32, 128));
    case CountBy::networks:
      return if_any(host_value(event.host, rule.network_v4, rule.network_v6));
    case CountBy::senders:
      if (event.sender) take(recipient_digest(*event.sender));
      return;
    case CountBy::ids:
      if (event.set_id) take(recipient_digest(*event.set_id));
      return;
  }
}

// Returns true if all that the rule counts are recipients that do not exist.
[[nodiscard]] bool counts_refusals(const Rule& rule);
// Returns what `count` of it are called: "refused recipients", "networks".
[[nodiscard]] std::string counted_noun(const Rule& rule, std::uint64_t count);

}  // namespace agent
