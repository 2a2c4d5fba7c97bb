#include "agent/core/counted_values.h"

#include <algorithm>
#include <array>

#include "agent/core/attribution.h"
#include "agent/values/digest.h"
#include "agent/values/network.h"

namespace agent {
namespace {

struct Noun {
  const char* one;
  const char* many;
};

Noun noun_of(const Rule& rule) {
  switch (rule.count) {
    case CountBy::hosts:
      return {"client address", "client addresses"};
    case CountBy::networks:
      return {"network", "networks"};
    case CountBy::senders:
      return {"envelope sender", "envelope senders"};
    case CountBy::ids:
      return {"login name", "login names"};
    default:
      break;
  }
  if (counts_refusals(rule)) return {"refused recipient", "refused recipients"};
  if (rule.count == CountBy::recipients) return {"recipient", "recipients"};
  if (rule.signals.size() > 1) return {"event", "events"};
  switch (rule.signals.front()) {
    case Signal::accepted:
      return {"message", "messages"};
    case Signal::deferred:
      return {"deferred recipient", "deferred recipients"};
    case Signal::accused:
      return {"answer that calls it spam", "answers that call it spam"};
    case Signal::auth_failed:
      return {"failed login", "failed logins"};
    default:
      return {"event", "events"};
  }
}

}  // namespace

std::uint64_t recipient_digest(std::string_view recipient) {
  const auto value = sha256_number(folded(recipient));
  return value == 0 ? 1 : value;
}

std::uint64_t host_value(std::string_view host, int v4_prefix, int v6_prefix) {
  const auto address = IpAddress::parse(host);
  if (!address) return 0;
  const auto base = Network::around(*address, address->v6 ? v6_prefix : v4_prefix).base;
  if (!base.v6) {
    std::uint64_t value = 1;  // so that 0.0.0.0 is not 0
    for (std::size_t i = 0; i < 4; ++i) value = value << 8 | base.bytes[i];
    return value;
  }
  std::array<char, 16> bytes{};
  std::transform(base.bytes.begin(), base.bytes.end(), bytes.begin(),
                 [](std::uint8_t byte) { return static_cast<char>(byte); });
  const auto value = sha256_number({bytes.data(), bytes.size()});
  return value == 0 ? 1 : value;
}

bool counts_refusals(const Rule& rule) {
  return std::all_of(rule.signals.begin(), rule.signals.end(), is_refusal) &&
         (rule.count == CountBy::attempts || rule.count == CountBy::recipients);
}

std::string counted_noun(const Rule& rule, std::uint64_t count) {
  const auto noun = noun_of(rule);
  return count == 1 ? noun.one : noun.many;
}

}  // namespace agent
