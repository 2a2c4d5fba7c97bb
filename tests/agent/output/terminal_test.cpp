#include "agent/output/terminal.h"

#include "tests/catch.h"

using agent::Paint;
using agent::Terminal;

TEST_CASE("text is wrapped between words, and long words stand whole on lines of their own") {
  const Terminal terminal(false, 30);
  struct Row {
    std::string text;
    std::size_t indent, begin;
    std::string wrapped;
  };
  const std::string path = "/a/path/of/twenty-six/bytes";
  for (const auto& row :
       {Row{"short", 4, 0, "short"}, Row{"", 4, 0, ""},
        Row{"one two three four five six seven", 2, 0, "one two three four five six\n  seven"},
        Row{"two  blanks stay within a line", 2, 0, "two  blanks stay within a line"},
        Row{"one two three", 10, 22, "one two\n          three"},
        Row{path + ": no", 10, 10, "\n  " + path + ":\n          no"},
        Row{"see " + path, 8, 8, "see\n   " + path},
        Row{path + path + " x", 4, 0, path + path + "\n    x"},
        Row{"é é é é é é é é é é é é é é é é", 2, 0, "é é é é é é é é é é é é é é é\n  é"}}) {
    CAPTURE(row.text, row.indent, row.begin);
    CHECK(terminal.wrapped(row.text, row.indent, row.begin) == row.wrapped);
  }
  CHECK(Terminal(false, 0).wrapped(path + " " + path, 2) == path + " " + path);
}

TEST_CASE("what paints a text takes no columns") {
  const Terminal terminal(true, 30);
  const auto word = terminal.painted(Paint::green, "0123456789");
  CHECK(terminal.wrapped(word + " " + word + " 01234567", 2) == word + " " + word + " 01234567");
  CHECK(terminal.wrapped(word + " " + word + " 012345678", 2) ==
        word + " " + word + "\n  012345678");
}
