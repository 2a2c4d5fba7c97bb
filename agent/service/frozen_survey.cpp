#include "agent/service/frozen_survey.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>

#include "actions/lists/lsearch.h"
#include "agent/service/queue_match.h"
#include "agent/values/duration.h"
#include "agent/values/network.h"
#include "agent/values/printable.h"

namespace agent {
namespace {

// Tells whether a message is of one of many senders: by a look into a set, however many there are.
// Only networks are compared one by one.
class Senders {
 public:
  Senders(IdentityKind kind, const std::vector<std::string>& keys, const IdentityMap& map)
      : kind_(kind), map_(map) {
    for (const auto& key : keys) {
      keys_.insert(actions::folded_key(key));
      if (kind == IdentityKind::relay && key.find('/') != std::string::npos) wide_.push_back(key);
    }
  }

  // Returns the sender's key; nullopt: the message is of nobody in the list.
  [[nodiscard]] std::optional<std::string> sender_of(const actions::QueuedMessage& message) const {
    const auto& printed = kind_ == IdentityKind::relay   ? message.host
                          : kind_ == IdentityKind::local ? message.login
                                                         : message.user;
    const auto name = map_.maps(kind_) ? map_.name(kind_, printed) : printed;
    if (keys_.count(actions::folded_key(name)) > 0 && sent_by(message, kind_, name, map_))
      return name;
    for (const auto& network : wide_) {
      if (sent_by(message, kind_, network, map_)) return network;
    }
    return std::nullopt;
  }

 private:
  IdentityKind kind_;
  const IdentityMap& map_;
  std::unordered_set<std::string> keys_;
  std::vector<std::string> wide_;
};

}  // namespace

FrozenSurvey survey_frozen(const std::vector<actions::QueuedMessage>& queue,
                           const ListedSenders& listed, const IdentityMap& map) {
  std::vector<Senders> lists;
  for (const auto& [kind, keys] : listed) lists.emplace_back(kind, keys, map);
  FrozenSurvey found;
  for (const auto& message : queue) {
    if (!message.frozen) continue;
    for (const auto& list : lists) {
      const auto sender = list.sender_of(message);
      if (!sender) continue;
      ++found.messages;
      found.bytes += message.size;
      const Instant received{std::chrono::seconds(message.received)};
      if (!found.oldest || received < *found.oldest) {
        found.oldest = received;
        found.sender = *sender;
      }
      break;
    }
  }
  return found;
}

std::string frozen_warning(const FrozenSurvey& survey, const FrozenKeeping& keeping, Instant now) {
  constexpr std::chrono::days kBefore{1};
  if (!survey.oldest) return "";
  const auto end = kept_until(keeping, *survey.oldest);
  if (!end || now < *end - kBefore) return "";
  return fmt::format(
      "frozen mail of {}, and the evidence with it, is bounced to its envelope sender {} after it "
      "came (timeout_frozen_after), {}: release or delete it (exiwarden evidence --mail keeps a "
      "copy)",
      printable(survey.sender, 80), duration_text(*keeping.cancelled),
      *end > now ? "which is within a day" : "at the next queue run");
}

}  // namespace agent
