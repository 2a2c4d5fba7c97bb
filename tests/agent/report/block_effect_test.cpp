#include "agent/report/block_effect.h"

#include "tests/catch.h"

using namespace agent;

namespace {

parsers::Prefix prefix_of(std::string_view id, std::string_view payload) {
  return {{}, id, payload};
}

Decision decision_on(IdentityKind kind, const std::string& identity) {
  Decision decision;
  decision.identity_kind = kind;
  decision.identity = identity;
  return decision;
}

}  // namespace

TEST_CASE("recipients belong to the side on which their message was accepted") {
  BlockEffect outflow;
  outflow.accepted("early", IdentityKind::user, "eve");
  outflow.accepted("other", IdentityKind::user, "ann");
  outflow.refused(IdentityKind::user, "Eve");
  outflow.decided(decision_on(IdentityKind::user, "eve"));
  outflow.accepted("late", IdentityKind::user, "EVE");
  outflow.refused(IdentityKind::user, "eve");
  for (const auto* id : {"early", "late", "other"}) {
    outflow.entry(prefix_of(id, "== c@d R=r defer (-44): later"));
    outflow.entry(prefix_of(id, "=> a@b R=r T=t"));
    outflow.entry(prefix_of(id, "** c@d: Unrouteable address"));
    outflow.entry(prefix_of(id, "Completed"));
    outflow.entry(prefix_of(id, "=> after@its.end R=r T=t"));
  }
  const auto account = outflow.account(0);
  CHECK(account.before.messages == 1);
  CHECK(account.before.recipients == 2);
  CHECK(account.after.messages == 1);
  CHECK(account.after.recipients == 2);
  CHECK(account.refused_after == 1);
}

TEST_CASE("a decision on a network has all its addresses, also those that come later") {
  BlockEffect outflow;
  outflow.accepted("one", IdentityKind::relay, "2001:db8::1");
  outflow.accepted("far", IdentityKind::relay, "2001:db9::1");
  outflow.decided(decision_on(IdentityKind::relay, "2001:db8::/64"));
  outflow.accepted("two", IdentityKind::relay, "2001:db8::2");
  outflow.accepted("user", IdentityKind::user, "2001:db8::3");
  CHECK(outflow.account(0).before.messages == 1);
  CHECK(outflow.account(0).after.messages == 1);
}
