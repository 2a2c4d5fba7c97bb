#include "agent/core/submissions.h"

#include <algorithm>
#include <utility>

#include "agent/core/counting.h"

namespace agent {
namespace {

std::optional<std::string> copy(const std::optional<std::string_view>& text) {
  return text ? std::optional<std::string>(*text) : std::nullopt;
}

}  // namespace

void Submissions::arrived(std::string_view key, const parsers::Arrival& arrival) {
  const bool without_sender = arrival.sender.empty() || !arrival.reference.empty();
  if (without_sender && !arrival.id) return;
  if (!arrival.host && !arrival.login && !arrival.id) return;
  Message message;
  message.user = copy(arrival.id);
  message.host = copy(arrival.host);
  message.login = copy(arrival.login);
  message.authenticator = copy(arrival.authenticator);
  message.sender = std::string(arrival.sender);
  add(key, std::move(message));
}

void Submissions::add(std::string_view key, Message message) {
  if (const auto known = messages_.find(key); known != messages_.end()) erase(known);
  failures_ += message.failed.size();
  const auto number = ++arrivals_;
  messages_.emplace(std::string(key), Entry{std::move(message), number});
  order_.emplace_back(std::string(key), number);
  make_room();
  // Messages mostly go soon after they came: what they leave behind must not pile up.
  if (order_.size() > 1024 && order_.size() > 2 * messages_.size()) {
    std::erase_if(order_, [&](const auto& entry) {
      const auto found = messages_.find(entry.first);
      return found == messages_.end() || found->second.number != entry.second;
    });
  }
}

void Submissions::make_room() {
  while ((messages_.size() > kMaxMessages || failures_ > kMaxFailures) && !order_.empty()) {
    const auto [key, number] = std::move(order_.front());
    order_.pop_front();
    const auto found = messages_.find(key);
    if (found == messages_.end() || found->second.number != number) continue;
    erase(found);
    ++forgotten_;
  }
}

void Submissions::erase(Messages::iterator message) {
  failures_ -= message->second.message.failed.size();
  messages_.erase(message);
}

void Submissions::completed(std::string_view key) {
  if (const auto found = messages_.find(key); found != messages_.end()) erase(found);
}

const Submissions::Message* Submissions::failed(std::string_view key, std::string_view recipient) {
  const auto found = messages_.find(key);
  if (found == messages_.end()) return nullptr;
  auto& message = found->second.message;
  const auto digest = recipient_digest(recipient);
  const auto place = std::lower_bound(message.failed.begin(), message.failed.end(), digest);
  if (place != message.failed.end() && *place == digest) return nullptr;
  message.failed.insert(place, digest);
  ++failures_;
  if (failures_ > kMaxFailures) make_room();
  const auto still = messages_.find(key);
  return still == messages_.end() ? nullptr : &still->second.message;
}

std::vector<std::pair<std::string, Submissions::Message>> Submissions::all() const {
  std::vector<std::pair<std::string, Message>> messages;
  messages.reserve(messages_.size());
  for (const auto& [key, number] : order_) {
    const auto found = messages_.find(key);
    if (found != messages_.end() && found->second.number == number) {
      messages.emplace_back(key, found->second.message);
    }
  }
  return messages;
}

// clang-tidy 14 does not see the move. NOLINTNEXTLINE(performance-unnecessary-value-param)
void Submissions::restore(std::vector<std::pair<std::string, Message>> messages) {
  *this = Submissions();
  for (auto& [key, message] : messages) add(key, std::move(message));
}

}  // namespace agent
