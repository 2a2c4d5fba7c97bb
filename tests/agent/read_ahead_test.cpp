// A log read ahead by a thread is the log read without one, to the last byte and the error behind
// it.
#include <zlib.h>

#include <catch2/catch.hpp>
#include <string>
#include <utility>

#include "agent/log_input.h"
#include "tests/fakes.h"

namespace agent {
namespace {

std::string text_of(std::size_t size) {
  std::string text;
  for (std::size_t number = 0; text.size() < size; ++number) {
    text += "2026-11-23 10:42:35 line " + std::to_string(number) + "\n";
  }
  text.resize(size);
  return text;
}

std::string gzipped(const std::string& path, const std::string& text) {
  const auto file = ::gzopen(path.c_str(), "wb1");
  if (!text.empty()) ::gzwrite(file, text.data(), static_cast<unsigned>(text.size()));
  ::gzclose(file);
  return fakes::content(path);
}

struct Read {
  std::string bytes, error;
  std::uint64_t taken = 0;
};

Read read_all(const std::string& path, bool ahead) {
  auto opened = LogInput::open(path);
  REQUIRE(opened);
  auto& input = *opened.value();
  if (ahead) input.read_ahead();
  Read read;
  for (;;) {
    const auto chunk = input.read();
    if (!chunk) read.error = chunk.error().what;
    if (!chunk || chunk.value().empty()) break;
    read.bytes.append(chunk.value().data(), chunk.value().size());
  }
  // The end stays the end.
  const auto after = input.read();
  CHECK((!after || after.value().empty()));
  read.taken = input.taken();
  return read;
}

void check_same(const std::string& path, const std::string& expected) {
  const auto plain = read_all(path, false);
  const auto ahead = read_all(path, true);
  CHECK((ahead.bytes == plain.bytes));
  CHECK(ahead.error == plain.error);
  CHECK(ahead.taken == plain.taken);
  CHECK((plain.bytes == expected));
}

TEST_CASE("reading ahead gives the same bytes, plain and packed, at every size around a chunk") {
  const fakes::Directory directory;
  const auto path = directory / "log";
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{1}, std::size_t{15}, std::size_t{16}, LogInput::kChunk - 1,
        LogInput::kChunk, LogInput::kChunk + 1, 5 * LogInput::kChunk, 9 * LogInput::kChunk + 17}) {
    INFO(size);
    const auto text = text_of(size);
    fakes::write(path, text);
    check_same(path, text);
    (void)gzipped(path, text);
    check_same(path, text);
  }
}

TEST_CASE("reading ahead gives what a cut-off file holds, and then its error") {
  const fakes::Directory directory;
  const auto path = directory / "log.gz";
  const auto packed = gzipped(path, text_of(6 * LogInput::kChunk));
  for (const auto kept : {packed.size() - 1, packed.size() / 2, packed.size() / 7}) {
    INFO(kept);
    fakes::write(path, packed.substr(0, kept));
    const auto plain = read_all(path, false);
    CHECK_FALSE(plain.error.empty());
    check_same(path, plain.bytes);
  }
}

TEST_CASE("an input that reads ahead can be given up at any time") {
  const fakes::Directory directory;
  const auto path = directory / "log";
  const auto text = text_of(12 * LogInput::kChunk);
  fakes::write(path, text);
  for (int reads = 0; reads < 12; ++reads) {
    auto opened = LogInput::open(path);
    REQUIRE(opened);
    if (reads % 2 == 1) (void)opened.value()->peek();  // what was looked at comes first
    opened.value()->read_ahead();
    for (int i = 0; i < reads; ++i) {
      const auto chunk = opened.value()->read();
      REQUIRE(chunk);
      const auto from = static_cast<std::size_t>(i) * LogInput::kChunk;
      CHECK((std::string_view(chunk.value().data(), chunk.value().size()) ==
             std::string_view(text).substr(from, LogInput::kChunk)));
    }
  }
}

}  // namespace
}  // namespace agent
