// Decision: a rule's limit was reached, and why. The core hands it to the edge.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/core/config.h"
#include "agent/values/zone.h"

namespace agent {

// Where a line stands in a log.
struct Place {
  std::string file;
  std::uint64_t line = 0;    // 1-based
  std::uint64_t offset = 0;  // of its first byte, uncompressed
};

// One event, mostly a refused recipient, kept as evidence. Its bytes are as raw as the log: escape
// them before showing them anywhere.
struct Sample {
  std::int64_t time = 0;  // seconds since 1970 UTC
  std::string host, recipient, reason;
  Signal signal = Signal::rejected_rcpt;
  bool operator==(const Sample&) const = default;
};

struct HostCount {
  std::string host;
  std::uint32_t count = 0;
  bool operator==(const HostCount&) const = default;
};

struct Decision {
  std::string rule;
  RuleMode mode = RuleMode::block;
  IdentityKind identity_kind = IdentityKind::user;
  std::string identity;  // as Exim prints it (relays: address or network)
  std::string list;      // path of the list it belongs into; empty: a trial
  Instant time{};        // of the deciding event
  Instant first{};       // of the oldest event in the window
  std::uint32_t count = 0;
  std::string what;      // was counted, in words: "networks"; empty: refused recipients
  bool refusals = true;  // all that was counted are recipients that do not exist
  std::uint32_t limit = 0;
  std::chrono::seconds period{};
  Place place;
  std::vector<HostCount> hosts;   // that this identity used since its window was last empty
  std::uint32_t other_hosts = 0;  // events from further hosts that were not kept apart
  std::vector<Sample> samples;    // the newest ones
  std::vector<HostCount> farm;    // mail hosts that counted it together; empty: this one alone
  // When the block ends by itself; nullopt: when somebody frees the sender.
  std::optional<Instant> until;
  std::uint32_t times = 1;  // blocks in a row, this one too, as rule.repeat_within sees it
};

}  // namespace agent
