// What servers answer to RCPT, against the built-in patterns.
#include "parsers/reasons/reasons.h"

#include <re2/re2.h>

#include <algorithm>
#include <cctype>
#include <fstream>
#include <memory>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "parsers/fields/argument.h"
#include "parsers/reasons/reason_catalog.h"
#include "parsers/reasons/reason_text.h"
#include "tests/catch.h"

namespace parsers {
namespace {

const std::string kRecipient = "<user@example.com>";
const std::string kSender = "alice@example.org";

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

std::string masked(const std::string& text, const std::string& argument = kRecipient) {
  MaskedReason out;
  mask_reason(text, argument, kSender, out);
  return out.text;
}

TEST_CASE("what real servers answer is taken for what it means") {
  const auto reasons = Reasons::defaults();
  const auto all = answers();
  CHECK(all.size() >= 1000);
  for (const auto& answer : all) {
    INFO(answer.text << "   (" << answer.source << ")");
    CHECK_FALSE(answer.source.empty());
    ReasonMemory memory(reasons);
    CHECK(name_of(memory.of(logged(answer.text), kRecipient, kSender)) == answer.expected);
  }
}

std::unique_ptr<RE2> compiled(const ReasonPattern& pattern) {
  RE2::Options options;
  options.set_case_sensitive(false);
  options.set_encoding(RE2::Options::EncodingLatin1);
  auto regex = std::make_unique<RE2>(pattern.regex, options);
  REQUIRE(regex->ok());
  return regex;
}

TEST_CASE("reasons: conf/reasons.toml has all that each of its patterns needs") {
  std::ifstream file(CONF_DIR "/reasons.toml");
  std::stringstream text;
  text << file.rdbuf();
  const auto parsed = parse_reason_catalog(text.str());
  if (!parsed) FAIL(parsed.error());
  CHECK(parsed->patterns.size() == built_in_reasons().patterns.size());
}

TEST_CASE("reasons: every built-in pattern matches its sample and not its other sample") {
  const auto reasons = Reasons::defaults();
  for (const auto& pattern : built_in_reasons().patterns) {
    INFO(pattern.name);
    const auto regex = compiled(pattern);
    CHECK(RE2::PartialMatch(pattern.sample, *regex));
    CHECK_FALSE(RE2::PartialMatch(pattern.other_sample, *regex));
    CHECK(reasons->calls_spam(pattern.sample) ==
          (pattern.reason == Reason::spam || pattern.name == "spam"));
    if (pattern.reason > Reason::unknown) continue;  // of no meaning for a refusal
    CHECK(reasons->classify(pattern.sample) == pattern.reason);
    CHECK_FALSE(reasons->pattern_for(pattern.sample).empty());
  }
}

TEST_CASE("reasons: an answer in the corpus is there for each pattern") {
  std::vector<std::string> texts;
  for (const auto& answer : answers()) texts.push_back(masked(logged(answer.text)));
  for (const auto& pattern : built_in_reasons().patterns) {
    if (pattern.reason > Reason::unknown) continue;
    INFO(pattern.name);
    const auto regex = compiled(pattern);
    CHECK(std::any_of(texts.begin(), texts.end(),
                      [&](const auto& text) { return RE2::PartialMatch(text, *regex); }));
  }
}

TEST_CASE("reasons: a catalog without a sample, or with anything else amiss, is refused by name") {
  const std::string pattern =
      "date = \"2026-01-01\"\n[[word]]\nname = \"who\"\nregex = 'user|box'\n"
      "[[pattern]]\nname = \"gone\"\nclass = \"missing\"\nregex = '{who} gone{1,2}'\n"
      "sample = 'user gone'\nother_sample = 'gone'\n";
  const auto good = parse_reason_catalog(pattern);
  REQUIRE(good);
  CHECK(good->date == "2026-01-01");
  REQUIRE(good->patterns.size() == 1);
  CHECK(good->patterns[0].regex == "(?:user|box) gone{1,2}");
  struct Fault {
    std::string instead_of, there, says;
  };
  for (const auto& [instead_of, there, says] :
       {Fault{"sample = 'user gone'\n", "", "line 5: gone has no text sample"},
        Fault{"other_sample = 'gone'\n", "", "line 5: gone has no text other_sample"},
        Fault{"other_sample = 'gone'", "other_sample = ''",
              "line 5: gone has no text other_sample"},
        Fault{"\"missing\"", "\"lost\"", "class"},
        Fault{"{who} gone", "{whom} gone", "no [[word]] before it is named whom"},
        Fault{"\"gone\"", "\"Gone!\"", "no name"}, Fault{"date = \"2026-01-01\"\n", "", "no date"},
        Fault{"sample = 'user gone'\n", "sample = 'user gone'\nsampel = ''\n", "unknown key"},
        Fault{"[[pattern]]", "[[patern]]", "unknown key patern"},
        Fault{"[[pattern]]", "[[pattern", "line "}}) {
    auto text = pattern;
    text.replace(text.find(instead_of), instead_of.size(), there);
    INFO(text);
    const auto bad = parse_reason_catalog(text);
    REQUIRE(!bad);
    CHECK(bad.error().find(says) != std::string::npos);
  }
  const auto twice = parse_reason_catalog(pattern + pattern.substr(pattern.find("[[pattern]]")));
  REQUIRE(!twice);
  CHECK(twice.error().find("there already: gone") != std::string::npos);
}

TEST_CASE("a text that names the sender and not the recipient is about the sender") {
  const auto reasons = Reasons::defaults();
  struct Case {
    std::string text, argument, sender, expected;
  };
  for (const auto& [text, argument, sender, expected] :
       {Case{"550 <alice@example.org>: User unknown", kRecipient, kSender, "other"},
        Case{"550 ALICE@Example.org does not exist", kRecipient, kSender, "other"},
        Case{"550 <alice@example.org>: User unknown", kRecipient, "", "missing"},
        Case{"550 <alice@example.org>: User unknown", kRecipient, "bob@example.org", "missing"},
        // both, and a sender that is the recipient too
        Case{"550 <user@example.com> (from alice@example.org): User unknown", kRecipient, kSender,
             "missing"},
        Case{"550 <alice@example.org>: User unknown", "<alice@example.org>", kSender, "missing"},
        // an address that only looks alike
        Case{"550 superuser@example.com: User unknown", kRecipient, "superuser@example.com",
             "other"},
        Case{"550 user@example.com.au: User unknown", kRecipient, "user@example.com.au", "other"},
        Case{"550 'alice@example.org': User unknown", kRecipient, kSender, "other"},
        Case{"550 from=alice@example.org: User unknown", kRecipient, kSender, "other"},
        Case{"550 from=alice@example.org to=user@example.com: User unknown", kRecipient, kSender,
             "missing"},
        Case{"550 b-1=user=example.com@list.example: User unknown", kRecipient,
             "b-1=user=example.com@list.example", "other"},
        Case{"550 <malice@example.org>: User unknown", kRecipient, kSender, "missing"},
        Case{"550 alice@example.org.uk: User unknown", kRecipient, kSender, "missing"}}) {
    INFO(text << " " << argument << " " << sender);
    ReasonMemory memory(reasons);
    const auto logged_text =
        "mx.x [192.0.2.9] : SMTP error from remote mail server after RCPT TO:" + argument + ": " +
        text;
    CHECK(name_of(memory.of(logged_text, argument, sender)) == expected);
    CHECK(name_of(memory.of(text, argument, sender)) == expected);
  }
}

TEST_CASE("a transient answer never counts, whatever stands around it") {
  const auto reasons = Reasons::defaults();
  const std::string command =
      "SMTP error from remote mail server after RCPT TO:<user@example.com>: ";
  for (const std::string& before :
       {command, "mx.x [192.0.2.9] : " + command,
        command + "host mx.x [192.0.2.9]: ", command + "host mx.x [2001:db8::9]: ",
        std::string("SMTP error from remote mail server after pipelined RCPT TO:"
                    "<user@example.com>: "),
        std::string("response to \"RCPT TO:<user@example.com>\" from mx.x [192.0.2.9] was: ")}) {
    INFO(before);
    ReasonMemory memory(reasons);
    CHECK(memory.of(before + "450 4.1.1 User unknown", kRecipient) == Reason::other);
    CHECK(memory.of(before + "451-later\\n451 no such user", kRecipient) == Reason::other);
    CHECK(memory.of(before + "550 5.1.1 User unknown", kRecipient) == Reason::missing);
    CHECK(memory.of(before + "550", kRecipient) == Reason::missing);
    CHECK(memory.of(before + "550 lab says so", kRecipient) == Reason::unknown);
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
    CHECK(reasons->classify(text) == Reason::unknown);
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
  CHECK(masked("550 alice@example.org, <Alice@Example.org>") == "550 <s>, <s>");
  CHECK(masked("550 unknown; contact spam-policy@blocked.example.") == "550 unknown; contact <>.");
  CHECK(masked("550 see https://x.example/spam?a=b\\n550 bye") == "550 see <url> bye");
  CHECK(masked("550 //x.example/spam and www.spam.example/x") == "550 <url> and <url>");
  CHECK(masked("550 no [spam.x.example] (mx.spam.example) [192.0.2.9] (#5.1.1)") ==
        "550 no [host] (host) [192.0.2.9] (#5.1.1)");
  CHECK(masked("550-5.1.1 no\\n550-5.1.1 such\\n550 5.1.0 user") == "550-5.1.1 no such 5.1.0 user");
  CHECK(masked("550 \\303\\244 \\033 \\8") == "550 \303\244 \\033 \\8");
  CHECK(masked("SMTP error from remote mail server after pipelined RCPT TO:<other@b.example>: "
               "host mx.x [192.0.2.9]: 550 other@b.example") ==
        "SMTP error from remote mail server after RCPT TO:<>: 550 <>");
  CHECK(masked("response to \"MAIL FROM:<alice@example.org>\" from mx.x [192.0.2.9] was: 501 no") ==
        "SMTP error from remote mail server after MAIL FROM:<s>: 501 no");
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

// The same rule for addresses, byte by byte.
std::string masked_slowly(std::string text, const std::string& address) {
  const auto word = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '.';
  };
  std::string out;
  std::size_t kept = 0;  // of out: what comes before is done with
  while (!text.empty()) {
    const auto length = text[0] == '<' ? address_length(text.substr(1)) : std::nullopt;
    if (length && text.substr(1, *length).find('@') != std::string::npos) {
      out += "<>";
      text.erase(0, *length + 2);
      kept = out.size();
    } else if (text.starts_with(address) && (out.size() == kept || !word(out.back())) &&
               (text.size() == address.size() || !word(text[address.size()]))) {
      out += "<>";
      text.erase(0, address.size());
      kept = out.size();
    } else if (text[0] == '@' && text.size() > 1 && word(text[1]) && text[1] != '.' &&
               out.size() > kept && word(out.back())) {
      while (out.size() > kept && word(out.back())) out.pop_back();
      out += "<>";
      std::size_t end = 1;
      while (end < text.size() && word(text[end])) ++end;
      while (text[end - 1] == '.') --end;
      text.erase(0, end);
      kept = out.size();
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
  REQUIRE(compiled);
  const auto& reasons = *compiled.value();
  CHECK(reasons.classify("LAB SAYS NO to you") == Reason::missing);
  CHECK(reasons.classify("lab says no, dropped") == Reason::other);
  CHECK(reasons.classify("user unknown") == Reason::missing);
  CHECK(reasons.classify("mailbox full") == Reason::unknown);
  CHECK(reasons.pattern_for("LAB SAYS NO to you") == "lab says no");
  CHECK(reasons.pattern_for("Unrouteable address") == "exim-unrouteable");
  CHECK(reasons.pattern_for("mailbox full").empty());
  const auto none = Reasons::compile({}, {});
  CHECK(none.value()->classify("user unknown") == Reason::unknown);
  const auto bad = Reasons::compile({"(", "ok"}, {"[z-a]"});
  REQUIRE(!bad);
  CHECK(bad.error().size() == 2);
  CHECK(bad.error()[0].pattern == "(");
}

TEST_CASE("what calls a message spam, and what is about the host that sends it or about policy") {
  struct Row {
    const char* text;
    bool spam;
  };
  const Row rows[] = {
      {"554 5.7.1 This message has been identified as spam", true},
      {"550 5.7.1 Message rejected as spam by Content Filtering.", true},
      {"552 5.2.0 Message contains spam or virus", true},
      {"550 High probability of spam", true},
      {"550-5.7.1 [192.0.2.1] Our system has detected that this message is\n550 5.7.1 likely "
       "unsolicited mail.",
       true},
      {"554 5.7.1 Message scored as spam (12.1)", true},
      {"550 spam message rejected", true},
      {"554 Your email is considered spam (SpamAssassin)", true},
      {"550 5.7.1 Rejected because of a phishing link: the URL <url> is on a blacklist", true},
      {"554 5.7.1 Message contains a URL listed by SURBL", true},
      {"550 5.7.1 The mail looks like SPAM to me", true},
      {"554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org",
       false},
      {"421-4.7.28 Our system has detected an unusual rate of unsolicited mail originating from "
       "your IP address.",
       false},
      {"550 5.7.1 Unfortunately, messages from [192.0.2.1] weren't sent. Please contact your "
       "Internet service provider since part of their network is on our block list (S3140).",
       false},
      {"550 5.7.1 Your host was rejected as spam source", false},
      {"554 5.7.1 IP 192.0.2.1 is blacklisted", false},
      {"451 4.7.1 Greylisted by anti-spam policy", false},
      {"550 5.1.1 User unknown", false},
      {"550 5.1.1 no such user spam@example.com", false},
      {"552 5.2.2 Mailbox full", false},
      {"550 5.7.1 Relaying denied", false},
      {"550 5.7.26 This mail is unauthenticated", false},
      {"", false},
  };
  ReasonMemory memory(Reasons::defaults());
  for (const auto& row : rows) {
    INFO(row.text);
    const auto text =
        std::string("SMTP error from remote mail server after end of data: ") + row.text;
    CHECK(memory.calls_spam(text, kRecipient) == row.spam);
  }
  const auto own = Reasons::compile({}, {}, built_in_reasons(), {"lab says yuck"});
  REQUIRE(own);
  CHECK(own.value()->calls_spam("550 Lab says YUCK"));
  CHECK_FALSE(own.value()->calls_spam("550 spam message rejected"));
  const auto none = Reasons::compile({}, {}, built_in_reasons(), {});
  CHECK_FALSE(none.value()->calls_spam("550 spam message rejected"));
}

}  // namespace
}  // namespace parsers
