#include "actions/lists/lsearch.h"

#include <algorithm>
#include <random>

#include "tests/catch.h"

using actions::quoted_key;
using actions::read_list;
using Pairs = std::vector<std::pair<std::string, std::string>>;

namespace {

Pairs pairs_of(const std::string& content) {
  Pairs pairs;
  for (const auto& entry : read_list(content)) pairs.emplace_back(entry.key, entry.data);
  return pairs;
}

std::string bytes(const char* text, std::size_t size) {
  return {text, size};
}

}  // namespace

TEST_CASE("a list is read as Exim reads it") {
  struct Row {
    const char* what;
    std::string content;
    Pairs pairs;
  };
  const Row rows[] = {
      {"nothing", "", {}},
      {"a key alone", "bob\n", {{"bob", ""}}},
      {"key and data", "bob: some data \n", {{"bob", "some data"}}},
      {"a blank ends a key too", "bob some data\n", {{"bob", "some data"}}},
      {"blanks before the colon", "bob  : data\n", {{"bob", "data"}}},
      {"the last line without newline", "a:1\nbob: x", {{"a", "1"}, {"bob", "x"}}},
      {"CRLF", "bob: x\r\ncarol\r\n", {{"bob", "x"}, {"carol", ""}}},
      {"comments and empty lines", "# bob: x\n\n   \n#\ncarol\n", {{"carol", ""}}},
      {"a line that begins blank goes on",
       "bob: x\n  carol: y\n\tdave\neve\n",
       {{"bob", "x"}, {"eve", ""}}},
      {"a BOM is part of the key",
       "\xef\xbb\xbf"
       "bob\ncarol\n",
       {{"\xef\xbb\xbf"
         "bob",
         ""},
        {"carol", ""}}},
      {"a NUL hides the next line",
       bytes("bob\0x\ncarol\ndave\n", 17),
       {{"bob", ""}, {"dave", ""}}},
      {"a quoted key", "\"a b\": x\n", {{"a b", "x"}}},
      {"quotes keep : and #", "\"#a:b\": x\n", {{"#a:b", "x"}}},
      {"escapes", "\"\\\"\\\\\\n\\t\\x41\\101\\q\": x\n", {{"\"\\\n\tAAq", "x"}}},
      {"short escapes",
       "\"\\x4g\\18\": x\n",
       {{bytes("\x04g\x01"
               "8",
               4),
         "x"}}},
      {"a quoted key that does not end", "\"a b: x\n", {{"a b: x", ""}}},
      {"a backslash alone is plain", "a\\b: x\n", {{"a\\b", "x"}}},
      {"IPv6 unquoted is cut", "2001:db8::2\n", {{"2001", "db8::2"}}},
      {"IPv6 quoted", "\"2001:db8::2\"\n", {{"2001:db8::2", ""}}},
      {"an empty key", ": x\n", {{"", "x"}}},
      {"* is plain", "*: x\n", {{"*", "x"}}},
  };
  for (const auto& row : rows) {
    INFO(row.what);
    CHECK(pairs_of(row.content) == row.pairs);
  }
}

TEST_CASE("an entry's place covers its lines and nothing else") {
  const std::string content = "# c\na: 1\n  more\n\nb: 2\r\n";
  const auto entries = read_list(content);
  REQUIRE(entries.size() == 2);
  CHECK(content.substr(entries[0].begin, entries[0].end - entries[0].begin) == "a: 1\n  more\n");
  CHECK(content.substr(entries[1].begin, entries[1].end - entries[1].begin) == "b: 2\r\n");
}

TEST_CASE("keys are equal as lsearch compares them") {
  CHECK(actions::same_key("Bob@Example.ORG", "bob@example.org"));
  CHECK_FALSE(actions::same_key("bob", "bob "));
  CHECK_FALSE(actions::same_key("bob", "bo"));
  CHECK_FALSE(actions::same_key("\xc3\x89", "\xc3\xa9"));
  CHECK_FALSE(actions::same_key("[", "{"));
  CHECK(actions::same_key("", ""));
}

TEST_CASE("a quoted key reads back as the same key, whatever its bytes") {
  const std::string keys[] = {
      "bob",         "bob@example.org",
      "a b",         " lead",
      "trail ",      "a:b",
      "#x",          "\"q\"",
      "back\\slash", "end\\",
      "2001:db8::1", "::1",
      "tab\there",   "new\nline",
      "\x7f\x01",    "\xff\xfe",
      "\xc3\xa9",    "*",
      "+a",          "a+b=c",
      "%s",          "$(x)",
      "\\n",         "\\101",
      "'",           ":",
      "\"",
  };
  for (const auto& key : keys) {
    const auto line = actions::list_line(key, "data");
    REQUIRE(line);
    INFO(*line);
    CHECK(std::count(line->begin(), line->end(), '\n') == 1);
    CHECK(pairs_of(*line) == Pairs{{key, "data"}});
    CHECK(pairs_of("x: y\n" + *line + "z\n") == Pairs{{"x", "y"}, {key, "data"}, {"z", ""}});
  }
  std::mt19937 random(5);
  for (int round = 0; round < 2000; ++round) {
    std::string key;
    for (auto length = 1 + random() % 12; key.size() < length;)
      key.push_back(static_cast<char>(1 + random() % 255));
    const auto line = actions::list_line(key, "d");
    REQUIRE(line);
    INFO(*line);
    REQUIRE(pairs_of(*line) == Pairs{{key, "d"}});
  }
}

TEST_CASE("keys that no line can hold are refused") {
  CHECK_FALSE(quoted_key(""));
  CHECK_FALSE(quoted_key(bytes("a\0b", 3)));
  CHECK_FALSE(quoted_key(std::string(actions::kMaxKey + 1, 'x')));
  CHECK(quoted_key(std::string(actions::kMaxKey, ':')));
  CHECK(quoted_key("plain.name@x-y_z+1=2") == "plain.name@x-y_z+1=2");
}

TEST_CASE("data stays on its line") {
  CHECK(actions::list_line("bob", "a\r\nmallory: x\x1b") == "bob: a??mallory: x?\n");
  CHECK(actions::list_line("bob", std::string(5000, 'x'))->size() < 1100);
}
