// TagCheck: checks the keyed tag of our ACL's lines. With a secret that only Exim and this program
// can read, nobody can forge such a line or make an old one count again. Pure and bounded.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "agent/values/zone.h"
#include "parsers/entries/tagged.h"

namespace agent {

class TagCheck {
 public:
  // How many lines are remembered; a line that is older than all of them is refused.
  static constexpr std::size_t kMaxSeen = 65536;
  // How far Exim's own clock in the line may be from its stamp.
  static constexpr std::chrono::seconds kMaxDistance{300};

  // An empty secret switches all checks off.
  explicit TagCheck(std::string secret) : secret_(std::move(secret)) {}

  enum class Verdict : std::uint8_t { good, no_tag, wrong_tag, wrong_time, repeated };
  static constexpr std::size_t kVerdicts = 5;
  Verdict check(const parsers::Tagged& tagged, Instant time);

  // What a checkpoint keeps: digest and microseconds of each line that was accepted, in order.
  using Seen = std::vector<std::pair<std::uint64_t, std::uint64_t>>;
  [[nodiscard]] Seen seen() const { return {order_.begin(), order_.end()}; }
  void restore(const Seen& seen);

 private:
  void remember(std::uint64_t digest, std::uint64_t at);

  std::string secret_;
  std::unordered_set<std::uint64_t> digests_;
  std::deque<std::pair<std::uint64_t, std::uint64_t>> order_;
  std::uint64_t forgotten_until_ = 0;  // microseconds: lines up to then may have been forgotten
};

[[nodiscard]] std::string_view name_of(TagCheck::Verdict verdict);

// Returns HMAC-SHA1 in lower-case hex, as Exim's ${hmac{sha1}{secret}{text}} does.
[[nodiscard]] std::string hmac_sha1_hex(std::string_view secret, std::string_view text);

}  // namespace agent
