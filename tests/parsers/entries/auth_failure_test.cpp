#include "parsers/entries/auth_failure.h"

#include "tests/catch.h"

namespace parsers {
namespace {

using Scan = AuthFailureScan;

struct Row {
  const char* payload;
  Scan scan;
  const char* host = "";
  const char* set_id = nullptr;
  bool junk_helo = false;
};

TEST_CASE("who failed to log in is told by the address alone, whatever else the client says") {
  const Row rows[] = {
      {"plain authenticator failed for (h) [192.0.2.1]: 535 Incorrect authentication data "
       "(set_id=bob)",
       Scan::read, "192.0.2.1", "bob"},
      // Since Exim 4.99.
      {"plain authenticator failed for H=(h) [192.0.2.1]: 535 Incorrect authentication data "
       "(set_id=bob)",
       Scan::read, "192.0.2.1", "bob"},
      {"login authenticator failed for mx.test (h) [2001:db8::1]:4711 I=[192.0.2.25]:587: 535 "
       "Incorrect authentication data (set_id=bob@example.org)",
       Scan::read, "2001:db8::1", "bob@example.org"},
      {"plain authenticator failed for [192.0.2.1]: 535 Incorrect authentication data", Scan::read,
       "192.0.2.1"},
      // No guess: nonsense, a dialogue that was given up, and a server that could not tell.
      {"plain authenticator failed for (h) [192.0.2.1]: 501 Invalid base64 data", Scan::not_one},
      {"plain authenticator failed for (h) [192.0.2.1]: 501 Authentication cancelled",
       Scan::not_one},
      {"plain authenticator failed for (h) [192.0.2.1] U=i d: 535 x: 535 no (set_id=a)", Scan::read,
       "192.0.2.1", "a"},
      {"plain authenticator failed for (h) [192.0.2.1]: 435 Unable to authenticate at present "
       "(set_id=a): lookup failed",
       Scan::not_one},
      {"plain authenticator failed for (h) [192.0.2.1]: 435 Unable to authenticate at present "
       "(set_id=x: 535 y)",
       Scan::not_one},
      {"plain authenticator failed for (h) [192.0.2.1] U=x: 435 y: 535 no (set_id=a)", Scan::read,
       "192.0.2.1", "a"},
      {"plain authenticator failed for (x) [198.51.100.9]: 535 y) [192.0.2.1]: 435 Unable",
       Scan::ambiguous, "", nullptr, true},
      // A claim may look like anything.
      {"plain authenticator failed for (h) [192.0.2.1]: 535 Incorrect authentication data "
       "(set_id=victim) x)",
       Scan::read, "192.0.2.1", "victim) x"},
      {"plain authenticator failed for (h) [192.0.2.1]: 535 Incorrect authentication data "
       "(set_id=x) [198.51.100.9]: 535 Incorrect (set_id=victim)",
       Scan::read, "192.0.2.1", "x) [198.51.100.9]: 535 Incorrect (set_id=victim"},
      {"plain authenticator failed for (h) [192.0.2.1]: 535 Incorrect authentication data "
       "(set_id=)",
       Scan::read, "192.0.2.1", ""},
      // Where a HELO may hold anything, the address behind it is as likely to be a part of it.
      {"plain authenticator failed for (x) [198.51.100.9]: 535 y) [192.0.2.1]: 535 Incorrect "
       "(set_id=a)",
       Scan::ambiguous, "", nullptr, true},
      {"plain authenticator failed for (h) [192.0.2.1]: 535 Incorrect (set_id=a)", Scan::read,
       "192.0.2.1", "a", true},
      {"plain authenticator failed for ([fe80::1%x) [198.51.100.9]: 535 ]) [192.0.2.1]: 535 no",
       Scan::ambiguous},
      {"plain authenticator failed for (h h) [192.0.2.1]: 535 no", Scan::not_one},
      {"plain authenticator failed for (h) [victim]: 535 no", Scan::not_one},
      {"plain authenticator failed for (h) [192.0.2.1] 535 no", Scan::not_one},
      {"plain authenticator failed for (h) [192.0.2.1]: lookup", Scan::not_one},
      {" authenticator failed for (h) [192.0.2.1]: 535 no", Scan::not_one},
      {"H=(h) [192.0.2.9] Warning: plain authenticator failed for (h) [192.0.2.1]: 535 no",
       Scan::not_one},
  };
  for (const auto& row : rows) {
    INFO(row.payload);
    AuthFailure failure;
    REQUIRE(scan_auth_failure(row.payload, row.junk_helo, failure) == row.scan);
    if (row.scan != Scan::read) continue;
    CHECK(failure.host == row.host);
    CHECK(failure.set_id.has_value() == (row.set_id != nullptr));
    if (row.set_id != nullptr) CHECK(failure.set_id == row.set_id);
  }
}

}  // namespace
}  // namespace parsers
