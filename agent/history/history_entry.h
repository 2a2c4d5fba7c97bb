// HistoryEntry: what happened to a sender (or a log), to be kept for a year and more. Each has a
// key that is the same however often it is told, so that telling it twice keeps it once.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "agent/core/decision.h"

namespace agent {

enum class HistoryEvent { blocked, freed, ended, trial, watched, silent, listed, exempted };
// In the order of HistoryEvent.
inline constexpr std::array<std::string_view, 8> kHistoryEvents{
    "blocked", "freed", "ended", "trial", "watched", "silent", "listed", "exempted"};
[[nodiscard]] constexpr std::string_view name_of(HistoryEvent event) {
  return kHistoryEvents[static_cast<std::size_t>(event)];
}
[[nodiscard]] std::optional<HistoryEvent> history_event_named(std::string_view name);
[[nodiscard]] std::optional<IdentityKind> identity_kind_named(std::string_view name);

// Who has done something, where it was no command's login and no "farm:HOST".
inline constexpr std::string_view kByService = "service";
inline constexpr std::string_view kByEdit = "edit by hand";

struct HistoryEntry {
  HistoryEvent event = HistoryEvent::blocked;
  Instant time{};
  std::string rule;                  // empty: of no rule
  std::optional<IdentityKind> kind;  // nullopt: of no identity
  std::string identity;              // any bytes; of what was freed or ended, folded
  std::optional<std::uint64_t> count, limit;
  std::optional<std::chrono::seconds> period;
  std::optional<Instant> until;
  std::string by;       // empty: by a hand that HistoryStore looks for
  std::string reason;   // any bytes
  std::string samples;  // a JSON array of objects, ASCII; empty: none
  bool operator==(const HistoryEntry&) const = default;

  [[nodiscard]] std::string key() const;
};

// Returns the entry of a decision: blocked, trial or watched.
[[nodiscard]] HistoryEntry entry_of(HistoryEvent event, const Decision& decision, const Zone& zone);
// Returns the name of the first rule that writes into this list.
[[nodiscard]] std::string first_rule_of(const Config& config, std::string_view list);
// Returns the entry that the line of a list stands for: who was blocked, by the line's own word.
// `otherwise`: its time if the line has none.
[[nodiscard]] HistoryEntry entry_of_line(const std::string& rule, IdentityKind kind,
                                         const std::string& key, const std::string& data,
                                         Instant otherwise);

}  // namespace agent
