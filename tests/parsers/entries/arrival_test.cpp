#include "parsers/entries/arrival.h"

#include <string>
#include <vector>

#include "tests/catch.h"

namespace parsers {
namespace {

struct Row {
  std::string payload;
  ArrivalScan scan;
  std::string who;  // "user@host", "-@host", "login" ...
};

std::string who(const Arrival& arrival) {
  if (arrival.login && !arrival.host && !arrival.id) return "login " + std::string(*arrival.login);
  const auto id = arrival.id ? std::string(*arrival.id) : arrival.authenticator ? "noid" : "-";
  return id + " at " + std::string(arrival.host.value_or("here"));
}

void check(const std::vector<Row>& rows, bool junk_helo = false) {
  for (const auto& row : rows) {
    INFO(row.payload);
    Arrival arrival;
    CHECK(scan_arrival(row.payload, junk_helo, arrival) == row.scan);
    if (row.scan == ArrivalScan::read) CHECK(who(arrival) == row.who);
  }
}

constexpr auto kRead = ArrivalScan::read;

TEST_CASE("who submitted a message, in every dress of the entry") {
  check({
      {"<= bob@example.com H=(h) [127.0.0.1] P=esmtpa A=plain:bob@example.com S=207", kRead,
       "bob@example.com at 127.0.0.1"},
      {"<= <> H=(localhost) [198.51.100.10]:44605 I=[192.0.2.25]:25 P=esmtpa L.- A=plain:mallory "
       "S=291 "
       "M8S=0 RT=0.000s id*=E1x@mx T=\"i\" from <> for bob@lab.example",
       kRead, "mallory at 198.51.100.10"},
      {"<= #hash H=(mail.sender.test) [198.51.100.12]:44887 I=[192.0.2.25]:25 P=esmtpsa L.- "
       "X=TLS1.3:ECDHE_X25519__RSA_PSS_RSAE_SHA256__AES_256_GCM:256 CV=no SNI=mx.lab.example "
       "A=plain:#hash "
       "S=389 M8S=0 RT=0.000s T=\"report 3\" from <sender1@lab.example> for a@lab.example "
       "b@lab.example",
       kRead, "#hash at 198.51.100.12"},
      {"<= john doe H=(h) [198.51.100.12] P=esmtpa A=plain:john doe S=389", kRead,
       "john doe at 198.51.100.12"},
      {"<= quote\"user H=(h) [198.51.100.12] P=esmtpa A=plain:quote\"user S=389", kRead,
       "quote\"user at 198.51.100.12"},
      {"<= x H=host.example (h) [2001:db8::1] P=esmtps X=TLS1.3:x:256 CV=no K S=299 "
       "id=abc@out.test",
       kRead, "- at 2001:db8::1"},
      {"<= x H=(h) [192.0.2.1] P=esmtpsa X=TLS1.3:x:256 CV=no A=noid PRDR K S=299", kRead,
       "noid at 192.0.2.1"},
      {"<= x H=(h) [192.0.2.1] Ci=77 P=esmtpsa A=plain:bob PRDR PRX=192.0.2.9 K S=299", kRead,
       "bob at 192.0.2.1"},
      // results of SPF and DMARC since 4.100
      {"<= x@y H=(h) [192.0.2.1] P=esmtpsa SPF=none DMARC X=TLS1.3:x:256 A=plain:bob S=1", kRead,
       "bob at 192.0.2.1"},
      {"<= x@y H=(h) [192.0.2.1] P=esmtpa SPF A=plain:bob S=1", kRead, "bob at 192.0.2.1"},
      // a HELO of a scope that old versions did not look into
      {"<= x@y H=([fe80::1%]) [9.9.9.9] P=esmtp S=1 ]) [198.51.100.7] P=esmtp S=500 id=a@b",
       ArrivalScan::ambiguous, ""},
      {"<= x@y H=([fe80::1%eth0]) [192.0.2.1] P=esmtpa A=plain:bob S=1", kRead, "bob at 192.0.2.1"},
      {"<= www@example.com U=www-data P=local S=547", kRead, "login www-data"},
      {"(= x@y H=(h) [192.0.2.1] P=esmtpa A=plain:bob S=1", kRead, "bob at 192.0.2.1"},
      {"<= x@y DS H=mx.example [192.0.2.1] TFO* P=esmtp S=1", kRead, "- at 192.0.2.1"},
      {"=> x@y H=(h) [192.0.2.1] P=esmtpa A=plain:bob S=1", ArrivalScan::not_an_arrival, ""},
      {"<= x@y H=(h) [192.0.2.1] P=esmtpa A=plain:bob", ArrivalScan::unreadable, ""},
      {"<= x@y", ArrivalScan::unreadable, ""},
      {"<= ", ArrivalScan::unreadable, ""},
  });
  Arrival bounce;
  CHECK(scan_arrival("<= <> R=1xVRai-0000ps-0R U=Debian-exim P=local S=2018", false, bounce) ==
        kRead);
  CHECK(bounce.sender.empty());
  CHECK(bounce.reference == "1xVRai-0000ps-0R");
}

TEST_CASE("what a client writes into sender, Message-ID and subject names nobody else") {
  const std::string bob = "H=(h) [192.0.2.1] P=esmtpa A=plain:bob S=205";
  check({
      {"<= \"x H=(h) [9.9.9.9] P=esmtpa A=plain:victim S=1 id=\"@evil.test " + bob, kRead,
       "bob at 192.0.2.1"},
      {"<= \"a\\\" H=(h) [9.9.9.9] P=esmtpa A=plain:victim S=1\"@evil.test " + bob, kRead,
       "bob at 192.0.2.1"},
      {"<= x@y " + bob + " id=\"a S=1 id=b\"@c", kRead, "bob at 192.0.2.1"},
      {"<= x@y " + bob + " id=\"a S=1 id=\\\"b\"@c", kRead, "bob at 192.0.2.1"},
      {"<= x@y " + bob + " T=\"x S=1 from <\" from <x@y> for a@b", kRead, "bob at 192.0.2.1"},
      {"<= x@y " + bob + " T=\"x\\\" S=1\" from <x@y> for \"a S=1 b\"@c", kRead,
       "bob at 192.0.2.1"},
      {"<= x@y " + bob + " T=\") [9.9.9.9] P=esmtpa A=plain:victim S=1\"", kRead,
       "bob at 192.0.2.1"},
      // A login that holds a size: its end can't be told.
      {"<= x@y H=(h) [192.0.2.1] P=esmtpa A=plain:victim S=1 id=x S=205 id=real@x",
       ArrivalScan::ambiguous, ""},
      {"<= x@y H=(h) [192.0.2.1] P=esmtpa A=plain:victim S=1 S=205 id=real@x", kRead,
       "victim S=1 at 192.0.2.1"},
      // Free text of ident and of OpenSSL's certificate names.
      {"<= x@y H=(h) [192.0.2.1] U=u P=esmtpa A=plain:victim S=1 P=esmtpa A=plain:bob S=205",
       ArrivalScan::ambiguous, ""},
      {"<= x@y H=(h) [192.0.2.1] U=root user P=esmtpa A=plain:bob S=205", kRead,
       "bob at 192.0.2.1"},
      {"<= x@y H=(h) [192.0.2.1] P=esmtpsa X=a:b CV=no DN=\"/O=x\" A=plain:victim S=1 /CN=h\" "
       "A=plain:bob S=2",
       ArrivalScan::ambiguous, ""},
      {"<= x@y H=(h) [192.0.2.1] P=esmtpsa X=a:b CV=no DN=\"CN=h\" SNI=a A=plain:bob S=2", kRead,
       "bob at 192.0.2.1"},
  });
  check(
      {
          {"<= x@y H=(x) [9.9.9.9] P=esmtpa A=plain:victim S=1 T=y for ) [192.0.2.1] P=esmtpa "
           "A=plain:bob S=2",
           ArrivalScan::ambiguous, ""},
          {"<= x@y H=(h) [192.0.2.1] P=esmtpa A=plain:bob S=2", kRead, "bob at 192.0.2.1"},
      },
      true);
}

TEST_CASE("size and subject are Exim's own, whatever a client put before them") {
  struct Case {
    const char* payload;
    std::uint64_t size;
    const char* subject;
  };
  const Case cases[] = {
      {R"(<= a@b H=(h) [192.0.2.1] P=esmtpa A=plain:bob S=207)", 207, ""},
      {R"(<= a@b U=www P=local S=12 id=x@y T="say \"hi\" \\" from <a@b> for c@d)", 12,
       R"(say \"hi\" \\)"},
      {R"(<= " S=1 T=\"fake\""@b H=(h) [192.0.2.1] P=esmtpa A=plain:bob S=5 T="real")", 5, "real"},
      {R"(<= a@b H=(h) [192.0.2.1] P=esmtpa A=plain:bob S=5 id=" T=\"fake\""@d T="real")", 5,
       "real"},
      {R"(<= a@b H=(h) [192.0.2.1] P=esmtpa A=plain:bob S=5 id=" T="x" "@d T="real")", 5, "real"},
      {R"(<= a@b H=(h) [192.0.2.1] P=esmtpa A=plain:bob S=5 T="" for " T=\"fake\""@d)", 5, ""},
      {R"(<= a@b H=(h) [192.0.2.1] P=esmtpa A=plain:bob S=5 for " T=\"fake\""@d)", 5, ""},
      {R"(<= a@b H=(h) [192.0.2.1] P=esmtpa S=99999999999999999999999 T="cut")", 0, "cut"},
  };
  for (const auto& row : cases) {
    INFO(row.payload);
    Arrival arrival;
    CHECK(scan_arrival(row.payload, false, arrival) == kRead);
    const auto details = details_of(arrival);
    CHECK(details.size == row.size);
    CHECK(details.subject == row.subject);
  }
}

TEST_CASE("the recipients of a message are those that Exim lists, and no client's text") {
  struct Listed {
    const char* payload;
    const char* recipients;
  };
  const Listed rows[] = {
      {"<= a@b.test U=root P=local S=1", ""},
      {"<= a@b.test U=root P=local S=1 for x@y.test z@y.test", "x@y.test z@y.test"},
      {"<= a@b.test U=root P=local S=1 id=1@b T=\"we wait for victim@y.test\" from <a@b.test> for "
       "x@y.test",
       "x@y.test"},
      {"<= a@b.test U=root P=local S=1 T=\"a \\\" for victim@y.test\" for x@y.test", "x@y.test"},
      {"<= a@b.test U=root P=local S=1 for \"a b\"@y.test x@y.test", "\"a b\"@y.test x@y.test"},
  };
  for (const auto& row : rows) {
    INFO(row.payload);
    Arrival arrival;
    REQUIRE(scan_arrival(row.payload, false, arrival) == ArrivalScan::read);
    CHECK(recipients_of(arrival) == row.recipients);
  }
}

}  // namespace
}  // namespace parsers
