#include "agent/core/tag_check.h"

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <array>

#include "agent/values/digest.h"

namespace agent {

std::string hmac_sha1_hex(std::string_view secret, std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned length = 0;
  HMAC(EVP_sha1(), secret.data(), static_cast<int>(secret.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data(), &length);
  std::string hex;
  for (unsigned i = 0; i < length; ++i) hex += fmt::format("{:02x}", digest[i]);
  return hex;
}

std::string_view name_of(TagCheck::Verdict verdict) {
  constexpr std::array<std::string_view, TagCheck::kVerdicts> kNames{"good", "no_tag", "wrong_tag",
                                                                     "wrong_time", "repeated"};
  return kNames[static_cast<std::size_t>(verdict)];
}

TagCheck::Verdict TagCheck::check(const parsers::Tagged& tagged, Instant time) {
  if (secret_.empty()) return Verdict::good;
  if (tagged.mac.empty()) return Verdict::no_tag;
  const auto wanted = hmac_sha1_hex(secret_, tagged.signed_part);
  if (tagged.mac.size() != wanted.size() ||
      CRYPTO_memcmp(tagged.mac.data(), wanted.data(), wanted.size()) != 0) {
    return Verdict::wrong_tag;
  }
  const auto at = static_cast<std::int64_t>(tagged.at_microseconds / 1'000'000);
  const auto distance = time.time_since_epoch().count() - at;
  if (distance > kMaxDistance.count() || -distance > kMaxDistance.count())
    return Verdict::wrong_time;
  const auto digest = sha256_number(tagged.signed_part);
  if (tagged.at_microseconds <= forgotten_until_ || digests_.count(digest) > 0)
    return Verdict::repeated;
  remember(digest, tagged.at_microseconds);
  return Verdict::good;
}

void TagCheck::remember(std::uint64_t digest, std::uint64_t at) {
  digests_.insert(digest);
  order_.emplace_back(digest, at);
  if (order_.size() <= kMaxSeen) return;
  forgotten_until_ = std::max(forgotten_until_, order_.front().second);
  digests_.erase(order_.front().first);
  order_.pop_front();
}

void TagCheck::restore(const Seen& seen) {
  digests_.clear();
  order_.clear();
  for (const auto& [digest, at] : seen) remember(digest, at);
}

}  // namespace agent
