#include "agent/archive/quick_gzip.h"

#ifndef EXIWARDEN_ISAL

namespace agent {
std::unique_ptr<Unpacker> quick_gzip() {
  return nullptr;
}
}  // namespace agent

#else

#include <isa-l/crc.h>
#include <isa-l/igzip_lib.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>

namespace agent {
namespace {

using Status = Unpacker::Step::Status;

constexpr std::size_t kFixed = 10;  // bytes of a header without its optional fields (RFC 1952)
constexpr std::size_t kTrailer = 8;
constexpr std::size_t kLongestHeader = std::size_t{64} * 1024;
constexpr unsigned kExtra = 4, kName = 8, kComment = 16, kKnown = 1 | kExtra | kName | kComment;

// ISA-L 2.30 loses its place in a header or trailer that comes in pieces (it takes more bytes than
// there are), so that only the deflate stream between them is its own.
class QuickGzip : public Unpacker {
 public:
  QuickGzip() {
    isal_inflate_init(&stream_);
    stream_.crc_flag = ISAL_DEFLATE;
  }

  Step step(std::span<const char> input, std::span<char> output) override {
    switch (place_) {
      case Place::header:
        return header(input);
      case Place::body:
        return body(input, output);
      case Place::trailer:
        break;
    }
    return trailer(input);
  }

 private:
  Step header(std::span<const char> input) {
    const auto before = held_.size();
    held_.append(input.data(), std::min(input.size(), kLongestHeader - before));
    const auto taken = held_.size() - before;
    const auto size = header_size();
    if (size == kBroken) return {Status::broken, 0, 0};
    if (size > held_.size())
      return {held_.size() < kLongestHeader ? Status::more : Status::broken, taken, 0};
    held_.clear();
    place_ = Place::body;
    return {Status::more, size - before, 0};
  }

  // More than there is: it is not whole yet.
  [[nodiscard]] std::size_t header_size() const {
    const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(held_[at]); };
    if (held_.size() < kFixed) return kFixed;
    const unsigned flags = byte(3);
    // A header with a checksum of its own is rare, and zlib's.
    if (byte(2) != 8 || (flags & ~kKnown) != 0) return kBroken;
    std::size_t size = kFixed;
    if ((flags & kExtra) != 0) {
      if (held_.size() < size + 2) return size + 2;
      size += 2 + byte(size) + 256U * byte(size + 1);
    }
    for (const auto text : {kName, kComment}) {
      if ((flags & text) == 0) continue;
      const auto end = size < held_.size() ? held_.find('\0', size) : std::string::npos;
      if (end == std::string::npos) return std::max(size, held_.size()) + 1;
      size = end + 1;
    }
    return size;
  }

  Step body(std::span<const char> input, std::span<char> output) {
    const auto most = [](std::size_t size) {
      return static_cast<std::uint32_t>(
          std::min<std::size_t>(size, std::numeric_limits<std::uint32_t>::max() / 2));
    };
    const auto in = most(input.size());
    const auto out = most(output.size());
    auto* const given = reinterpret_cast<std::uint8_t*>(output.data());
    stream_.next_in = reinterpret_cast<std::uint8_t*>(const_cast<char*>(input.data()));
    stream_.avail_in = in;
    stream_.next_out = given;
    stream_.avail_out = out;
    if (isal_inflate(&stream_) < 0) return {Status::broken, 0, 0};
    const Step step{Status::more, in - stream_.avail_in, out - stream_.avail_out};
    checksum_ = crc32_gzip_refl(checksum_, given, step.given);
    size_ += static_cast<std::uint32_t>(step.given);
    if (stream_.block_state == ISAL_BLOCK_FINISH) {
      // What it has read ahead belongs to the trailer, which is as long as all that it can hold.
      auto ahead = stream_.read_in >> (stream_.read_in_length % 8);
      for (auto bytes = stream_.read_in_length / 8; bytes > 0; --bytes, ahead >>= 8)
        held_.push_back(static_cast<char>(ahead & 0xff));
      place_ = Place::trailer;
    }
    return step;
  }

  Step trailer(std::span<const char> input) {
    const auto taken = std::min(input.size(), kTrailer - held_.size());
    held_.append(input.data(), taken);
    if (held_.size() < kTrailer) return {Status::more, taken, 0};
    const auto number = [&](std::size_t at) {
      std::uint32_t value = 0;
      for (std::size_t i = 4; i > 0; --i)
        value = value << 8 | static_cast<unsigned char>(held_[at + i - 1]);
      return value;
    };
    const bool right = number(0) == checksum_ && number(4) == size_;
    return {right ? Status::end_of_member : Status::broken, taken, 0};
  }

  static constexpr std::size_t kBroken = std::numeric_limits<std::size_t>::max();
  enum class Place { header, body, trailer };

  Place place_ = Place::header;
  std::string held_;  // of a header or trailer that came in pieces
  inflate_state stream_{};
  std::uint32_t checksum_ = 0, size_ = 0;
};

}  // namespace

std::unique_ptr<Unpacker> quick_gzip() {
  return std::make_unique<QuickGzip>();
}

}  // namespace agent

#endif
