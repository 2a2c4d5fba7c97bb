#include "agent/output/output_row.h"

#include <nlohmann/json.hpp>

#include "agent/output/decision_text.h"
#include "tests/catch.h"

using agent::OutputRow;

namespace {

// A plain reader of one RFC 4180 line.
std::vector<std::string> csv_fields(const std::string& line) {
  std::vector<std::string> fields(1);
  bool quoted = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (quoted && line[i] == '"' && i + 1 < line.size() && line[i + 1] == '"') {
      fields.back().push_back(line[++i]);
    } else if (line[i] == '"') {
      quoted = !quoted;
    } else if (line[i] == ',' && !quoted) {
      fields.emplace_back();
    } else {
      fields.back().push_back(line[i]);
    }
  }
  return fields;
}

}  // namespace

TEST_CASE("JSON keeps every byte and is plain ASCII on one line") {
  const std::string values[] = {
      "",
      "plain",
      "a\"b\\c/d",
      "\x1b[31m\r\n\t",
      std::string("a\0b", 3),
      "\x7f",
      "J\xc3\xbcrgen",
      "\xe2\x80\xa8\xe2\x80\xae",
      "\xf0\x9f\x98\x80",
      "<script>%s",
      "\xff\xc3",
  };
  for (const auto& value : values) {
    OutputRow record;
    record.add("text", value).add("number", std::uint64_t{18446744073709551615U});
    record.add_optional("none", std::nullopt).add_optional("empty", "");
    const auto line = record.json();
    INFO(line);
    for (const char c : line) {
      if (c < ' ' || c == '\x7f') FAIL("a raw byte " << static_cast<int>(c));
    }
    const auto read = nlohmann::json::parse(line);
    if (value != "\xff\xc3") CHECK(read["text"] == value);
    CHECK(read["number"] == 18446744073709551615U);
    CHECK(read["none"].is_null());
    CHECK(read["empty"] == "");
  }
  OutputRow record;
  record.add("text", "\xff\xc3");  // bytes that are no UTF-8: as Latin-1
  CHECK(record.json() == "{\"text\":\"\\u00ff\\u00c3\"}");
}

TEST_CASE("CSV holds one record a line, and nothing a spreadsheet would run") {
  struct Row {
    std::string given, read;
  };
  const Row rows[] = {
      {"plain", "plain"},
      {"a,b", "a,b"},
      {"say \"hi\"", "say \"hi\""},
      {"two\r\nlines", "two\\x0d\\x0alines"},
      {"=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"},
      {"=1+1", "'=1+1"},
      {"+49123", "'+49123"},
      {"-1+1", "'-1+1"},
      {"@SUM(A1)", "'@SUM(A1)"},
      {"\t=1", "\\x09=1"},
      {"-", "-"},
      {"a=b", "a=b"},
      {"", ""},
  };
  for (const auto& row : rows) {
    OutputRow record;
    record.add("first", row.given)
        .add("n", std::uint64_t{7})
        .add_optional("none", {})
        .add("last", "z");
    INFO(record.csv());
    CHECK(csv_fields(record.csv()) == std::vector<std::string>{row.read, "7", "", "z"});
    CHECK(record.csv_header() == "first,n,none,last");
  }
  OutputRow record;
  record.add_optional("none", {}).add("n", std::uint64_t{0});
  CHECK(record.csv() == ",0");
}

TEST_CASE("output forms by name") {
  CHECK(agent::output_named("text") == agent::Output::text);
  CHECK(agent::output_named("jsonl") == agent::Output::jsonl);
  CHECK(agent::output_named("csv") == agent::Output::csv);
  CHECK_FALSE(agent::output_named("json"));
}

TEST_CASE("a decision has the fields of the contract, in its order") {
  agent::Decision decision;
  decision.rule = "authenticated";
  decision.identity_kind = agent::IdentityKind::user;
  decision.identity = "b\x1bob";
  decision.time = agent::Instant(std::chrono::seconds(1795426955));
  decision.first = agent::Instant(std::chrono::seconds(1795426855));
  decision.count = decision.limit = 100;
  decision.period = std::chrono::hours(1);
  decision.place = {"/var/log/exim4/mainlog", 7, 1234};
  const auto zone = *agent::Zone::named("Europe/Berlin");
  CHECK(agent::row_of(decision, zone).json() ==
        "{\"time\":\"2026-11-23T10:42:35+01:00\",\"rule\":\"authenticated\","
        "\"identity_kind\":\"user\",\"identity\":\"b\\u001bob\",\"count\":100,\"limit\":100,"
        "\"period\":3600,\"first\":\"2026-11-23T10:40:55+01:00\","
        "\"file\":\"/var/log/exim4/"
        "mainlog\",\"line\":7,\"offset\":1234,\"until\":null,\"mode\":\"block\"}");
  CHECK(agent::text_of(decision, zone) ==
        "2026-11-23 10:42:35  user b\\x1bob: 100 in 1h (rule authenticated, limit 100) since "
        "2026-11-23 10:40:55, /var/log/exim4/mainlog:7");
  decision.until = agent::Instant(std::chrono::seconds(1795430555));
  CHECK(agent::row_of(decision, zone)
            .json()
            .ends_with("\"until\":\"2026-11-23T11:42:35+01:00\",\"mode\":\"block\"}"));
  CHECK(agent::text_of(decision, zone).ends_with(":7, until 2026-11-23 11:42:35"));
}
