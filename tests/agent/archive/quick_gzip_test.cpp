// A .gz file, read by ISA-L where it can be, gives the bytes and the words that zlib gives for the
// same bytes out of a pipe.
#include "agent/archive/quick_gzip.h"

#include <fcntl.h>
#include <unistd.h>
#include <zlib.h>

#include <filesystem>
#include <fstream>
#include <random>
#include <string>

#include "agent/archive/log_bytes.h"
#include "tests/catch.h"

namespace {

std::string packed(const std::string& text, int level, bool named) {
  z_stream stream{};
  REQUIRE(deflateInit2(&stream, level, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  gz_header header{};
  std::string name = "mainlog", extra = "extra";
  header.name = reinterpret_cast<Bytef*>(name.data());
  header.extra = reinterpret_cast<Bytef*>(extra.data());
  header.extra_len = static_cast<uInt>(extra.size());
  header.hcrc = text.size() % 7 == 0 ? 1 : 0;
  if (named) REQUIRE(deflateSetHeader(&stream, &header) == Z_OK);
  std::string out(deflateBound(&stream, text.size()) + 100, '\0');
  std::string in = text;
  stream.next_in = reinterpret_cast<Bytef*>(in.data());
  stream.avail_in = static_cast<uInt>(in.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  REQUIRE(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

std::string text_of(std::mt19937& chance) {
  std::string text;
  const auto size = chance() % 3 == 0 ? chance() % 200'000 : chance() % 5'000;
  const bool noise = chance() % 4 == 0;
  while (text.size() < size) {
    if (noise) {
      text.push_back(static_cast<char>(chance()));
    } else {
      text +=
          "2026-11-30 10:00:00 H=(x) rejected RCPT <" + std::to_string(chance() % 1000) + "@e>\n";
    }
  }
  return text;
}

// What one may find in a directory of old logs.
std::string file_of(std::mt19937& chance, std::string& kind) {
  auto file = packed(text_of(chance), static_cast<int>(chance() % 10), chance() % 2 == 0);
  const auto at = [&] { return chance() % file.size(); };
  switch (chance() % 7) {
    case 0:
      kind = "cut off";
      file.resize(std::max<std::size_t>(6, at()));
      break;
    case 1: {
      kind = "one bit";
      const auto place = std::max<std::size_t>(3, at());
      file[place] = static_cast<char>(file[place] ^ (1 << chance() % 8));
      break;
    }
    case 2:
      kind = "two members";
      file += packed(text_of(chance), 6, false);
      break;
    case 3:
      kind = "padded";
      file += std::string(chance() % 600, '\0');
      break;
    case 4:
      kind = "followed by other bytes";
      file += "garbage";
      break;
    case 5:
      kind = "the second one cut off";
      file += packed(text_of(chance), 1, false);
      file.resize(file.size() - chance() % 20);
      break;
    default:
      kind = "whole";
  }
  return file;
}

struct Read {
  std::string bytes, words;
};

Read read_of(const std::string& path, std::size_t most) {
  auto opened = agent::LogBytes::open(path, {});
  REQUIRE(opened);
  Read read;
  std::string buffer(most, '\0');
  for (;;) {
    const auto got = opened.value().bytes->fill(buffer);
    if (!got) {
      read.words = got.error().what.substr(path.size());
      return read;
    }
    if (got.value() == 0) return read;
    read.bytes.append(buffer, 0, got.value());
  }
}

// By zlib, for a pipe cannot be read again.
Read piped(const std::string& file, std::size_t most) {
  int ends[2];
  REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
  REQUIRE(::fcntl(ends[1], F_SETPIPE_SZ, 1 << 20) >= 0);
  REQUIRE(file.size() < 1 << 20);
  REQUIRE(::write(ends[1], file.data(), file.size()) == static_cast<ssize_t>(file.size()));
  ::close(ends[1]);
  auto read = read_of("/dev/fd/" + std::to_string(ends[0]), most);
  ::close(ends[0]);
  return read;
}

struct Steps {
  std::string bytes;
  std::size_t taken = 0;
  bool whole = false;
};

// In pieces of any size; each piece stands alone in memory, so that ASan sees every byte too far.
Steps stepped(agent::Unpacker& unpacker, const std::string& member, std::mt19937 chance,
              std::size_t most) {
  Steps steps;
  for (int idle = 0; idle < 100 && !steps.whole;) {
    const auto size = std::min<std::size_t>(member.size() - steps.taken, chance() % most + 1);
    const std::vector<char> in(member.begin() + static_cast<std::ptrdiff_t>(steps.taken),
                               member.begin() + static_cast<std::ptrdiff_t>(steps.taken + size));
    std::vector<char> out(chance() % most + 1);
    const auto step = unpacker.step(in, out);
    REQUIRE(step.status != agent::Unpacker::Step::Status::broken);
    REQUIRE(step.taken <= in.size());
    REQUIRE(step.given <= out.size());
    steps.taken += step.taken;
    steps.bytes.append(out.data(), step.given);
    steps.whole = step.status == agent::Unpacker::Step::Status::end_of_member;
    idle = step.taken + step.given == 0 ? idle + 1 : 0;
  }
  return steps;
}

}  // namespace

TEST_CASE("A .gz gives by ISA-L what zlib makes of it, whole, damaged, cut, padded, in a row") {
  const auto directory = std::filesystem::temp_directory_path() /
                         ("exiwarden-quick-gzip-" + std::to_string(::getpid()));
  std::filesystem::create_directory(directory);
  const auto path = (directory / "log.gz").string();
  for (unsigned seed = 0; seed < 500; ++seed) {
    std::mt19937 chance(seed);
    std::string kind;
    const auto file = file_of(chance, kind);
    INFO("seed " << seed << ", " << kind);
    std::ofstream(path, std::ios::binary | std::ios::trunc) << file;
    const auto most = chance() % 2 == 0 ? 65'536 : 1 + chance() % 3'000;
    const auto quick = read_of(path, most);
    const auto slow = piped(file, most);
    CHECK(quick.words == slow.words);
    CHECK(quick.bytes.size() == slow.bytes.size());
    CHECK((quick.bytes == slow.bytes));
  }
  std::filesystem::remove_all(directory);
}

TEST_CASE("A member comes out of ISA-L in pieces as out of zlib") {
  if (agent::quick_gzip() == nullptr) return;
  for (unsigned seed = 0; seed < 300; ++seed) {
    INFO("seed " << seed);
    std::mt19937 chance(seed);
    const auto text = text_of(chance) + "1";
    const auto member =
        packed(text.size() % 7 == 0 ? text + "2" : text, static_cast<int>(chance() % 10), true);
    const auto most = chance() % 3 == 0 ? 70'000 : 1 + chance() % 50;
    const auto quick = stepped(*agent::quick_gzip(), member + "next", chance, most);
    const auto slow =
        stepped(*agent::Unpacker::make(agent::Packing::gzip), member + "next", chance, most);
    CHECK(quick.whole);
    CHECK(quick.taken == slow.taken);
    CHECK((quick.bytes == slow.bytes));
  }
}
