// The scan of one rejection entry, table by table: what Exim prints under its settings, the attacks
// known on readers of its log, and what must stay in doubt.
#include "parsers/entries/rejection.h"

#include <string>

#include "parsers/fields/argument.h"
#include "parsers/fields/host_field.h"
#include "tests/catch.h"

namespace parsers {
namespace {

// "authenticator:id@host (F) argument | text", with "-" for what the line has not.
std::string outcome(std::string_view payload, bool junk_helo = false) {
  const auto scan = scan_rejection(payload, junk_helo);
  if (!scan.rejection) return "no: " + std::string(name_of(scan.failed));
  const auto& found = *scan.rejection;
  const std::string host(found.host.value_or("-"));
  if (scan.doubt == Doubt::helo) return "doubt: helo";
  if (scan.doubt == Doubt::ident_or_dn) return "doubt: ident or dn, " + host;
  if (scan.doubt == Doubt::second_verb) return "doubt: login, " + host;
  std::string text;
  text += found.authenticator.value_or("-");
  text += ":";
  text += found.id.value_or("-");
  text += "@" + host + " (";
  text += found.sender;
  text += ") ";
  if (found.temporary) text += "temporarily ";
  text += found.argument;
  text += " | ";
  text += found.text;
  return text;
}

struct Line {
  const char* payload;
  const char* outcome;
};

TEST_CASE("every form of the fields around a refusal") {
  const Line lines[] = {
      {"H=(client.test) [127.0.0.1] F=<bob@example.com> A=plain:bob@example.com rejected RCPT "
       "<nobody@example.com>: Unrouteable address",
       "plain:bob@example.com@127.0.0.1 (bob@example.com) <nobody@example.com> | Unrouteable "
       "address"},
      {"H=[192.0.2.1] F=<> rejected RCPT <a@b>: Unrouteable address",
       "-:-@192.0.2.1 () <a@b> | Unrouteable address"},
      {"H=mail.example [2001:db8::1]:45118 I=[2001:db8::25]:25 F=<a@b> rejected RCPT <c@d>: x",
       "-:-@2001:db8::1 (a@b) <c@d> | x"},
      {"H=mail.example ([192.0.2.9]) [192.0.2.9] F=<a@b> A=login:x rejected RCPT <c@d>: x",
       "login:x@192.0.2.9 (a@b) <c@d> | x"},
      {"H=(tls) [127.0.0.1]:45118 I=[127.0.0.1]:2525 X=TLS1.3:ECDHE__AES_256_GCM:256 CV=no "
       "SNI=sni.example F=<> A=plain:bob rejected RCPT <a@b>: x",
       "plain:bob@127.0.0.1 () <a@b> | x"},
      {"H=(h) [127.0.0.1] I=[127.0.0.1] F=<> A=plain:bob rejected RCPT <a@b>: x",
       "plain:bob@127.0.0.1 () <a@b> | x"},
      // 4.97: +connection_id; 4.99: CV= only with a certificate; resumed sessions get a "*"
      {"H=(h) [127.0.0.1]:36358 I=[127.0.0.1]:2525 Ci=2635 F=<a@b> A=plain:bob rejected RCPT "
       "<c@d>: x",
       "plain:bob@127.0.0.1 (a@b) <c@d> | x"},
      {"H=(h) [127.0.0.1] Ci=2635 X=TLS1.3:AES:256* F=<a@b> A=plain:bob rejected RCPT <c@d>: x",
       "plain:bob@127.0.0.1 (a@b) <c@d> | x"},
      {"H=(h) [127.0.0.1] X=TLS1.3:AES:256 CV=yes DN=\"CN=client,O=x\" F=<a@b> A=plain:bob "
       "rejected "
       "RCPT <c@d>: x",
       "plain:bob@127.0.0.1 (a@b) <c@d> | x"},
      {"H=(h) [127.0.0.1] X=a:b:1 CV=yes DN=\"/O=x/CN=h\" SNI=a.b F=<a@b> A=plain:bob rejected "
       "RCPT "
       "<c@d>: x",
       "plain:bob@127.0.0.1 (a@b) <c@d> | x"},
      // before 4.95 the SNI was quoted
      {"H=(h) [127.0.0.1] X=a:b:1 CV=no SNI=\"a b\" F=<a@b> A=plain:bob rejected RCPT <c@d>: x",
       "plain:bob@127.0.0.1 (a@b) <c@d> | x"},
      // +dnssec and a secure PTR
      {" DSH=mail.example (h) [127.0.0.1] F=<a@b> A=plain:bob rejected RCPT <c@d>: x",
       "plain:bob@127.0.0.1 (a@b) <c@d> | x"},
      // ident, as of a host that runs the service
      {"H=(h) [127.0.0.1] U=root F=<> A=plain:bob rejected RCPT <c@d>: x",
       "plain:bob@127.0.0.1 () <c@d> | x"},
      {"H=(h) [127.0.0.1] U=two words Ci=7 X=a:b:1 F=<> A=plain:bob rejected RCPT <c@d>: x",
       "plain:bob@127.0.0.1 () <c@d> | x"},
      // without ident those words are an ACL's or a remote server's own
      {"H=(h) [127.0.0.1] F=<> A=plain:bob rejected RCPT <c@d>: x Warning: rejected MAIL",
       "plain:bob@127.0.0.1 () <c@d> | x Warning: rejected MAIL"},
      // 4.100: results between the id and the verb
      {"H=(h) [127.0.0.1] F=<a@b> A=plain:bob SPF=pass DMARC=none rejected RCPT <c@d>: x",
       "plain:bob@127.0.0.1 (a@b) <c@d> | x"},
      {"H=(h) [127.0.0.1] F=<a@b> A=plain:bob SPF DMARC temporarily rejected RCPT <c@d>: x",
       "plain:bob@127.0.0.1 (a@b) temporarily <c@d> | x"},
      {"H=(h) [127.0.0.1] F=<a@b> SPF=softfail rejected RCPT <c@d>: x",
       "-:-@127.0.0.1 (a@b) <c@d> | x"},
      // authenticators that set no id, ids with blanks, colons, quotes; no text
      {"H=(h) [127.0.0.1] F=<> A=noid rejected RCPT <c@d>: x", "noid:@127.0.0.1 () <c@d> | x"},
      {"H=(h) [127.0.0.1] F=<> A=plain: rejected RCPT <c@d>: x", "plain:@127.0.0.1 () <c@d> | x"},
      {"H=(h) [127.0.0.1] F=<> A=plain: two  words  rejected RCPT <c@d>: x",
       "plain: two  words @127.0.0.1 () <c@d> | x"},
      {"H=(h) [127.0.0.1] F=<> A=plain:a:b\"<c>\\303\\251 rejected RCPT <c@d>",
       "plain:a:b\"<c>\\303\\251@127.0.0.1 () <c@d> | "},
      // exim -bs on the machine
      {"U=nobody F=<\"a b\"@example.com> rejected RCPT <c@d>: relay not permitted",
       "-:-@- (\"a b\"@example.com) <c@d> | relay not permitted"},
  };
  for (const auto& line : lines) {
    INFO(line.payload);
    CHECK(outcome(line.payload) == line.outcome);
  }
}

TEST_CASE("forged text in a field charges who wrote it, nobody else") {
  const Line lines[] = {
      // in the sender, with and without an escaped quote
      {"H=(h) [127.0.0.1] F=<\"x> A=plain:victim rejected RCPT <y@z>: Unrouteable "
       "address\"@example.com> A=plain:bob rejected RCPT <c@d>: Unrouteable address",
       "plain:bob@127.0.0.1 (\"x> A=plain:victim rejected RCPT <y@z>: Unrouteable "
       "address\"@example.com) <c@d> | Unrouteable address"},
      {"H=(h) [127.0.0.1] F=<\"a\\\"> A=plain:v rejected RCPT <z\"@b> rejected RCPT <c@d>: relay "
       "not "
       "permitted",
       "-:-@127.0.0.1 (\"a\\\"> A=plain:v rejected RCPT <z\"@b) <c@d> | relay not permitted"},
      // in the recipient
      {"H=(h) [127.0.0.1] F=<a@b> A=plain:bob rejected RCPT <\"quoted > A=plain:victim rejected "
       "RCPT "
       "<x\"@example.com>: Unrouteable address",
       "plain:bob@127.0.0.1 (a@b) <\"quoted > A=plain:victim rejected RCPT <x\"@example.com> | "
       "Unrouteable address"},
      {"H=(h) [127.0.0.1] F=<a@b> A=plain:bob rejected RCPT <\") [9.9.9.9] F=<> A=plain:v rejected "
       "RCPT <x\"@d>: Unrouteable address",
       "plain:bob@127.0.0.1 (a@b) <\") [9.9.9.9] F=<> A=plain:v rejected RCPT <x\"@d> | "
       "Unrouteable "
       "address"},
      {"H=(h) [127.0.0.1] F=<\") [9.9.9.9] F=<> A=plain:v rejected RCPT <x\"@d> A=plain:bob "
       "rejected "
       "RCPT <c@d>: x",
       "plain:bob@127.0.0.1 (\") [9.9.9.9] F=<> A=plain:v rejected RCPT <x\"@d) <c@d> | x"},
      // in what a remote server answers
      {"H=(h) [127.0.0.1] F=<a@b> A=plain:bob rejected RCPT <c@d>: h [1.2.3.4] : SMTP error from "
       "remote mail server after RCPT TO:<c@d>: 550-rejected RCPT <e@f> A=plain:victim H=(x) "
       "[9.9.9.9] F=<> rejected RCPT <e@f>: x\\n550 5.1.1 end",
       "plain:bob@127.0.0.1 (a@b) <c@d> | h [1.2.3.4] : SMTP error from remote mail server after "
       "RCPT TO:<c@d>: 550-rejected RCPT <e@f> A=plain:victim H=(x) [9.9.9.9] F=<> rejected RCPT "
       "<e@f>: x\\n550 5.1.1 end"},
      // in a certificate's name, where the library escapes quotes
      {"H=(h) [127.0.0.1] X=a:b:1 CV=no DN=\"CN=x\\\" F=\\<a@b\\> rejected RCPT\" F=<\"a\" F=<b> "
       "rejected RCPT <c\"@d> A=plain:bob rejected RCPT <e@f>: x",
       "no: sender"},
      {"H=(h) [127.0.0.1] X=a:b:1 CV=no DN=\"CN=x\\\" F=\\<a@b\\> rejected RCPT\" F=<\"a F=<b> "
       "rejected RCPT <c\"@d> A=plain:bob rejected RCPT <e@f>: x",
       "plain:bob@127.0.0.1 (\"a F=<b> rejected RCPT <c\"@d) <e@f> | x"},
      // in a server name: a blank is printed as \040
      {"H=(h) [127.0.0.1] X=a:b:1 CV=no SNI=x\\040F=<a@b>\\040rejected\\040RCPT F=<> A=plain:bob "
       "rejected RCPT <c@d>: x",
       "plain:bob@127.0.0.1 () <c@d> | x"},
  };
  for (const auto& line : lines) {
    INFO(line.payload);
    CHECK(outcome(line.payload) == line.outcome);
  }
}

TEST_CASE("what two honest readings fit stays in doubt") {
  const Line lines[] = {
      // ident answers and names in certificates of OpenSSL builds
      {"H=(h) [127.0.0.1] I=[127.0.0.1]:2525 U=u F=<a@b> A=plain:victim rejected RCPT <c@d>: "
       "Unrouteable address\\001 F=<> A=plain:bob rejected RCPT <e@f>: Unrouteable address",
       "doubt: ident or dn, 127.0.0.1"},
      {"H=(h) [127.0.0.1] X=a:b:1 CV=no DN=\"/O=x\" F=<a@b> A=plain:victim rejected RCPT "
       "<c@d>/CN=h\" "
       "SNI=a.b F=<> rejected RCPT <e@f>: x",
       "doubt: ident or dn, 127.0.0.1"},
      // the same where the entry is about something else, so that the forged refusal is the only
      // one
      {"H=(h) [127.0.0.1] U=u F=<a@b> A=plain:victim rejected RCPT <c@d>: no such user incomplete "
       "transaction (QUIT) from <me@lab.example>",
       "doubt: ident or dn, 127.0.0.1"},
      {"H=(h) [127.0.0.1] U=u F=<> rejected RCPT <c@d>: no such user Warning: x",
       "doubt: ident or dn, 127.0.0.1"},
      {"H=(h) [127.0.0.1] U=u F=<a@b> A=plain:victim rejected RCPT <c@d> sender verify fail for "
       "<x@y>: no such user",
       "doubt: ident or dn, 127.0.0.1"},
      {"H=(h) [127.0.0.1] U=u F=<a@b> A=plain:victim rejected MAIL <\"x rejected RCPT <c@d>: z",
       "doubt: ident or dn, 127.0.0.1"},
      {"H=(h) [127.0.0.1] U=u F=<a@b> A=plain:victim rejected RCPT <c@d>: x sender verify defer "
       "for "
       "<x@y>: no such user",
       "doubt: ident or dn, 127.0.0.1"},
      {"H=(h) [127.0.0.1] U=u F=<a@b> A=plain:victim rejected RCPT <c@d>: x F=<> RCPT <e@f>: "
       "discarded by RCPT ACL",
       "doubt: ident or dn, 127.0.0.1"},
      {"H=(h) [127.0.0.1] U=u F=<a@b> A=plain:victim rejected RCPT <c@d>: x dropped by \"connect\" "
       "ACL",
       "doubt: ident or dn, 127.0.0.1"},
      {"H=(h) [127.0.0.1] U=u F=<a@b> A=plain:victim rejected RCPT <c@d>: x temporarily rejected "
       "MAIL <e@f>: x",
       "doubt: ident or dn, 127.0.0.1"},
      {"H=(h) [127.0.0.1] U=u F=<a@b> A=plain:victim rejected RCPT <c@d rejected EHLO or HELO x: y",
       "doubt: ident or dn, 127.0.0.1"},
      {"H=(h) [127.0.0.1] X=a:b:1 CV=no DN=\"/O=x\" F=<a@b> A=plain:victim rejected RCPT "
       "<c@d>: no such user/CN=h\" rejected MAIL <x@y>: z",
       "doubt: ident or dn, 127.0.0.1"},
      // a name that begins with a quote against the quoted form of old versions
      {"H=(h) [127.0.0.1] X=a:b:1 SNI=\"abc F=<a@b> A=plain:bob rejected RCPT <\"x\" F=<a@b> "
       "A=plain:victim rejected RCPT <y\"@z>: x",
       "doubt: ident or dn, 127.0.0.1"},
      // logins that hold the words
      {"H=(h) [127.0.0.1] F=<> A=plain:bob rejected RCPT <y@z> rejected RCPT <c@d>: x",
       "doubt: login, 127.0.0.1"},
      {"H=(h) [127.0.0.1] F=<> A=plain:bob rejected RCPT a rejected RCPT <c@d>: x",
       "doubt: login, 127.0.0.1"},
      {"H=(h) [127.0.0.1] F=<> A=plain:bob rejected RCPT <y@z>: Unrouteable address rejected RCPT "
       "<c@d>: Unrouteable address",
       "doubt: login, 127.0.0.1"},
      // What would be the short login's argument is none: a bare "[" can't be in a local part.
      {R"(H=(h) [127.0.0.1] F=<b@c> A=plain: rejected RCPT <[" SNI= rejected RCPT x\: y="@d>: no)",
       "doubt: login, 127.0.0.1"},
      // before CVE-2023-42117 was mended, a literal with a scope could hold anything
      {"H=([fe80::1%]) [9.9.9.9] F=<a@b.com> A=plain:victim rejected RCPT <c@d.com>: h.d.com "
       "[9.9.9.9] : SMTP error from remote mail server after RCPT TO:<c@d.com>: 550 5.1.1 no such "
       "user]) [198.51.100.7] F=<real@x.com> rejected RCPT <nobody@example.com>: Unrouteable "
       "address",
       "doubt: helo"},
      {"H=([fe80::1%eth0]) [127.0.0.1] F=<> A=plain:bob rejected RCPT <c@d>: x",
       "plain:bob@127.0.0.1 () <c@d> | x"},
      // a HELO that holds a whole entry
      {"H=(x) [9.9.9.9] F=<a@b> A=plain:victim rejected RCPT <c@d>: Unrouteable address) "
       "[127.0.0.1] "
       "F=<real@example.com> A=plain:bob rejected RCPT <e@f>: Unrouteable address",
       "doubt: helo"},
      {"H=(x) [9.9.9.9] F=<a@b> A=plain:victim rejected RCPT <c) [127.0.0.1] F=<real@example.com> "
       "A=plain:bob rejected RCPT <e@f>: Unrouteable address",
       "doubt: helo"},
  };
  for (const auto& line : lines) {
    INFO(line.payload);
    CHECK(outcome(line.payload) == line.outcome);
  }
}

TEST_CASE("with junk allowed in HELO a second host anywhere is a doubt") {
  const char* in_sender =
      "H=(x) [9.9.9.9] F=<\"y) [127.0.0.1] F=<> A=plain:bob rejected RCPT <z\"@d> A=plain:victim "
      "rejected RCPT <c@d>: x";
  CHECK(outcome(in_sender, true) == "doubt: helo");
  CHECK(outcome(in_sender, false).starts_with("plain:victim@9.9.9.9"));
  // Nothing of the kind: junk or not makes no difference.
  const char* plain = "H=(h) [127.0.0.1] F=<> A=plain:bob rejected RCPT <c@d>: x";
  CHECK(outcome(plain, true) == outcome(plain, false));
}

// Each as Exim 4.96 really prints it; the client wrote the argument in order not to be counted.
TEST_CASE("an argument in odd dress doesn't hide the login or the reason") {
  const char* arguments[] = {
      "<nobody@lab.example>(",
      "<nobody@lab.example>(foo",
      "<no@lab.example>(\\",
      "<no@lab.example>(a\"b",
      "<no@lab.example>(a (b)=c",
      "<no@lab.example>(x: relay not permitted=",
      "<@a: spam=z@lab.example>",
      "@a: spam=z@lab.example",
      "(c) @a: x=y@lab.example",
      "q <@a: x=y@lab.example>",
      "a rejected RCPT b=<no@lab.example>",
      "a rejected RCPT <no=b@lab.example>",
      "(x rejected RCPT y=z)<no@lab.example>",
      "<no(x rejected RCPT y=z)@lab.example>",
      "<no@lab.example>(x rejected RCPT y=z)",
      "a <no@lab.example>(x=y z: k=v",
      "a\"b: c=d\"<no@lab.example>",
      "a\\: b=c=<no@lab.example>",
      "\"x: y\"<no@lab.example>",
      "<\"a\\\": b=c\"@lab.example>",
      "<\"a\".\"b: c=d\"@lab.example>",
      "(a\\): b=c)<no@lab.example>",
      "(a\"b: c=d)<no@lab.example>",
      "<(a\"b: c=d)no@lab.example>",
      "x \"y (z: q\" p=<no@lab.example>",
      "(c: d)=<no@lab.example>",
      "Foo Bar=<no@lab.example>",
      "<a\\=b@lab.example>",
      "no@lab.example",
  };
  for (const char* argument : arguments) {
    const auto line = std::string("H=(h) [192.0.2.1] F=<> A=plain:bob rejected RCPT ") + argument +
                      ": Unrouteable address";
    INFO(line);
    CHECK(outcome(line) ==
          std::string("plain:bob@192.0.2.1 () ") + argument + " | Unrouteable address");
  }
}

TEST_CASE("the argument is cut at 100 bytes, wherever its quotes stand") {
  const std::string long_quoted =
      "<\"" + std::string(60, 'a') + ": " + std::string(60, 'b') + "\"@c>";
  const auto cut = long_quoted.substr(0, 100);
  const std::string start = "H=(h) [192.0.2.1] F=<> A=plain:bob rejected RCPT ";
  CHECK(outcome(start + cut + ": Unrouteable address") ==
        "plain:bob@192.0.2.1 () " + cut + " | Unrouteable address");
  CHECK(outcome(start + cut) == "plain:bob@192.0.2.1 () " + cut + " | ");
  CHECK(outcome(start + cut + "b: Unrouteable address") == "no: verb");
  const auto verb = ("a rejected RCPT " + std::string(100, 'b')).substr(0, 100);
  CHECK(outcome(start + verb + ": x") == "plain:bob@192.0.2.1 () " + verb + " | x");
}

TEST_CASE("a byte that a syslog daemon escapes takes one of the argument's hundred") {
  const std::string start = "H=(h) [192.0.2.1] F=<> A=plain:bob rejected RCPT ";
  const auto read = [&](const std::string& line, bool escaped) -> std::string {
    const auto scan = scan_rejection(line, false, escaped);
    if (!scan.rejection) return "no: " + std::string(name_of(scan.failed));
    return std::string(scan.rejection->argument) + " | " + std::string(scan.rejection->text);
  };
  for (const std::string escape : {"#015", "#033", "#177", "#303"}) {
    const auto cut = "<\"" + escape + std::string(96, 'a') + escape;  // 100 bytes to Exim
    INFO(cut);
    CHECK(read(start + cut + ": no", true) == cut + " | no");
    CHECK(read(start + cut, true) == cut + " | ");
    CHECK(read(start + cut + "a: no", true) == "no: verb");
    CHECK(read(start + cut + ": no", false) == "no: verb");
  }
  // What is no escape, and an argument that is whole as it is.
  for (const std::string other : {"#115", "#400", "#01", "#0x5"}) {
    const auto cut = "<\"" + other + std::string(98, 'a');
    INFO(cut);
    CHECK(read(start + cut + ": no", true) == "no: verb");
  }
  const auto literal = ("<\"#015" + std::string(94, 'a'));
  CHECK(read(start + literal + ": no", true) == literal + " | no");
  CHECK(read(start + "<\"#015\"@b.c>: no", true) == "<\"#015\"@b.c> | no");
}

TEST_CASE("the short way through a plain argument leads where the long one does") {
  struct Case {
    std::string text;
    std::size_t length;
  };
  const std::string long_address = "<" + std::string(97, 'a') + "@";  // 99 bytes
  const Case cases[] = {{"<a@b.c>: no", 7},
                        {"<a@b.c>", 7},
                        {"<>: no", 2},
                        {"<a@b.c> : no", 8},
                        {"<a@b.c>:no", 10},
                        {"<a@b.c>(x: no", 9},
                        {"<@a>: b", 7},  // a source route that has not ended
                        {"<@a:b@c>: no", 8},
                        {long_address + ">: no", 100},
                        {long_address + "b>: no", 100},
                        {"a@b.c: no", 5}};
  for (const auto& c : cases) {
    INFO(c.text);
    CHECK(argument_length(c.text) == c.length);
  }
}

TEST_CASE("a line that deviates is not read at all") {
  const Line lines[] = {
      {"", "no: not_ours"},
      {"H=", "no: host"},
      {"H=(h) 127.0.0.1 F=<> rejected RCPT <c@d>: x", "no: host"},
      {"H=(h) [127.0.0.256] F=<> rejected RCPT <c@d>: x", "no: host"},
      {"H=(h) [127.0.0.01] F=<> rejected RCPT <c@d>: x", "no: host"},
      {"H=(two words) [127.0.0.1] F=<> rejected RCPT <c@d>: x", "no: host"},
      {"H=na(me (h) [127.0.0.1] F=<> rejected RCPT <c@d>: x", "no: host"},
      {"H=(h)  [127.0.0.1] F=<> rejected RCPT <c@d>: x", "no: host"},
      {"H=(h) [127.0.0.1] I=x F=<> rejected RCPT <c@d>: x", "no: interface"},
      {"H=(h) [127.0.0.1] F=<a b> rejected RCPT <c@d>: x", "no: sender"},
      {"H=(h) [127.0.0.1] F=<(a)b@c> rejected RCPT <c@d>: x", "no: sender"},
      {"H=(h) [127.0.0.1] F=<\"a@b> rejected RCPT <c@d>: x", "no: sender"},
      {"H=(h) [127.0.0.1] rejected RCPT <c@d>: x", "no: sender"},
      {"H=(h) [127.0.0.1] F=<> A= rejected RCPT <c@d>: x", "no: auth"},
      {"H=(h) [127.0.0.1] F=<> P=esmtp rejected RCPT <c@d>: x", "no: verb"},
      {"H=(h) [127.0.0.1] F=<> RCPT <c@d>: discarded by RCPT ACL", "no: verb"},
      {"H=(h) [127.0.0.1] Warning: rejected RCPT <c@d>: x", "no: sender"},
      {"rejected RCPT <c@d>: x", "no: not_ours"},
  };
  for (const auto& line : lines) {
    INFO(line.payload);
    CHECK(outcome(line.payload) == line.outcome);
  }
}

TEST_CASE("a HELO that only helo_accept_junk_hosts lets pass is told") {
  CHECK(is_junk_helo("H=(two words) [127.0.0.1] F=<>"));
  CHECK(is_junk_helo("H=name (a<b) [127.0.0.1] F=<>"));
  CHECK_FALSE(is_junk_helo("H=(plain.example) [127.0.0.1] F=<>"));
  CHECK_FALSE(is_junk_helo("H=([127.0.0.5]) [127.0.0.1] F=<>"));
  CHECK_FALSE(is_junk_helo("H=[127.0.0.1] F=<\"(a b) [c\"@d>"));
  CHECK_FALSE(is_junk_helo("H=name [127.0.0.1] F=<\"(a b) [c\"@d>"));
}

}  // namespace
}  // namespace parsers
