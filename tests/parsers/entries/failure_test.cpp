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

TEST_CASE("a delivery that was put off is read likewise") {
  Failure failure;
  REQUIRE(scan_deferral(
      "== tmp@remote.test <a@lab.example> R=callout T=smtp defer (-44) H=127.0.0.1 [127.0.0.1]: "
      "SMTP error from remote mail server after RCPT TO:<tmp@remote.test>: 451-4.2.1 greylisted",
      failure));
  CHECK(failure.recipient == "a@lab.example");
  CHECK(failure.reason ==
        "SMTP error from remote mail server after RCPT TO:<tmp@remote.test>: 451-4.2.1 greylisted");
  REQUIRE(scan_deferral("== x@y routing defer (-51): retry time not reached", failure));
  CHECK(failure.reason == "retry time not reached");
  REQUIRE(scan_deferral("== x@y R=a T=b defer (111)", failure));
  CHECK(failure.reason.empty());
  CHECK_FALSE(scan_deferral("** x@y: gone", failure));
  CHECK_FALSE(scan_deferral("=> x@y R=a", failure));
}

TEST_CASE("only an answer to a recipient or to the message is about the message") {
  const std::string begin = "SMTP error from remote mail server after ";
  for (const char* command : {"RCPT TO:<a@b>: 550 no", "end of data: 554 no", "DATA: 554 no",
                              "pipelined DATA: 554 no", "pipelined end of data: 554 no"}) {
    INFO(command);
    CHECK(is_remote_answer(begin + command));
  }
  for (const char* command : {"MAIL FROM:<a@b>: 550 no", "pipelined MAIL FROM:<a@b>: 550 no",
                              "initial connection: 554 no", "HELO mx: 550 no", ""}) {
    INFO(command);
    CHECK_FALSE(is_remote_answer(begin + command));
  }
  CHECK_FALSE(is_remote_answer("Unrouteable address: " + begin + "DATA: 554 spam"));
}

}  // namespace
}  // namespace parsers
