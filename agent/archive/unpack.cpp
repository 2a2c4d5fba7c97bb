#include "agent/archive/unpack.h"

#include <bzlib.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <limits>

namespace agent {
namespace {

using Status = Unpacker::Step::Status;

// The C interfaces count in 32 bits and take their input without const.
template <class Byte>
Byte* input_bytes(std::span<const char> input) {
  return reinterpret_cast<Byte*>(const_cast<char*>(input.data()));
}
unsigned count(std::size_t size) {
  return static_cast<unsigned>(
      std::min<std::size_t>(size, std::numeric_limits<unsigned>::max() / 2));
}

class Gzip : public Unpacker {
 public:
  Gzip() { ready_ = inflateInit2(&stream_, 15 + 16) == Z_OK; }
  ~Gzip() override { inflateEnd(&stream_); }
  Gzip(const Gzip&) = delete;
  Gzip& operator=(const Gzip&) = delete;

  Step step(std::span<const char> input, std::span<char> output) override {
    if (!ready_) return {Status::broken, 0, 0};
    const auto in = count(input.size());
    const auto out = count(output.size());
    stream_.next_in = input_bytes<Bytef>(input);
    stream_.avail_in = in;
    stream_.next_out = reinterpret_cast<Bytef*>(output.data());
    stream_.avail_out = out;
    const int result = inflate(&stream_, Z_NO_FLUSH);
    const auto status = result == Z_STREAM_END                    ? Status::end_of_member
                        : result == Z_OK || result == Z_BUF_ERROR ? Status::more
                                                                  : Status::broken;
    return {status, in - stream_.avail_in, out - stream_.avail_out};
  }

 private:
  z_stream stream_{};
  bool ready_ = false;
};

class Xz : public Unpacker {
 public:
  // xz -9 wants 65 MiB; a file may not ask for more than a machine has.
  static constexpr std::uint64_t kMemory = std::uint64_t{1} << 30;

  Xz() { ready_ = lzma_stream_decoder(&stream_, kMemory, 0) == LZMA_OK; }
  ~Xz() override { lzma_end(&stream_); }
  Xz(const Xz&) = delete;
  Xz& operator=(const Xz&) = delete;

  Step step(std::span<const char> input, std::span<char> output) override {
    if (!ready_) return {Status::broken, 0, 0};
    stream_.next_in = input_bytes<const std::uint8_t>(input);
    stream_.avail_in = input.size();
    stream_.next_out = reinterpret_cast<std::uint8_t*>(output.data());
    stream_.avail_out = output.size();
    const auto result = lzma_code(&stream_, LZMA_RUN);
    const auto status = result == LZMA_STREAM_END                       ? Status::end_of_member
                        : result == LZMA_OK || result == LZMA_BUF_ERROR ? Status::more
                                                                        : Status::broken;
    return {status, input.size() - stream_.avail_in, output.size() - stream_.avail_out};
  }

 private:
  lzma_stream stream_ = LZMA_STREAM_INIT;
  bool ready_ = false;
};

class Zstd : public Unpacker {
 public:
  // zstd --long=31 -> 2 GiB is the format's most; its own program takes 128 MiB by default.
  static constexpr int kWindowLog = 30;

  Zstd() : stream_(ZSTD_createDStream()) {
    if (stream_ != nullptr) ZSTD_DCtx_setParameter(stream_, ZSTD_d_windowLogMax, kWindowLog);
  }
  ~Zstd() override { ZSTD_freeDStream(stream_); }
  Zstd(const Zstd&) = delete;
  Zstd& operator=(const Zstd&) = delete;

  Step step(std::span<const char> input, std::span<char> output) override {
    if (stream_ == nullptr) return {Status::broken, 0, 0};
    ZSTD_inBuffer in{input.data(), input.size(), 0};
    ZSTD_outBuffer out{output.data(), output.size(), 0};
    const auto result = ZSTD_decompressStream(stream_, &out, &in);
    const auto status = ZSTD_isError(result) != 0 ? Status::broken
                        : result == 0             ? Status::end_of_member
                                                  : Status::more;
    return {status, in.pos, out.pos};
  }

 private:
  ZSTD_DStream* stream_;
};

class Bzip2 : public Unpacker {
 public:
  Bzip2() { ready_ = BZ2_bzDecompressInit(&stream_, 0, 0) == BZ_OK; }
  ~Bzip2() override { BZ2_bzDecompressEnd(&stream_); }
  Bzip2(const Bzip2&) = delete;
  Bzip2& operator=(const Bzip2&) = delete;

  Step step(std::span<const char> input, std::span<char> output) override {
    if (!ready_) return {Status::broken, 0, 0};
    const auto in = count(input.size());
    const auto out = count(output.size());
    stream_.next_in = input_bytes<char>(input);
    stream_.avail_in = in;
    stream_.next_out = output.data();
    stream_.avail_out = out;
    const int result = BZ2_bzDecompress(&stream_);
    const auto status = result == BZ_STREAM_END ? Status::end_of_member
                        : result == BZ_OK       ? Status::more
                                                : Status::broken;
    return {status, in - stream_.avail_in, out - stream_.avail_out};
  }

 private:
  bz_stream stream_{};
  bool ready_ = false;
};

}  // namespace

std::optional<Packing> packing_of(std::string_view head) {
  using namespace std::string_view_literals;
  if (head.starts_with("\x1f\x8b"sv)) return Packing::gzip;
  if (head.starts_with("\xfd"
                       "7zXZ\0"sv))
    return Packing::xz;
  if (head.starts_with("\x28\xb5\x2f\xfd"sv)) return Packing::zstd;
  if (head.size() > 3 && head.starts_with("BZh"sv) && head[3] >= '1' && head[3] <= '9')
    return Packing::bzip2;
  return std::nullopt;
}

std::unique_ptr<Unpacker> Unpacker::make(Packing packing) {
  switch (packing) {
    case Packing::gzip:
      return std::make_unique<Gzip>();
    case Packing::xz:
      return std::make_unique<Xz>();
    case Packing::zstd:
      return std::make_unique<Zstd>();
    case Packing::bzip2:
      break;
  }
  return std::make_unique<Bzip2>();
}

}  // namespace agent
