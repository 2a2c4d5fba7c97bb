// Occurrence: one event that counts, for one identity. Its views need only live through the call.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "agent/core/config.h"
#include "agent/values/zone.h"

namespace agent {

struct Occurrence {
  Instant time{};
  Signal signal = Signal::rejected_rcpt;
  IdentityKind kind = IdentityKind::user;
  std::string_view identity;  // as Exim prints it
  std::string_view host, recipient, reason, message_id;
  std::optional<std::string_view> sender;  // of the envelope; empty for <>
  std::optional<std::string_view> set_id;  // that a failed login claimed
  std::uint32_t recipients = 0;            // of a message that was accepted; 0: not logged
  std::string_view recipient_list;         // of a message that was accepted; empty: not logged
  std::string_view file;                   // where its line stands, as in Place
  std::uint64_t line = 0, offset = 0;
  // When its log was read for the first time: events that were older than one period then never
  // decide.
  std::optional<Instant> first_start = std::nullopt;
};

}  // namespace agent
