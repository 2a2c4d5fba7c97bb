#include "agent/lists/list_doubt.h"

#include <algorithm>
#include <utility>

namespace agent {
namespace {

constexpr std::chrono::milliseconds kSample{100};  // of a file that goes on changing

}  // namespace

ListDoubt::ListDoubt(Keys missing, const Stamp& before, const Stamp& stamp, Steady now)
    : missing_(std::move(missing)),
      before_(before),
      stamp_(stamp),
      since_(now),
      first_(now),
      next_sample_(now + kSample) {}

void ListDoubt::note(const Stamp& stamp, Steady now) {
  if (stamp == stamp_) return;
  stamp_ = stamp;
  since_ = now;
}

bool ListDoubt::wants_reading(const Stamp& stamp, Steady now) {
  note(stamp, now);
  return now >= due() || now >= next_sample_;
}

std::optional<ListDoubt::Keys> ListDoubt::judge(const Stamp& stamp, Keys missing, Steady now) {
  note(stamp, now);
  const bool settled = now - since_ >= kSettle;
  if (!settled) std::erase_if(missing, [&](const auto& key) { return missing_.count(key) == 0; });
  if (settled || now - first_ >= kSettleAtMost || missing.empty()) return missing;
  next_sample_ = now + kSample;
  missing_ = std::move(missing);
  return std::nullopt;
}

ListDoubt::Steady ListDoubt::due() const {
  return std::min(since_ + kSettle, first_ + kSettleAtMost);
}

}  // namespace agent
