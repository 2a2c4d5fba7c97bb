// The quick ways through the fields of a line, each beside a slow one that says what it should.
#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "parsers/entries/distrust.h"
#include "parsers/fields/argument.h"
#include "parsers/fields/host_field.h"
#include "parsers/fields/lines.h"
#include "parsers/fields/prefix.h"
#include "parsers/scan/byte_set.h"
#include "tests/catch.h"

namespace parsers {
namespace {

using Some = ByteSet<'\0', ' ', '\\', ByteRange{'(', ')'}, ByteRange{'0', '9'}, '\x7f', '\xff'>;
constexpr std::string_view kSome("\0 \\()0123456789\x7f\xff", 17);

TEST_CASE("the first byte of a set is found wherever it stands") {
  std::mt19937 random(20261128);
  for (int c = 0; c < 256; ++c) {
    CHECK(Some::has(static_cast<char>(c)) ==
          (kSome.find(static_cast<char>(c)) != std::string_view::npos));
  }
  for (int round = 0; round < 5000; ++round) {
    // In a buffer of just this size, so that a look beyond its end is seen.
    std::vector<char> exact(random() % 90, 'a');
    for (auto strays = random() % 4; strays > 0 && !exact.empty(); --strays)
      exact[random() % exact.size()] = static_cast<char>(random());
    const std::string_view text(exact.data(), exact.size());
    const auto expected = std::min(text.find_first_of(kSome), text.size());
    INFO(round);
    CHECK(Some::first_in(text) == expected);
    CHECK(Some::any_in(text) == (expected < text.size()));
    const char wanted = text.empty() || round % 8 == 0 ? 'b' : text[random() % text.size()];
    CHECK(find_near(text, wanted) == text.find(wanted));
  }
}

// As the C library prints what it reads.
bool is_canonical_ipv4(const std::string& text) {
  in_addr address{};
  std::array<char, INET_ADDRSTRLEN> printed{};
  return text.find('\0') == std::string::npos &&
         ::inet_pton(AF_INET, text.c_str(), &address) == 1 &&
         ::inet_ntop(AF_INET, &address, printed.data(), printed.size()) != nullptr &&
         text == printed.data();
}

TEST_CASE("IPv4 addresses are told as the C library tells them") {
  std::mt19937 random(4);
  constexpr std::string_view kStrays("0123456789..:]a \0", 17);
  int good = 0;
  for (int round = 0; round < 200000; ++round) {
    std::string text;
    for (int part = 0; part < 4; ++part) {
      if (part > 0) text += '.';
      text += std::to_string(random() % (round % 3 == 0 ? 300 : 256));
    }
    for (auto changes = random() % 3; changes > 0; --changes) {
      const auto place = random() % (text.size() + 1);
      const char stray = kStrays[random() % kStrays.size()];
      switch (random() % 3) {
        case 0:
          text.insert(place, 1, stray);
          break;
        case 1:
          text.erase(place, 1);
          break;
        default:
          if (place < text.size()) text[place] = stray;
      }
    }
    const bool expected = is_canonical_ipv4(text);
    good += expected ? 1 : 0;
    if (is_ip_address(text) != expected) FAIL(text);
    // Between its brackets, much or nothing behind them.
    const auto bracketed = "[" + text + "]" + (round % 2 == 0 ? " X=TLS1.3 F=<a@b>" : "");
    const std::vector<char> exact(bracketed.begin(), bracketed.end());
    Cursor cursor{std::string_view(exact.data(), exact.size())};
    const auto taken = take_bracketed_ip(cursor);
    const bool whole = text.find(']') == std::string::npos;
    if (whole && taken.has_value() != expected) FAIL(bracketed);
    if (taken && whole && *taken != text) FAIL(bracketed);
    const std::vector<char> open(exact.begin(), exact.begin() + 1 + std::ptrdiff_t(text.size()));
    Cursor never{std::string_view(open.data(), open.size())};
    if (whole && take_bracketed_ip(never)) FAIL(bracketed);
  }
  CHECK(good > 50000);
}

// All texts of up to `length` of the bytes that mean something somewhere, and some that never do.
template <class Check>
void each_hostile_text(std::size_t length, const Check& check) {
  constexpr std::string_view kBytes("<>@a\"\\(): \t[]=\0\xff%\x7f", 18);
  std::string text;
  const auto extend = [&](const auto& self) -> void {
    check(text);
    if (text.size() == length) return;
    for (const char c : kBytes) {
      text.push_back(c);
      self(self);
      text.pop_back();
    }
  };
  extend(extend);
}

TEST_CASE("the quick end of an address or argument is the slow one") {
  // What stands in front changes nothing but leads past the quick way.
  each_hostile_text(4, [](const std::string& text) {
    const auto quick = address_length(text), slow = address_length("\\a" + text);
    if (quick.has_value() != slow.has_value() || (quick && *quick + 2 != *slow)) FAIL(text);
    for (const auto* behind : {"", ">: x", ">: b>: x"}) {
      const auto argument = "<" + text + behind;
      if (argument_length(argument) + 1 != argument_length(" " + argument)) FAIL(argument);
    }
  });
}

TEST_CASE(
    "the quick look at a HELO finds junk where a slow one does, and a name ends at its blank") {
  const auto is_junk = [](const std::string& helo) {
    if (helo.starts_with('[') && helo.find('%') != std::string::npos) return false;
    const bool literal = helo.starts_with('[') && helo.ends_with(']');
    const auto inside = literal ? helo.substr(1, helo.size() - 2) : helo;
    return std::any_of(inside.begin(), inside.end(), [](char c) {
      return static_cast<unsigned char>(c) <= ' ' || c == '\x7f' ||
             std::string_view("()<>\"[]=").find(c) != std::string_view::npos;
    });
  };
  each_hostile_text(4, [&](const std::string& text) {
    const auto helo = (text + ") [").substr(0, (text + ") [").find(") ["));
    if (is_junk_helo("H=(" + text + ") [1.2.3.4] F=<>") != is_junk(helo)) FAIL(text);
    if (text.find(' ') != std::string::npos || text.starts_with('(') || text.starts_with('['))
      return;
    const auto payload = text + " [192.0.2.1]";
    Cursor cursor{payload};
    const auto host = take_full_host(cursor);
    if (host.has_value() != (text.find_first_of("()[]\"<>=") == std::string::npos)) FAIL(text);
    if (host && host->name != text) FAIL(text);
  });
}

TEST_CASE("lines passed over in a block leave the distrust that each of them leaves") {
  std::mt19937 random(8);
  constexpr std::string_view kPieces[] = {
      " <= ", " (= ", "<\"",   "\"",        "\\",     "a@b",      " S=12",     " S=", " H=(x)",
      "@c> ", " ",    "F=<\"", "SIGSEGV (", "U=root", "P=local ", "Completed", "\\\""};
  constexpr std::string_view kBegins[] = {"2026-11-23 10:46:56 1xVRZY-0000mY-2f <= ",
                                          "2026-11-23 10:46:56 [77] 1xVRZY-0000mY-2f <= ",
                                          "2026-11-23 10:46:56 1xVRZY-0000mY-2f (= ",
                                          "2026-11-23 10:46:56 1xVRZY-0000mY-2f F=<\"",
                                          "2026-11-23 10:46:56 1xVRZY-0000mY-2f rejected from <\"",
                                          "2026-11-23 10:46:56 SIGSEGV (",
                                          "2026-11-23 10:46:56 H=x ",
                                          "2026-11-23 10:46:56 F=<\"",
                                          ""};
  int open = 0;
  for (int round = 0; round < 40000; ++round) {
    std::string block;
    for (auto lines = 1 + random() % 6; lines > 0; --lines) {
      block += kBegins[random() % std::size(kBegins)];
      for (auto pieces = random() % 6; pieces > 0; --pieces)
        block += kPieces[random() % std::size(kPieces)];
      if (random() % 40 == 0) block.append(random() % 9000, 'x');
      block += '\n';
    }
    Distrust whole, each;
    whole.pass_over(block);
    for (std::size_t begin = 0; begin < block.size();) {
      const auto line = std::string_view(block).substr(begin, line_end(block, begin) - begin);
      each.covers(line, parse_prefix(line.substr(0, line.size() - 1)));
      begin += line.size();
    }
    open += each.state.reach > 0 ? 1 : 0;
    if (!(whole.state == each.state)) FAIL(block);
  }
  CHECK(open > 1000);
}

}  // namespace
}  // namespace parsers
