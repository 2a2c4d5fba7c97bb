// The screen of status --watch, at the sizes that terminals have.
#include "agent/report/watch_frame.h"

#include <fmt/format.h>

#include <algorithm>

#include "agent/output/text_table.h"
#include "tests/catch.h"

using namespace agent;

namespace {

constexpr Instant kNow{std::chrono::seconds(1795571272)};

WatchView busy(std::size_t windows, std::size_t blocks) {
  WatchView view;
  view.host = "mx1";
  view.now = kNow;
  view.running = true;
  view.saved = kNow - std::chrono::seconds(4);
  view.logs = {{"/var/log/exim4/mainlog", true, false, 1234}};
  view.queue = 17;
  for (std::size_t i = 0; i < windows; ++i) {
    view.windows.push_back({"authenticated", IdentityKind::user, fmt::format("window{}", i),
                            static_cast<std::uint32_t>(90 - i % 80), 100, std::chrono::hours(1),
                            kNow});
  }
  for (std::size_t i = 0; i < blocks; ++i)
    view.blocks.push_back({fmt::format("block{}", i), "100 in 1h", "authenticated", kNow, {}});
  return view;
}

std::size_t with(const std::vector<std::string>& lines, std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(lines.begin(), lines.end(),
                    [&](const std::string& line) { return line.find(text) != std::string::npos; }));
}

}  // namespace

TEST_CASE("a frame fits its screen") {
  struct Case {
    std::size_t columns, rows, windows, blocks, windows_shown, blocks_shown;
  };
  const Case cases[] = {
      {80, 24, 0, 0, 0, 0},   {80, 24, 3, 2, 3, 2},   {80, 24, 50, 50, 8, 7},
      {80, 24, 50, 1, 14, 1}, {80, 24, 2, 50, 2, 13}, {200, 50, 100, 100, 21, 20},
      {40, 10, 10, 10, 1, 0}, {10, 3, 10, 10, 0, 0},  {1, 1, 10, 10, 0, 0},
  };
  for (const auto& one : cases) {
    CAPTURE(one.columns, one.rows, one.windows, one.blocks);
    const auto lines = watch_frame(busy(one.windows, one.blocks), Zone::utc(),
                                   {one.columns, one.rows}, Terminal(false, one.columns));
    CHECK(lines.size() <= one.rows);
    for (const auto& line : lines)
      CHECK(text_columns(line) <= std::max<std::size_t>(one.columns, 4));
    if (one.columns < 80) continue;
    CHECK(with(lines, "user window") == one.windows_shown);
    CHECK(with(lines, "  block") == one.blocks_shown);
  }
}

TEST_CASE("a frame says in words what it paints") {
  auto view = busy(1, 1);
  view.faults = {"the disk is full"};
  const auto plain = watch_frame(view, Zone::utc(), {80, 24}, Terminal(false, 80));
  const auto painted = watch_frame(view, Zone::utc(), {80, 24}, Terminal(true, 80));
  REQUIRE(plain.size() == painted.size());
  CHECK(with(plain, "\033") == 0);
  CHECK(with(painted, "\033[31mfault    the disk is full") == 1);
  CHECK(with(plain, "fault    the disk is full") == 1);
  CHECK(with(plain, "1,234 bytes to go") == 1);
  CHECK(with(plain, "##################..    90 of 100 in 1h") == 1);
  CHECK(with(plain, "Exim's queue 17") == 1);
}

TEST_CASE("nothing that a client wrote moves the cursor of a frame") {
  auto view = busy(1, 1);
  view.windows[0].identity = view.blocks[0].identity = "a\033[2J\nb\r\x9b";
  view.faults = {"\033]0;title\a"};
  for (const auto& line : watch_frame(view, Zone::utc(), {80, 24}, Terminal(false, 80))) {
    for (const char c : line) CHECK((static_cast<unsigned char>(c) >= 0x20 && c != 0x7f));
  }
}
