#include "agent/service/queue_match.h"

#include "tests/catch.h"

using namespace agent;

TEST_CASE("a message is its sender's by what Exim knows of it") {
  actions::QueuedMessage by_user;
  by_user.host = "192.0.2.7";
  by_user.authenticator = "plain";
  by_user.login = "Debian-exim";
  by_user.user = "Alice@Example.org";
  actions::QueuedMessage by_host = by_user;
  by_host.authenticator = by_host.user = "";
  by_host.host = "2001:db8::7";
  actions::QueuedMessage by_login;  // Exim sets the id of local mail to the login
  by_login.login = by_login.user = "www-data";

  struct Case {
    const actions::QueuedMessage* message;
    IdentityKind kind;
    const char* identity;
    bool mine;
  };
  const Case cases[] = {
      {&by_user, IdentityKind::user, "alice@example.org", true},
      {&by_user, IdentityKind::user, "alice", false},
      {&by_user, IdentityKind::user, "", false},
      {&by_user, IdentityKind::relay, "192.0.2.7", false},
      {&by_user, IdentityKind::local, "Debian-exim", false},
      {&by_host, IdentityKind::relay, "2001:db8::7", true},
      {&by_host, IdentityKind::relay, "2001:DB8:0::7", true},
      {&by_host, IdentityKind::relay, "2001:db8::/64", true},
      {&by_host, IdentityKind::relay, "2001:db8:1::/64", false},
      {&by_host, IdentityKind::user, "", false},
      {&by_host, IdentityKind::local, "Debian-exim", false},
      {&by_login, IdentityKind::local, "www-data", true},
      {&by_login, IdentityKind::user, "www-data", false},
      {&by_login, IdentityKind::relay, "", false},
  };
  for (const auto& one : cases) {
    CAPTURE(one.identity);
    CHECK(sent_by(*one.message, one.kind, one.identity, {}) == one.mine);
  }
}
