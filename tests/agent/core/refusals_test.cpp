// Cached refusals: they count as what they repeat, as far as that was seen, over a restart too.
#include "agent/core/refusals.h"

#include <string>

#include "agent/state/checkpoint.h"
#include "tests/catch.h"

namespace agent {
namespace {

const std::string kCallout =
    "mx [192.0.2.9] : SMTP error from remote mail server after RCPT TO:<x>: ";
const std::string kCached = "Previous (cached) callout verification failure";

bool repeats(Refusals& refusals, parsers::Kind kind, const std::string& recipient,
             const std::string& reason) {
  parsers::Event event;
  event.kind = kind;
  event.recipient = recipient;
  event.reason = reason;
  return refusals.repeats_other(event);
}
bool cached(Refusals& refusals, const std::string& recipient) {
  return repeats(refusals, parsers::Kind::rejected_rcpt, recipient, kCached);
}
void refuse(Refusals& refusals, const std::string& recipient) {
  CHECK_FALSE(repeats(refusals, parsers::Kind::policy_rejected, recipient, kCallout + "552 full"));
}

TEST_CASE("a cached refusal repeats the newest one of its address that a server gave") {
  Refusals refusals;
  CHECK_FALSE(cached(refusals, "a@b.test"));
  refuse(refusals, "a@b.test");
  CHECK(cached(refusals, "a@b.test"));
  CHECK(cached(refusals, "A@B.test"));
  CHECK_FALSE(cached(refusals, "c@b.test"));
  // Our own refusals and those of another kind say nothing about what a server said.
  repeats(refusals, parsers::Kind::rejected_rcpt, "a@b.test", "Unrouteable address");
  CHECK(cached(refusals, "a@b.test"));
  repeats(refusals, parsers::Kind::policy_rejected, "c@b.test", "relay not permitted");
  CHECK_FALSE(cached(refusals, "c@b.test"));
  repeats(refusals, parsers::Kind::rejected_rcpt, "a@b.test", kCallout + "550 no such user");
  CHECK_FALSE(cached(refusals, "a@b.test"));
}

TEST_CASE("what is known of refusals is bounded and outlasts a restart") {
  Refusals refusals;
  for (std::size_t i = 0; i <= Refusals::kMaxAddresses; ++i)
    refuse(refusals, std::to_string(i) + "@b.test");
  CHECK(refusals.addresses().size() == Refusals::kMaxAddresses);
  CHECK_FALSE(cached(refusals, "0@b.test"));
  CHECK(cached(refusals, "1@b.test"));
  Checkpoint state;
  state.refusals = refusals.addresses();
  const auto back = decode_checkpoint(encode_checkpoint(state));
  REQUIRE(back);
  Refusals restarted;
  restarted.restore(back->refusals);
  CHECK(restarted.addresses() == refusals.addresses());
  CHECK(cached(restarted, "1@b.test"));
}

}  // namespace
}  // namespace agent
