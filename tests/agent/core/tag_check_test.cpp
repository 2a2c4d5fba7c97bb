#include "agent/core/tag_check.h"

#include <string>

#include "tests/catch.h"

namespace agent {
namespace {

using Verdict = TagCheck::Verdict;
constexpr const char* kSecret = "0123456789abcdef";

std::string line(std::uint64_t at, int n, const std::string& secret) {
  const auto text =
      "exiwarden/1 missing-recipient auth=plain id=Ym9i host=192.0.2.1 rcpt=eEB5 at=" +
      std::to_string(at) + " pid=77 n=" + std::to_string(n);
  return text + (secret.empty() ? "" : " mac=" + hmac_sha1_hex(secret, text));
}

Verdict check(TagCheck& tags, const std::string& text, std::int64_t stamp) {
  const auto tagged = parsers::parse_tagged(text);
  REQUIRE(tagged);
  return tags.check(*tagged, Instant(std::chrono::seconds(stamp)));
}

TEST_CASE("HMAC-SHA1 as RFC 2202 gives it") {
  CHECK(hmac_sha1_hex("Jefe", "what do ya want for nothing?") ==
        "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
}

TEST_CASE("with a secret a line needs its tag, its own time, and counts once") {
  constexpr std::int64_t kNow = 1'764'000'000;
  constexpr std::uint64_t kMicro = std::uint64_t{1'764'000'000} * 1'000'000;
  TagCheck tags(kSecret);
  CHECK(check(tags, line(kMicro, 1, ""), kNow) == Verdict::no_tag);
  CHECK(check(tags, line(kMicro, 1, "0123456789abcdeX"), kNow) == Verdict::wrong_tag);
  CHECK(check(tags, line(kMicro, 1, kSecret), kNow + 301) == Verdict::wrong_time);
  CHECK(check(tags, line(kMicro, 1, kSecret), kNow - 301) == Verdict::wrong_time);
  CHECK(check(tags, line(kMicro, 1, kSecret), kNow) == Verdict::good);
  CHECK(check(tags, line(kMicro, 1, kSecret), kNow) == Verdict::repeated);
  CHECK(check(tags, line(kMicro, 2, kSecret), kNow + 1) == Verdict::good);
  TagCheck restarted(kSecret);
  restarted.restore(tags.seen());
  CHECK(check(restarted, line(kMicro, 2, kSecret), kNow + 1) == Verdict::repeated);
  CHECK(check(restarted, line(kMicro, 3, kSecret), kNow + 1) == Verdict::good);
  TagCheck open("");
  CHECK(check(open, line(kMicro, 1, ""), kNow) == Verdict::good);
}

TEST_CASE("forgetting lets no old line in again") {
  TagCheck tags(kSecret);
  constexpr std::uint64_t kMicro = std::uint64_t{1'764'000'000} * 1'000'000;
  const auto stamp = [](std::uint64_t micro) {
    return static_cast<std::int64_t>(micro / 1'000'000);
  };
  for (std::uint64_t i = 0; i < TagCheck::kMaxSeen + 10; ++i) {
    const auto tagged = line(kMicro + i, 1, kSecret);
    REQUIRE(check(tags, tagged, stamp(kMicro + i)) == Verdict::good);
  }
  CHECK(tags.seen().size() == TagCheck::kMaxSeen);
  CHECK(check(tags, line(kMicro, 1, kSecret), stamp(kMicro)) == Verdict::repeated);
}

}  // namespace
}  // namespace agent
