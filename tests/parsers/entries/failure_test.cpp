#include "parsers/entries/failure.h"

#include "tests/catch.h"

namespace parsers {
namespace {

TEST_CASE("recipient and reason of a failed delivery, whatever the address holds") {
  struct Row {
    const char* payload;
    const char* recipient;
    const char* reason;
  };
  const Row rows[] = {
      {"** nobody@example.com: Unrouteable address", "nobody@example.com", "Unrouteable address"},
      {"** bad1@remote.test R=callout T=smtp H=127.0.0.1 [127.0.0.1]: SMTP error from remote mail "
       "server "
       "after RCPT TO:<bad1@remote.test>: 550-5.1.1 user unknown",
       "bad1@remote.test",
       "SMTP error from remote mail server after RCPT TO:<bad1@remote.test>: 550-5.1.1 user "
       "unknown"},
      {"** nouser@remote.test F=<x@lab.example> P=<x@lab.example> R=remote T=remote_smtp "
       "H=mx.remote "
       "[127.0.0.1]:2526 I=[127.0.0.1]:46116: SMTP error: 550 5.1.1 User unknown DT=0.000s",
       "nouser@remote.test", "SMTP error: 550 5.1.1 User unknown"},
      // The sender wrote one address; an alias made another of it.
      {"** dead@elsewhere.test <list@lab.example> R=remote T=smtp: Unrouteable address",
       "list@lab.example", "Unrouteable address"},
      {"** dead@elsewhere.test (team@lab.example, all@lab.example) <list@lab.example>: Unrouteable "
       "address",
       "list@lab.example", "Unrouteable address"},
      // Printed without its quotes, an address may hold anything.
      {"** a b: smtp error r=x t=y h=z [9.9.9.9]: 451 c@example.com <\"a b: SMTP error R=x T=y H=z "
       "[9.9.9.9]: "
       "451 c\"@example.com>: Unrouteable address",
       "\"a b: SMTP error R=x T=y H=z [9.9.9.9]: 451 c\"@example.com", "Unrouteable address"},
      {"** a b: mailbox full c@example.com <\"a b: mailbox full c\"@example.com>: Unrouteable "
       "address",
       "\"a b: mailbox full c\"@example.com", "Unrouteable address"},
      {"** a@b <\"a\"@b>: mailbox full@d <\"a@b <\\\"a\\\"@b>: mailbox full\"@d>: Unrouteable "
       "address",
       "\"a@b <\\\"a\\\"@b>: mailbox full\"@d", "Unrouteable address"},
      {"** x@y", "x@y", ""},
      {"** x@y R=a T=b DN=\"CN=a: b\": retry timeout exceeded", "x@y", "retry timeout exceeded"},
  };
  for (const auto& row : rows) {
    INFO(row.payload);
    Failure failure;
    REQUIRE(scan_failure(row.payload, failure));
    CHECK(failure.recipient == row.recipient);
    CHECK(failure.reason == row.reason);
  }
  Failure failure;
  CHECK_FALSE(scan_failure("== x@y: later", failure));
}

}  // namespace
}  // namespace parsers
