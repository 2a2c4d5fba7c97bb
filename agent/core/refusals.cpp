#include "agent/core/refusals.h"

#include <functional>

#include "agent/core/attribution.h"

namespace agent {
namespace {

constexpr std::string_view kCached = "Previous (cached) callout verification failure";

// Did a remote server say so, in a callout (verify.c; the second is Exim 4.8's wording)?
bool is_remote(std::string_view reason) {
  return reason.find("] : SMTP error from remote mail server after ") != std::string_view::npos ||
         reason.starts_with("response to \"");
}

}  // namespace

// Nobody gains by two addresses that are taken for one: a quick digest will do.
std::uint64_t Refusals::digest(std::string_view recipient) {
  folded_.clear();
  append_folded(recipient, folded_);
  return std::hash<std::string_view>{}(folded_);
}

bool Refusals::repeats_other(const parsers::Event& event) {
  const auto reason = event.reason.value_or("");
  if (event.kind == parsers::Kind::rejected_rcpt) {
    if (places_.empty()) return false;  // as nearly always
    if (reason.starts_with(kCached)) return places_.count(digest(event.recipient.value_or(""))) > 0;
    if (is_remote(reason)) forget(digest(event.recipient.value_or("")));
  } else if (event.kind == parsers::Kind::policy_rejected && is_remote(reason)) {
    remember(digest(event.recipient.value_or("")));
  }
  return false;
}

void Refusals::remember(std::uint64_t address) {
  if (places_.count(address) > 0) return;
  places_.emplace(address, order_.insert(order_.end(), address));
  if (places_.size() > kMaxAddresses) forget(order_.front());
}

void Refusals::forget(std::uint64_t address) {
  const auto place = places_.find(address);
  if (place == places_.end()) return;
  order_.erase(place->second);
  places_.erase(place);
}

void Refusals::restore(const std::vector<std::uint64_t>& addresses) {
  *this = Refusals();
  for (const auto address : addresses) remember(address);
}

}  // namespace agent
