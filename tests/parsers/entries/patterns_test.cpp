#include "parsers/entries/patterns.h"

#include "parsers/entries/pattern_risk.h"
#include "tests/catch.h"

namespace parsers {
namespace {

std::shared_ptr<const Patterns> compiled(const std::string& regex, bool dequote = true) {
  auto patterns = Patterns::compile({{regex, dequote}});
  REQUIRE(patterns);
  return patterns.value();
}

TEST_CASE("named groups of a line, taken out of Exim's quotes") {
  const auto patterns = compiled(
      R"re(^bad host=\[(?P<host>[^\]]+)\](?: id=(?P<user>.*?))? rcpt=(?P<recipient>"(?:[^"\\]|\\.)*"|\S+)$)re");
  auto match = patterns->match(R"(bad host=[192.0.2.1] id="quote\"user" rcpt="a\" id=\"victim@b")");
  REQUIRE(match);
  CHECK(match->host == "192.0.2.1");
  CHECK(match->user == "quote\"user");
  CHECK(match->recipient == "a\" id=\"victim@b");
  CHECK_FALSE(match->reason);
  match = patterns->match("bad host=[192.0.2.1] rcpt=x@y");
  REQUIRE(match);
  CHECK_FALSE(match->user);
  match = patterns->match("bad host=[192.0.2.1] id= rcpt=x@y");
  REQUIRE(match);
  CHECK(match->user == "");
  CHECK_FALSE(patterns->match("worse host=[192.0.2.1] rcpt=x@y"));

  match = compiled("^id=(?P<user>.*)$", false)->match("id=\"bob\"");
  REQUIRE(match);
  CHECK(match->user == "\"bob\"");
}

TEST_CASE("undoing ${quote:}") {
  CHECK(dequoted("\"john doe\"") == "john doe");
  CHECK(dequoted(R"("j\\303\\274rgen")") == R"(j\303\274rgen)");
  CHECK(dequoted("\"\"").empty());
  for (const auto* other : {"bob", "\"bob", "bob\"", "\"a\"b\"", "\"a\\\"", "\""})
    CHECK(dequoted(other) == other);
}

TEST_CASE("faults of a pattern name what is wrong") {
  const auto what = [](const char* regex) {
    const auto patterns = Patterns::compile({{"^(?P<user>x)", true}, {regex, true}});
    REQUIRE(!patterns);
    CHECK(patterns.error().front().index == 1);
    return patterns.error().front().what;
  };
  CHECK(what("(").find("missing )") != std::string::npos);
  CHECK(what("^(?P<usr>x)").find("\"usr\"") != std::string::npos);
  CHECK(what("^x (?P<recipient>.*)").find("charge nobody") != std::string::npos);
}

TEST_CASE("patterns that an outsider could bend are told from sound ones") {
  const char* const sound[] = {
      R"re(^invalid-recipient host=\[(?P<host>[^\]]+)\] auth=\S+ id=(?P<user>.*) rcpt="(?P<recipient>[^"]*)"$)re",
      R"(^H=(?:\S+ )?(?:\(\S*\) )?\[(?P<host>[^\] ]+)\] Warning: x A=\w+:(?P<user>.*) RCPT)",
      R"(^BAD (?P<user>.*)$)",
      R"(\ABAD[ ](?P<user>.*)$)",
      R"(^a[[:alpha:]]{1,9} (?P<user>x))",
      R"(^(?:BAD|W[|]ORSE\|) (?P<user>\S+)$)"};
  for (const auto* regex : sound) {
    INFO(regex);
    CHECK(pattern_risk(regex).empty());
  }
  const char* const risky[] = {R"(id=(?P<user>.*))",
                               R"(^H=.* id=(?P<user>.*)$)",
                               R"(^H=[^)]+ id=(?P<user>x))",
                               R"(^(?:a b|c)+ id=(?P<user>x))",
                               R"(^h=(?P<host>\S+) .*?u=(?P<user>x))",
                               R"(^[^x]{3,} (?P<user>x))",
                               R"(^BAD (?P<user>\S+)$|^x)",
                               R"(^BAD (?P<user>\S+)$|bad)"};
  for (const auto* regex : risky) {
    INFO(regex);
    CHECK_FALSE(pattern_risk(regex).empty());
  }
}

}  // namespace
}  // namespace parsers
