#include "agent/report/dossier.h"

#include <algorithm>
#include <utility>

#include "agent/core/attribution.h"
#include "agent/core/reason_kind.h"
#include "parsers/entries/arrival.h"
#include "parsers/fields/host_field.h"

namespace agent {
namespace {

constexpr std::size_t kMaxText = 300;  // of a key or a field
constexpr std::size_t kMaxQuote = 2000;
constexpr std::size_t kMaxKnown = 500'000;
constexpr std::size_t kMaxWindow = 2'000'000;

std::string cut(std::string_view text, std::size_t most = kMaxText) {
  return std::string(text.substr(0, most));
}

}  // namespace

Tally::Count& Tally::at(std::string_view key) {
  const auto known = counts.find(key);
  if (known != counts.end()) return known->second;
  if (counts.size() >= kMaxKeys) return others;
  return counts.emplace(cut(key), Count{}).first->second;
}

std::vector<std::pair<std::string, Tally::Count>> Tally::top(std::size_t most, Count& rest) const {
  std::vector<std::pair<std::string, Count>> all(counts.begin(), counts.end());
  std::stable_sort(all.begin(), all.end(), [](const auto& a, const auto& b) {
    return a.second.refused + a.second.accepted > b.second.refused + b.second.accepted;
  });
  rest = others;
  for (std::size_t i = most; i < all.size(); ++i) {
    rest.refused += all[i].second.refused;
    rest.accepted += all[i].second.accepted;
  }
  all.resize(std::min(all.size(), most));
  return all;
}

std::string domain_of(std::string_view address) {
  while (!address.empty() && address.back() == '>') address.remove_suffix(1);
  const auto at = address.rfind('@');
  return at == std::string_view::npos ? "" : folded(cut(address.substr(at + 1)));
}

Dossier::Dossier(IdentityKind kind, std::string identity, const Rule* its_rule)
    : kind_(kind), identity_(std::move(identity)) {
  if (its_rule != nullptr) rule = *its_rule;
}

void Dossier::see(Instant time) {
  if (!first || time < *first) first = time;
  if (!last || time > *last) last = time;
}

Dossier::Bucket& Dossier::bucket(Instant time) {
  auto& found = buckets[time.time_since_epoch().count() / bucket_seconds];
  if (buckets.size() <= kMaxBuckets) return found;
  coarsen();
  return buckets[time.time_since_epoch().count() / bucket_seconds];
}

void Dossier::coarsen() {
  bucket_seconds *= 4;
  std::map<std::int64_t, Bucket> wider;
  for (const auto& [at, old] : buckets) {
    auto& into = wider[at / 4];
    into.window = std::max(into.window, old.window);
    into.refused += old.refused;
    into.messages += old.messages;
    into.recipients += old.recipients;
  }
  buckets = std::move(wider);
}

std::uint32_t Dossier::window(Instant time) {
  const auto at = time.time_since_epoch().count();
  window_.insert(std::upper_bound(window_.begin(), window_.end(), at), at);
  const auto edge = window_.back() - rule->period.count();
  while (window_.front() <= edge || window_.size() > kMaxWindow) window_.pop_front();
  return static_cast<std::uint32_t>(window_.size());
}

void Dossier::signal(const Signalled& signalled) {
  const auto& event = signalled.event;
  see(signalled.time);
  files.insert(signalled.file);
  spellings.insert(cut(signalled.charge.identity));
  const auto signal = signal_of(event.kind);
  const bool counts =
      signal && rule &&
      std::find(rule->signals.begin(), rule->signals.end(), *signal) != rule->signals.end();
  // What is about messages is told by their own entries; a failed login is no refused recipient.
  if (signal && (*signal == Signal::bounced || !is_refusal(*signal))) return;
  quote(signalled);
  auto& slot = bucket(signalled.time);
  if (counts) {
    ++refused;
    if (!decisions.empty()) ++refused_after;
    ++slot.refused;
    slot.window = std::max(slot.window, window(signalled.time));
  } else {
    ++other_refused;
  }
  ++hosts.at(event.host.value_or("")).refused;
  parsers::Cursor cursor{};
  const auto at = event.line.find(" H=");
  if (at != std::string_view::npos) cursor.rest = event.line.substr(at + 3);
  if (const auto host = parsers::take_full_host(cursor)) {
    ++helos.at(!host->helo.empty() ? host->helo : host->name).refused;
  }
  ++domains.at(domain_of(event.recipient.value_or(""))).refused;
  ++reasons.at(reason_kind(event.reason.value_or("no reason given"))).refused;
  ++senders.at(event.sender.value_or("")).refused;
}

void Dossier::quote(const Signalled& signalled) {
  const auto& event = signalled.event;
  QuotedLine line{signalled.file, event.number, event.offset, cut(event.line, kMaxQuote), false};
  if (head_.size() < kQuotes) head_.push_back(line);
  if (tail_.size() == kQuotes) tail_.pop_front();
  tail_.push_back(std::move(line));
}

void Dossier::decision(const Decision& made) {
  decisions.push_back(made);
  // The deciding line was quoted just before.
  if (!tail_.empty()) {
    tail_.back().decided = true;
    at_decision_.insert(at_decision_.end(), tail_.begin(), tail_.end());
  }
}

std::vector<QuotedLine> Dossier::quotes() const {
  std::vector<QuotedLine> all = head_;
  const auto add = [&](const QuotedLine& line) {
    const auto known = std::find_if(all.begin(), all.end(), [&](const QuotedLine& other) {
      return other.file == line.file && other.line == line.line;
    });
    if (known == all.end()) {
      all.push_back(line);
    } else {
      known->decided = known->decided || line.decided;
    }
  };
  for (const auto& line : at_decision_) add(line);
  for (const auto& line : tail_) add(line);
  return all;
}

void Dossier::arrival(Instant time, const std::string& file, std::string_view message_id,
                      const parsers::Arrival& came) {
  see(time);
  files.insert(file);
  if (came.id) spellings.insert(cut(*came.id));
  ++messages;
  const bool after = !decisions.empty();
  if (after) ++messages_after;
  ++bucket(time).messages;
  ++hosts.at(came.host.value_or("")).accepted;
  ++senders.at(came.sender).accepted;
  if (known_.size() >= kMaxKnown) known_.clear();
  Known known{stories.size(), after};
  if (stories.size() < kMaxMessages) {
    MessageStory story;
    story.id = message_id;
    story.time = time;
    story.host = cut(came.host.value_or(came.login.value_or("")));
    story.sender = cut(came.sender);
    stories.push_back(std::move(story));
  } else {
    known.story = kMaxMessages;
  }
  known_.insert_or_assign(std::string(message_id), known);
}

void Dossier::entry(const Entry& entry) {
  const auto found = known_.find(std::string(entry.prefix.message_id));
  if (found == known_.end()) return;
  const auto payload = entry.prefix.payload;
  const auto mark = payload.substr(0, 3);
  MessageStory spare;
  auto& story = found->second.story < stories.size() ? stories[found->second.story] : spare;
  if (mark == "<= ") {
    parsers::Arrival arrival;
    if (parsers::scan_arrival(payload, false, arrival) != parsers::ArrivalScan::read) return;
    const auto details = parsers::details_of(arrival);
    story.size = details.size;
    story.subject = cut(details.subject);
  } else if (mark == "=> " || mark == "-> " || mark == ">> " || mark == "** ") {
    ++recipients;
    if (found->second.after) ++recipients_after;
    const auto address = payload.substr(3, payload.find_first_of(" :", 3) - 3);
    ++domains.at(domain_of(address)).accepted;
    ++bucket(story.id.empty() ? last.value_or(Instant{}) : story.time).recipients;
    mark == "** " ? (++failed, ++story.failed) : ++story.delivered;
  } else if (mark == "== ") {
    ++deferred;
    ++story.deferred;
  } else if (payload.starts_with("Completed")) {
    story.completed = true;
    story.frozen = false;
    known_.erase(found);
  } else if (payload.starts_with("frozen ") || payload.starts_with("Frozen") ||
             payload.starts_with("Message is frozen")) {
    story.frozen = true;
  } else if (payload.starts_with("unfrozen ") || payload.starts_with("Unfrozen ")) {
    story.frozen = false;
  } else if (payload.starts_with("removed by ") || payload.starts_with("cancelled by ")) {
    story.removed = true;
  }
}

}  // namespace agent
