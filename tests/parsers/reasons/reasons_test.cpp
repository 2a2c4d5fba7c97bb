// What servers answer to RCPT, against the built-in patterns.
#include "parsers/reasons/reasons.h"

#include <re2/re2.h>

#include <fstream>
#include <random>
#include <string>
#include <vector>

#include "parsers/fields/argument.h"
#include "parsers/reasons/reason_text.h"
#include "parsers/reasons/reasons_default.h"
#include "tests/catch.h"

namespace parsers {
namespace {

const std::string kRecipient = "<user@example.com>";

struct Answer {
  std::string expected, text, source;
};

std::vector<Answer> answers() {
  std::ifstream file(TEST_DATA "/../corpus/reasons.tsv");
  REQUIRE(file);
  std::vector<Answer> all;
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line[0] == '#') continue;
    const auto first = line.find('\t');
    const auto second = line.find('\t', first + 1);
    REQUIRE(second != std::string::npos);
    all.push_back({line.substr(0, first), line.substr(first + 1, second - first - 1),
                   line.substr(second + 1)});
  }
  return all;
}

// As Exim logs it: a server's answer behind its own words, its own texts as they are.
std::string logged(const std::string& text) {
  if (text.empty() || text[0] < '0' || text[0] > '9') return text;
  return "mx.example.com [192.0.2.9] : SMTP error from remote mail server after RCPT TO:" +
         kRecipient + ": " + text;
}

std::string name_of(Reason reason) {
  return reason == Reason::missing ? "missing" : reason == Reason::other ? "other" : "unknown";
}

std::string masked(const std::string& text, const std::string& argument = kRecipient) {
  std::string out;
  mask_reason(text, argument, out);
  return out;
}

TEST_CASE("what real servers answer is taken for what it means") {
  const auto reasons = Reasons::defaults();
  const auto all = answers();
  CHECK(all.size() >= 150);
  for (const auto& answer : all) {
    INFO(answer.text << "   (" << answer.source << ")");
    CHECK_FALSE(answer.source.empty());
    ReasonMemory memory(reasons);
    CHECK(name_of(memory.of(logged(answer.text), kRecipient)) == answer.expected);
  }
}

template <std::size_t N>
void check_patterns(const ReasonPattern (&patterns)[N], const char* meaning) {
  RE2::Options options;
  options.set_case_sensitive(false);
  options.set_encoding(RE2::Options::EncodingLatin1);
  std::vector<std::string> texts;
  for (const auto& answer : answers()) {
    if (answer.expected == meaning) texts.push_back(masked(logged(answer.text)));
  }
  for (const auto& pattern : patterns) {
    INFO(pattern.regex);
    const RE2 regex(pattern.regex, options);
    REQUIRE(regex.ok());
    CHECK(RE2::PartialMatch(pattern.sample, regex));
    bool hit = false;
    for (const auto& text : texts) hit = hit || RE2::PartialMatch(text, regex);
    CHECK(hit);
  }
}

TEST_CASE("every built-in pattern has its sample and a real answer that it is for") {
  check_patterns(kMissing, "missing");
  check_patterns(kOther, "other");
}

TEST_CASE("the samples mean what their patterns are for") {
  const auto reasons = Reasons::defaults();
  for (const auto& pattern : kOther) {
    INFO(pattern.sample);
    CHECK(reasons->classify(pattern.sample) == Reason::other);
  }
  for (const auto& pattern : kMissing) {
    INFO(pattern.sample);
    CHECK(reasons->classify(pattern.sample) == Reason::missing);
  }
}

TEST_CASE("words for a router's :fail: text, in many tongues") {
  const auto reasons = Reasons::defaults();
  for (const char* text : {"no such user",
                           "No such user here.",
                           "Unknown user",
                           "unknown recipient",
                           "User unknown",
                           "user bob unknown",
                           "mailbox does not exist",
                           "Mailbox <user@example.com> does not exist",
                           "This mailbox doesn't exist",
                           "No such mailbox here",
                           "no such address",
                           "No such account",
                           "recipient address does not exist",
                           "550 Not existing recipient",
                           "550 5.1.1 User unknown. Please correct the address and try again.",
                           "No such user here. Please check spelling and try again",
                           "this user does not exist",
                           "account does not exist",
                           "address does not exist",
                           "The address you mailed does not exist",
                           "User not found",
                           "mailbox not found",
                           "recipient not found",
                           "account not found",
                           "address not found",
                           "invalid recipient",
                           "invalid user",
                           "Invalid mailbox",
                           "Invalid address",
                           "non-existent user",
                           "unknown local part",
                           "unknown address",
                           "unknown mailbox",
                           "unknown virtual user",
                           "No mailbox here by that name",
                           "No account by that name",
                           "nobody here by that name",
                           "no one here by that name",
                           "Not a valid recipient",
                           "user@example.com is not a valid address",
                           "not a known user",
                           "there is no such person",
                           "this address no longer exists",
                           "This user no longer works here",
                           "this account has been closed",
                           "mailbox has been deleted",
                           "address is no longer valid",
                           "user has left the company",
                           "she does not work here",
                           "cannot find user bob",
                           "unable to find mailbox",
                           "my text: Unrouteable address",
                           "Benutzer unbekannt",
                           "Empf\303\244nger unbekannt",
                           "Adresse existiert nicht",
                           "utilisateur inconnu",
                           "bo\303\256te inconnue",
                           "usuario desconocido",
                           "el usuario no existe",
                           "utente sconosciuto",
                           "usu\303\241rio desconhecido",
                           "gebruiker onbekend",
                           "user user@example.com does not exist",
                           "no user by that name",
                           "unknown user account"}) {
    INFO(text);
    ReasonMemory memory(reasons);
    CHECK(name_of(memory.of(text, kRecipient)) == "missing");
  }
}

