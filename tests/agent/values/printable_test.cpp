#include "agent/values/printable.h"

#include <random>

#include "tests/catch.h"

TEST_CASE("what would act on a terminal is shown, not done") {
  struct Row {
    std::string given, shown;
  };
  const Row rows[] = {
      {"plain text ~", "plain text ~"},
      {"\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m"},
      {"a\rb\nc\td", "a\\x0db\\x0ac\\x09d"},
      {std::string("a\0b", 3), "a\\x00b"},
      {"\x7f", "\\x7f"},
      {"%s%n $(x) `x` <script>&\"'", "%s%n $(x) `x` <script>&\"'"},
      {"back\\slash", "back\\slash"},
      {"J\xc3\xbcrgen \xe2\x82\xac \xf0\x9f\x98\x80",
       "J\xc3\xbcrgen \xe2\x82\xac \xf0\x9f\x98\x80"},
      {"\xc2\x9b"
       "31m",
       "\\xc2\\x9b31m"},  // C1: CSI
      {"\xe2\x80\xae"
       "cod.exe",
       "\\xe2\\x80\\xaecod.exe"},                    // right-to-left override
      {"\xe2\x81\xa6", "\\xe2\\x81\\xa6"},           // isolate
      {"\xe2\x80\x8b", "\\xe2\\x80\\x8b"},           // zero width space
      {"\xe2\x80\xa8", "\\xe2\\x80\\xa8"},           // line separator
      {"\xe2\x80\xa9", "\\xe2\\x80\\xa9"},           // paragraph separator
      {"\xef\xbb\xbf", "\\xef\\xbb\\xbf"},           // BOM
      {"\xc2\xad", "\\xc2\\xad"},                    // soft hyphen
      {"\xf3\xa0\x81\x81", "\\xf3\\xa0\\x81\\x81"},  // tag
      {"\xff\xfe", "\\xff\\xfe"},
      {"\xc0\xaf", "\\xc0\\xaf"},           // overlong
      {"\xe0\x80\xaf", "\\xe0\\x80\\xaf"},  // overlong
      {"\xed\xa0\x80", "\\xed\\xa0\\x80"},  // surrogate
      {"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"},
      {"\xe2\x82", "\\xe2\\x82"},  // cut off
      {"\xe2\x82z", "\\xe2\\x82z"},
  };
  for (const auto& row : rows) CHECK(agent::printable(row.given) == row.shown);
}

TEST_CASE("cut text says so and keeps to its width") {
  CHECK(agent::printable("abcdef", 6) == "abcdef");
  CHECK(agent::printable("abcdefg", 6) == "abc...");
  CHECK(agent::printable("ab\x1b\x1b", 6) == "ab...");
  CHECK(agent::printable("\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc", 5) ==
        "\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc");
  CHECK(agent::printable("\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc", 5) ==
        "\xc3\xbc\xc3\xbc...");
  CHECK(agent::printable("", 0).empty());
}

TEST_CASE("as_utf8 keeps valid text and takes other bytes for Latin-1") {
  CHECK(agent::as_utf8("J\xc3\xbcrgen") == "J\xc3\xbcrgen");
  CHECK(agent::as_utf8("J\xfcrgen") == "J\xc3\xbcrgen");
  CHECK(agent::as_utf8("\xe2\x82") == "\xc3\xa2\xc2\x82");
  CHECK(agent::as_utf8("\x1b\n") == "\x1b\n");
}

TEST_CASE("whatever the bytes, nothing dangerous comes out") {
  std::mt19937 random(11);
  for (int round = 0; round < 3000; ++round) {
    std::string bytes;
    for (auto length = random() % 40; bytes.size() < length;)
      bytes.push_back(
          static_cast<char>(random() % 4 == 0 ? random() % 256 : 0x80 + random() % 128));
    const auto shown = agent::printable(bytes);
    INFO(shown);
    bool good = agent::as_utf8(shown) == shown;  // valid UTF-8
    for (const char c : shown) good = good && static_cast<unsigned char>(c) >= ' ' && c != '\x7f';
    CHECK(good);
    CHECK(agent::printable(shown) == shown);
    CHECK(agent::as_utf8(agent::as_utf8(bytes)) == agent::as_utf8(bytes));
    const auto columns = random() % 30;
    std::size_t width = 0;
    for (const char c : agent::printable(bytes, columns))
      width += (static_cast<unsigned char>(c) & 0xc0) != 0x80;
    CHECK(width <= std::max<std::size_t>(columns, 3));
  }
}
