// The scan against generated lines whose truth is known, and against the second reading. Fields are
// drawn from what hostile people write, printed as Exim prints them. EXIWARDEN_DIFFERENTIAL_LINES
// sets how many (default 100,000), EXIWARDEN_DIFFERENTIAL_SEED where to start.
#include <algorithm>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include "hostile_lines.h"
#include "parsers/entries/rejection.h"
#include "parsers/fields/argument.h"
#include "second_reading.h"
#include "tests/catch.h"

namespace parsers {
namespace {

using hostile_lines::Generator;
using hostile_lines::Line;
using second_reading::Reading;

bool same_sender(const Reading& a, const Reading& b) {
  return a.host == b.host && a.authenticated == b.authenticated &&
         a.authenticator == b.authenticator && a.id == b.id;
}

Reading as_reading(const Rejection& found) {
  Reading reading;
  reading.host = found.host.value_or("");
  reading.authenticated = found.authenticator.has_value();
  reading.authenticator = found.authenticator.value_or("");
  reading.id = found.id.value_or("");
  reading.sender = found.sender;
  reading.temporary = found.temporary;
  reading.argument = found.argument;
  reading.text = found.text;
  return reading;
}

// The one case that the scan decides against the login: it holds the words, and what stands behind
// them is just what Exim would print of an argument (rejection.cpp has_second_verb).
bool known_exception(const Line& line, const Reading& found) {
  if (line.truth.id.find(" rejected RCPT") == std::string::npos) return false;
  if (found.argument.find("rejected RCPT ") == std::string::npos) return false;
  if (found.argument.size() >= 100) return true;
  for (auto end = found.argument.find(": ");; end = found.argument.find(": ", end + 1)) {
    const auto part = found.argument.substr(0, end);
    if (second_reading::exim_accepts(part) && second_reading::as_logged(part) == part) return true;
    if (end == std::string::npos) return false;
  }
}

// Where a comment is left open, the argument's end is not certain.
bool open_comment(const std::string& argument) {
  return argument.find('(') != std::string::npos;
}

std::uint64_t environment(const char* name, std::uint64_t otherwise) {
  const char* value = std::getenv(name);
  return value == nullptr ? otherwise : std::strtoull(value, nullptr, 10);
}

TEST_CASE("generated lines: who Exim named is charged, or nobody") {
  const auto lines = environment("EXIWARDEN_DIFFERENTIAL_LINES", 100000);
  const auto seed = environment("EXIWARDEN_DIFFERENTIAL_SEED", 1);
  Generator generator(static_cast<unsigned>(seed));
  std::uint64_t charged = 0, doubted = 0, refused = 0;
  for (std::uint64_t i = 0; i < lines; ++i) {
    const auto line = generator.line();
    const auto scan = scan_rejection(line.payload, line.junk);
    INFO("line " << i << ": " << line.payload);
    if (!scan.rejection || scan.doubt != Doubt::none) {
      // A line that a default Exim can print, without a stranger's free text, must not be lost.
      // With a comment left open there may be no reason, or one that a server of the client's
      // wrote.
      const bool no_reason =
          open_comment(line.truth.argument) &&
          (line.truth.text.empty() || line.truth.text.find("rejected RCPT ") != std::string::npos);
      REQUIRE((line.junk || line.undecidable || no_reason));
      ++(scan.rejection ? doubted : refused);
      continue;
    }
    const auto found = as_reading(*scan.rejection);
    if (known_exception(line, found)) continue;
    ++charged;
    REQUIRE(found.host == line.truth.host);
    REQUIRE(same_sender(found, line.truth));
    if (line.junk || line.undecidable) continue;
    REQUIRE(found.sender == line.truth.sender);
    REQUIRE(found.temporary == line.truth.temporary);
    if (open_comment(line.truth.argument)) {
      REQUIRE((line.truth.text.empty() || line.truth.text.ends_with(found.text)));
    } else {
      REQUIRE(found.argument == line.truth.argument);
      REQUIRE(found.text == line.truth.text);
    }
  }
  // The generator is not allowed to be tame, nor all of it unreadable.
  CHECK(charged > lines * 3 / 4);
  CHECK(doubted > lines / 100);
  CHECK(refused > 0);
}

TEST_CASE("generated lines: the scan's reading is one of those that the grammar allows") {
  const auto lines = environment("EXIWARDEN_DIFFERENTIAL_LINES", 100000) / 5;
  Generator generator(static_cast<unsigned>(environment("EXIWARDEN_DIFFERENTIAL_SEED", 1)) + 1000);
  std::uint64_t single = 0;
  for (std::uint64_t i = 0; i < lines; ++i) {
    const auto line = generator.line();
    INFO("line " << i << ": " << line.payload);
    const auto readings = second_reading::all_readings(line.payload, line.junk);
    const auto holds = [&](const Reading& wanted, bool with_argument) {
      return std::any_of(readings.begin(), readings.end(), [&](const Reading& reading) {
        return same_sender(reading, wanted) && reading.temporary == wanted.temporary &&
               (!with_argument ||
                (reading.argument == wanted.argument && reading.text == wanted.text));
      });
    };
    REQUIRE(holds(line.truth, true));
    const auto scan = scan_rejection(line.payload, line.junk);
    const bool agreed = std::all_of(readings.begin(), readings.end(), [&](const Reading& reading) {
      return same_sender(reading, readings.front());
    });
    if (agreed && !line.junk && !line.undecidable) {
      ++single;
      REQUIRE(scan.rejection);
      REQUIRE(same_sender(as_reading(*scan.rejection), readings.front()));
    }
    if (!scan.rejection || scan.doubt != Doubt::none) continue;
    const auto found = as_reading(*scan.rejection);
    if (known_exception(line, found)) continue;
    INFO("found " << found.authenticator << ":" << found.id << "@" << found.host
                  << " rejected RCPT " << found.argument << " | " << found.text);
    REQUIRE(holds(found, !open_comment(line.truth.argument)));
  }
  CHECK(single > lines / 2);
}

struct Argument {
  const char* sent;
  const char* logged;  // nullptr: Exim refuses it as no address
};

// Measured with Exim 4.96 (exim -bs): the model of its address syntax is held to it.
TEST_CASE("the second reading knows which arguments Exim takes and how it prints them") {
  const Argument arguments[] = {
      {"<nobody@lab.example>(", "<nobody@lab.example>("},
      {"<nobody@lab.example>(foo", "<nobody@lab.example>(foo"},
      {"<nobody@lab.example> (foo", nullptr},
      {"<@a: spam=z@lab.example>", "<@a: spam=z@lab.example>"},
      {"@a: spam=z@lab.example", "@a: spam=z@lab.example"},
      {"a rejected RCPT b <no@lab.example>", "a rejected RCPT b=<no@lab.example>"},
      {"a rejected RCPT <no=b@lab.example>", "a rejected RCPT <no=b@lab.example>"},
      {"(x rejected RCPT y=z)<no@lab.example>", "(x rejected RCPT y=z)<no@lab.example>"},
      {"<no(x rejected RCPT y=z)@lab.example>", "<no(x rejected RCPT y=z)@lab.example>"},
      {"<no@lab.example(x: spam=z>", nullptr},
      {"\"a: b <no@lab.example>", nullptr},
      {"a\"b: c=d\"<no@lab.example>", "a\"b: c=d\"<no@lab.example>"},
      {"a: b=c <no@lab.example>", nullptr},
      {"a\\: b=c <no@lab.example>", "a\\: b=c=<no@lab.example>"},
      {"<\"a\\\": b=c\"@lab.example>", "<\"a\\\": b=c\"@lab.example>"},
      {"x <no@lab.example> y", nullptr},
      {"< no@lab.example >", nullptr},
      {"no@lab.example", "no@lab.example"},
      {"<no@lab.example", nullptr},
      {"no@lab.example>", nullptr},
      {"<<no@lab.example>>", nullptr},
      {"<a\"b@lab.example>", nullptr},
      {"<a\\ b@lab.example>", "<a\\=b@lab.example>"},
      {"(no: x=y", nullptr},
      {"<no@lab.example>: spam=x", nullptr},
      {"no: spam=x@lab.example", nullptr},
      {"<\"a\".\"b: c=d\"@lab.example>", "<\"a\".\"b: c=d\"@lab.example>"},
      {"<no@lab.example>(a (b) c", "<no@lab.example>(a (b)=c"},
      {"<no@lab.example>(\\", "<no@lab.example>(\\"},
      {"(a\\): b=c)<no@lab.example>", "(a\\): b=c)<no@lab.example>"},
      {"x \"y (z: q\" p=<no@lab.example>", "x \"y (z: q\" p=<no@lab.example>"},
      {"q <@a: x=y@lab.example>", "q <@a: x=y@lab.example>"},
      {"q @a: x=y@lab.example", nullptr},
      {"(c) @a: x=y@lab.example", "(c) @a: x=y@lab.example"},
  };
  for (const auto& argument : arguments) {
    INFO(argument.sent);
    const auto logged = second_reading::as_logged(argument.sent);
    CHECK(second_reading::exim_accepts(logged) == (argument.logged != nullptr));
    if (argument.logged != nullptr) CHECK(logged == argument.logged);
  }
}

TEST_CASE("random arguments: both readings know the same addresses") {
  const std::vector<std::string> pieces{
      "a", "<", ">", "@", "d", ":", " ", "\t",    "\"",  "\\", "(",       ")",
      "]", ";", ",", ".", "=", "x", "_", "<a@b>", "@d>", "<@", "\"a b\"", "\303\251"};
  std::mt19937 random(7);
  long taken = 0;
  for (auto left = environment("EXIWARDEN_DIFFERENTIAL_LINES", 100000); left > 0; --left) {
    std::string argument;
    for (auto count = random() % 12 + 1; count > 0; --count) {
      argument += pieces[random() % pieces.size()];
    }
    if (argument.size() >= kMaxArgument) continue;
    INFO(argument);
    const bool known = could_be_argument(argument);
    taken += known ? 1 : 0;
    REQUIRE(known == (second_reading::exim_accepts(argument) &&
                      second_reading::as_logged(argument) == argument));
  }
  CHECK(taken > 0);
}

}  // namespace
}  // namespace parsers