TEST_CASE("texts of policy, limits and full mailboxes don't count, however they are worded") {
  const auto reasons = Reasons::defaults();
  for (const char* text :
       {"relay not permitted",
        "Relaying denied",
        "we do not relay",
        "Sender verify failed",
        "sender address rejected: user unknown",
        "Sender domain does not exist",
        "Administrative prohibition",
        "blocked by local policy",
        "mailbox full",
        "Mailbox is full",
        "user is over quota",
        "quota exceeded",
        "account suspended",
        "mailbox not found, try again",
        "user unknown just now, try later",
        "user unknown, wait and try again later",
        "550 5.1.7 Invalid address",
        "SMTP error from remote mail server after initial connection: 550 unknown user",
        "account disabled",
        "mailbox temporarily disabled",
        "too many recipients",
        "too many unknown recipients",
        "rate limit exceeded: user unknown",
        "greylisted",
        "try again later",
        "rejected because 192.0.2.1 is in a black list at zen.spamhaus.org",
        "host is listed in x",
        "authentication required",
        "your host has no reverse DNS",
        "SPF check failed",
        "this message contains a virus",
        "spam",
        "temporarily unavailable: no such user"}) {
    INFO(text);
    ReasonMemory memory(reasons);
    CHECK(name_of(memory.of(text, kRecipient)) != "missing");
  }
}

TEST_CASE("text without a meaning is not taken for a dead address") {
  const auto reasons = Reasons::defaults();
  for (const char* text : {"", "no", "rejected", "go away", "dropped by lab", "Access denied",
                           "H=(fake) [192.0.2.99] F=<f@f> A=plain:victim"}) {
    INFO(text);
    CHECK(name_of(reasons->classify(text)) == "unknown");
  }
}

TEST_CASE("what a client or a stranger wrote is cut out before matching") {
  CHECK(masked("mx [192.0.2.9] : SMTP error from remote mail server after RCPT TO:<a@b.c>: 550") ==
        "SMTP error from remote mail server after RCPT TO:<>: 550");
  CHECK(masked("note: mx.x [2001:db8::9] : SMTP error from remote mail server after x") ==
        "note: SMTP error from remote mail server after x");
  CHECK(
      masked(
          "for user@example.com: mx.x [192.0.2.9] : SMTP error from remote mail server after x") ==
      "for <>: SMTP error from remote mail server after x");
  CHECK(masked("550 <\"mailbox full\"@example.org>: user unknown") == "550 <>: user unknown");
  CHECK(masked("550 <\"a>b@c\"@d>: no") == "550 <>: no");
  CHECK(masked("550 no user@example.com here") == "550 no <> here");
  CHECK(masked("550 a < b") == "550 a < b");
  CHECK(masked("550 <no address>") == "550 <no address>");
  // An argument that is no address cuts no holes.
  CHECK(masked("550 user unknown", "<user>") == "550 user unknown");
  // the recipient as a server writes it, whatever the client put around it
  for (const auto* argument :
       {"<Dead+SPAM@r.test>", R"(<"dead+spam"@r.test>)", "<dead+spam@r.test>(x",
        "dead+spam@r.test=(x)", R"(<dead\+spam@r.test>)", "<@a,@b:dead+spam@r.test>",
        R"("spam" x=<dead+spam@r.test>)"}) {
    INFO(argument);
    CHECK(masked("550 5.1.1 dead+spam@r.test: no user DEAD+spam@R.test", argument) ==
          "550 5.1.1 <>: no user <>");
  }
}

// The same rule, byte by byte.
std::string masked_slowly(std::string text, const std::string& address) {
  std::string out;
  while (!text.empty()) {
    const auto length = text[0] == '<' ? address_length(text.substr(1)) : std::nullopt;
    if (length && text.substr(1, *length).find('@') != std::string::npos) {
      out += "<>";
      text.erase(0, *length + 2);
    } else if (text.starts_with(address)) {
      out += "<>";
      text.erase(0, address.size());
    } else {
      out += text[0];
      text.erase(0, 1);
    }
  }
  return out;
}

TEST_CASE("masking is the same as byte by byte") {
  const std::vector<std::string> parts{"<", ">",   "a@b.c", "<a@b.c>",      "\"", "\\",
                                       " ", "x@y", "@",     "no such user", "(",  "a@b"};
  std::mt19937 random(7);
  for (int round = 0; round < 20000; ++round) {
    std::string text;
    for (auto count = random() % 12; count > 0; --count) text += parts[random() % parts.size()];
    INFO(text);
    const auto expected = masked_slowly(text, "a@b.c");
    REQUIRE(masked(text, "<a@b.c>") == expected);
    if (is_masked(text)) REQUIRE(expected == text);
  }
}

TEST_CASE("patterns of one's own stand beside or instead of the built-in ones") {
  const auto compiled = Reasons::compile({"default", "lab says no"}, {"dropped"});
  REQUIRE(compiled.index() == 0);
  const auto& reasons = *std::get<0>(compiled);
  CHECK(reasons.classify("LAB SAYS NO to you") == Reason::missing);
  CHECK(reasons.classify("lab says no, dropped") == Reason::other);
  CHECK(reasons.classify("user unknown") == Reason::missing);
  CHECK(reasons.classify("mailbox full") == Reason::unknown);
  const auto none = Reasons::compile({}, {});
  CHECK(std::get<0>(none)->classify("user unknown") == Reason::unknown);
  const auto bad = Reasons::compile({"(", "ok"}, {"[z-a]"});
  REQUIRE(bad.index() == 1);
  CHECK(std::get<1>(bad).size() == 2);
  CHECK(std::get<1>(bad)[0].pattern == "(");
}

}  // namespace
}  // namespace parsers
