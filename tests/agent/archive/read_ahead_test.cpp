// A log read ahead by a thread is the log read without one, to the last byte and the error behind
// it.
#include <zlib.h>

#include <memory>
#include <set>
#include <string>
#include <utility>

#include "agent/archive/log_input.h"
#include "parsers/entries/prepared.h"
#include "tests/catch.h"
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

Read read_all(const std::string& path, std::size_t ahead) {
  auto opened = LogInput::open(path);
  REQUIRE(opened);
  auto& input = *opened.value();
  input.read_ahead(ahead);
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
  const auto plain = read_all(path, 0);
  CHECK((plain.bytes == expected));
  for (const std::size_t threads : {1, 3}) {
    const auto ahead = read_all(path, threads);
    CHECK((ahead.bytes == plain.bytes));
    CHECK(ahead.error == plain.error);
    CHECK(ahead.taken == plain.taken);
  }
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
    const auto plain = read_all(path, 0);
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
    opened.value()->read_ahead(2);
    for (int i = 0; i < reads; ++i) {
      const auto chunk = opened.value()->read();
      REQUIRE(chunk);
      const auto from = static_cast<std::size_t>(i) * LogInput::kChunk;
      CHECK((std::string_view(chunk.value().data(), chunk.value().size()) ==
             std::string_view(text).substr(from, LogInput::kChunk)));
    }
  }
}

// Writes down what a reader hands out.
class Protocol : public parsers::EventSink {
 public:
  void on_event(const parsers::Event& event) override {
    text += std::to_string(event.number) + " " + std::to_string(event.offset) + " " +
            std::string(parsers::name_of(event.kind)) + " " + std::string(event.line) + "\n";
  }
  std::string text;
};

std::string refusals(std::size_t size) {
  std::string text;
  for (std::size_t number = 0; text.size() < size; ++number) {
    const std::string stamp = "2026-11-23 10:42:35 ";
    text += stamp + "1xV000-00002H-0Z <= a@example.org H=(pc) [192.0.2.1] P=esmtp" +
            (number % 999 == 0 ? "\n" : " S=512\n");  // now and then one that is not finished
    text += stamp + "H=(pc) [192.0.2.1] F=<a@b> A=plain:user" + std::to_string(number % 77) +
            " rejected RCPT <x" + std::to_string(number) + "@y>: Unrouteable address\n";
  }
  return text;
}

std::string events_of(const std::string& path, std::size_t threads) {
  parsers::ReaderOptions options;
  options.reasons = parsers::Reasons::defaults();
  auto opened = LogInput::open(path);
  REQUIRE(opened);
  auto& input = *opened.value();
  input.read_ahead(threads, [&]() -> ReadAhead::Prepare {
    const auto preparer = std::make_shared<parsers::BlockPreparer>(
        options, [](parsers::CivilSeconds, parsers::CivilSeconds) { return false; });
    return [preparer](std::span<const char> bytes, parsers::PreparedBlock& block) {
      preparer->prepare(bytes, false, block);
    };
  });
  parsers::LogReader reader(options);
  Protocol protocol;
  for (;;) {
    const auto chunk = input.read();
    REQUIRE(chunk);
    if (chunk.value().empty()) break;
    reader.feed(chunk.value(), input.prepared(), protocol);
  }
  return protocol.text + std::to_string(reader.line());
}

TEST_CASE("what threads prepare is what one reader makes of the log, plain and packed") {
  const fakes::Directory directory;
  const auto path = directory / "log";
  const auto text = refusals(11 * LogInput::kChunk + 17);
  fakes::write(path, text);
  const auto plain = events_of(path, 0);
  for (const std::size_t threads : {1, 2, 4}) CHECK((events_of(path, threads) == plain));
  (void)gzipped(path, text);
  for (const std::size_t threads : {1, 2, 4}) CHECK((events_of(path, threads) == plain));
}

TEST_CASE("what one file is done with is the memory of the next") {
  const fakes::Directory directory;
  const auto path = directory / "log";
  fakes::write(path, text_of(40 * LogInput::kChunk));
  const auto spare = std::make_shared<SpareChunks>();
  std::set<const char*> places;
  for (int file = 0; file < 3; ++file) {
    auto opened = LogInput::open(path);
    REQUIRE(opened);
    opened.value()->read_ahead(2, {}, 8 * LogInput::kChunk, spare);
    for (;;) {
      const auto chunk = opened.value()->read();
      REQUIRE(chunk);
      if (chunk.value().empty()) break;
      places.insert(chunk.value().data());
    }
  }
  // A ring of eight, and for each file the one that was handed out last.
  CHECK(places.size() <= 8 + 3);
}

}  // namespace
}  // namespace agent
