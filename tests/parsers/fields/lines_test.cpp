#include "parsers/fields/lines.h"

#include <string>
#include <vector>

#include "tests/catch.h"

namespace parsers {
namespace {

struct Collected {
  std::string text;
  std::vector<std::uint64_t> dropped;
  std::uint64_t pending = 0;
};

Collected collect(const std::string& bytes, std::size_t cut) {
  WholeLines lines;
  Collected got;
  for (std::size_t at = 0; at < bytes.size(); at += cut) {
    lines.feed(
        std::span(bytes).subspan(at, std::min(cut, bytes.size() - at)),
        [&](std::string_view block) {
          REQUIRE(block.ends_with('\n'));
          got.text += block;
        },
        [&](std::uint64_t length) { got.dropped.push_back(length); });
  }
  got.pending = lines.pending();
  return got;
}

TEST_CASE("a line is handed out once its newline is there, however the bytes are cut") {
  const std::string bytes = "one\n\ntwo\n" + std::string(9000, 'x') + "\nhalf a li";
  for (const std::size_t cut : {1, 2, 3, 7, 4096, 100000}) {
    const auto got = collect(bytes, cut);
    CHECK(got.text == bytes.substr(0, bytes.size() - 9));
    CHECK(got.dropped.empty());
    CHECK(got.pending == 9);
  }
}

TEST_CASE("a line over the limit is dropped and counted, its neighbours are kept") {
  const std::string bytes = "a\n" + std::string(kMaxLine + 10, 'x') + "\nb\n";
  for (const std::size_t cut : {1, 1000, 65536}) {
    const auto got = collect(bytes, cut);
    CHECK(got.text == "a\nb\n");
    CHECK(got.dropped == std::vector<std::uint64_t>{kMaxLine + 11});
  }
}

}  // namespace
}  // namespace parsers
