#include "agent/archive/log_bytes.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <optional>
#include <utility>
#include <vector>

#include "actions/fd.h"
#include "agent/archive/quick_gzip.h"
#include "agent/archive/unpack.h"

namespace agent {
namespace {

constexpr int kPatienceMs = 1000;  // without a byte, before it is said that we wait
constexpr std::size_t kRaw = std::size_t{256} * 1024;  // of a packed file, read at once

actions::Error system_error(const std::string& what, int error) {
  const auto code = error == ENOENT || error == ENOTDIR ? actions::Errc::not_found
                    : error == EACCES || error == EPERM ? actions::Errc::denied
                                                        : actions::Errc::io;
  return {code, error, what + ": " + std::strerror(error)};
}

// The bytes on disk, or out of a pipe.
class Source {
 public:
  Source(int fd, std::string path, bool waits, LogBytes::Patience patience)
      : fd_(fd),
        owned_(fd > STDERR_FILENO ? fd : -1),
        path_(std::move(path)),
        waits_(waits),
        patience_(std::move(patience)),
        begin_(waits ? -1 : ::lseek(fd, 0, SEEK_CUR)) {}

  actions::Result<std::size_t> read(std::span<char> into) {
    for (;;) {
      if (waits_ && !wait()) return std::size_t{0};
      const auto got = ::read(fd_, into.data(), into.size());
      if (got >= 0) {
        taken_ += static_cast<std::uint64_t>(got);
        return static_cast<std::size_t>(got);
      }
      if (errno != EINTR) return system_error(path_, errno);
    }
  }
  // From a place that is counted from where the first read() began.
  actions::Result<std::size_t> read_at(std::uint64_t at, std::span<char> into) const {
    for (;;) {
      const auto got = ::pread(fd_, into.data(), into.size(), begin_ + static_cast<off_t>(at));
      if (got >= 0) return static_cast<std::size_t>(got);
      if (errno != EINTR) return system_error(path_, errno);
    }
  }
  [[nodiscard]] bool is_seekable() const { return !waits_ && begin_ >= 0; }
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::uint64_t taken() const { return taken_; }

 private:
  // False: told to stop.
  bool wait() {
    for (;;) {
      if (patience_.stop && patience_.stop()) return false;
      pollfd ready{fd_, POLLIN, 0};
      const int found = ::poll(&ready, 1, kPatienceMs);
      if (found > 0 || (found < 0 && errno != EINTR)) return true;
      if (found == 0 && patience_.on_wait && !said_) {
        said_ = true;
        patience_.on_wait(path_);
      }
    }
  }

  int fd_;
  actions::Fd owned_;  // the same, but for the streams that the process was started with
  std::string path_;
  bool waits_;
  LogBytes::Patience patience_;
  off_t begin_;  // of the file's position when it was opened; -1: unknown
  bool said_ = false;
  std::uint64_t taken_ = 0;
};

// The first bytes were read to see what it is; they come first.
class Plain : public LogBytes {
 public:
  Plain(std::unique_ptr<Source> source, std::string head)
      : source_(std::move(source)), head_(std::move(head)) {}

  actions::Result<std::size_t> fill(std::span<char> out) override {
    if (head_.empty()) return source_->read(out);
    const auto size = std::min(out.size(), head_.size());
    std::memcpy(out.data(), head_.data(), size);
    head_.erase(0, size);
    return size;
  }
  [[nodiscard]] bool is_seekable() const override { return source_->is_seekable(); }
  actions::Result<std::size_t> fill_at(std::uint64_t at, std::span<char> out) const override {
    return source_->read_at(at, out);
  }
  [[nodiscard]] std::uint64_t taken() const override { return source_->taken(); }

 private:
  std::unique_ptr<Source> source_;
  std::string head_;
};

class Packed : public LogBytes {
 public:
  Packed(std::unique_ptr<Source> source, std::string head, Packing packing)
      : source_(std::move(source)), packing_(packing), raw_(kRaw) {
    std::memcpy(raw_.data(), head.data(), head.size());
    end_ = head.size();
    begin_member();
  }

  actions::Result<std::size_t> fill(std::span<char> out) override {
    for (;;) {
      if (failed_) return broken();
      if (begin_ == end_ && !over_) {
        const auto got = read();
        if (!got) return got.error();
      }
      if (!in_member_) {
        // Some programs pad the end with NULs.
        while (begin_ < end_ && raw_[begin_] == '\0') ++begin_;
        if (begin_ == end_ && over_) return std::size_t{0};
        if (begin_ == end_) continue;
        begin_member();
        ++members_;
      }
      const auto step = unpacker_->step(std::span(raw_).subspan(begin_, end_ - begin_), out);
      begin_ += step.taken;
      if (step.status == Unpacker::Step::Status::end_of_member) in_member_ = false;
      const bool stuck = over_ && in_member_ && step.given == 0;
      if (step.status == Unpacker::Step::Status::broken || stuck) {
        if (quick_) {
          unpack_again();
          continue;
        }
        failed_ = true;
      }
      if (const auto again = std::min<std::uint64_t>(again_, step.given); again > 0) {
        again_ -= again;
        const auto fresh = static_cast<std::size_t>(step.given - again);
        std::memmove(out.data(), out.data() + again, fresh);
        if (fresh > 0) return fresh;
        continue;
      }
      given_ += step.given;
      if (step.given > 0) return step.given;
    }
  }

  [[nodiscard]] std::uint64_t taken() const override { return source_->taken(); }

 private:
  actions::Result<actions::Done> read() {
    // Whoever reads again reads where the member began.
    const auto got = next_ ? source_->read_at(*next_, raw_) : source_->read(raw_);
    if (!got) return got.error();
    if (next_) *next_ += got.value();
    begin_ = 0;
    end_ = got.value();
    over_ = end_ == 0;
    return actions::Done{};
  }

  void begin_member() {
    in_member_ = true;
    member_at_ = next_.value_or(source_->taken()) - (end_ - begin_);
    given_ = 0;
    unpacker_ = packing_ == Packing::gzip && source_->is_seekable() ? quick_gzip() : nullptr;
    quick_ = unpacker_ != nullptr;
    if (!quick_) unpacker_ = Unpacker::make(packing_);
  }

  // By the unpacker that gives every byte before the damage, passing over what was given.
  void unpack_again() {
    quick_ = false;
    unpacker_ = Unpacker::make(packing_);
    next_ = member_at_;
    again_ = given_;
    begin_ = end_ = 0;
    over_ = false;
  }

  [[nodiscard]] actions::Error broken() const {
    return {actions::Errc::malformed, 0,
            fmt::format("{}: the packed file {}; what could be read was used", source_->path(),
                        over_          ? "ends early"
                        : members_ > 1 ? "is damaged after its first part"
                                       : "is damaged")};
  }
  std::unique_ptr<Source> source_;
  Packing packing_;
  std::unique_ptr<Unpacker> unpacker_;
  std::vector<char> raw_;
  std::size_t begin_ = 0, end_ = 0;  // what of raw_ is still to be unpacked
  bool over_ = false;                // no more raw bytes
  bool in_member_ = true;
  bool quick_ = false;                   // the unpacker is quick_gzip()
  std::uint64_t member_at_ = 0;          // where it begins in the file
  std::uint64_t given_ = 0, again_ = 0;  // of it: bytes handed out; bytes that come again
  std::optional<std::uint64_t> next_;    // where to read on; nullopt: where the source is
  bool failed_ = false;
  int members_ = 1;
};

}  // namespace

actions::Result<std::size_t> LogBytes::fill_at(std::uint64_t at, std::span<char> out) const {
  (void)at, (void)out;
  return actions::Error{actions::Errc::io, ESPIPE, "no place of it can be read at will"};
}

actions::Result<LogBytes::Opened> LogBytes::open(const std::string& path, Patience patience) {
  int fd = STDIN_FILENO;
  if (path != "-") {
    fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) return system_error(path, errno);
  }
  struct stat info{};
  const bool known = ::fstat(fd, &info) == 0;
  const int error = errno;
  const bool regular = known && S_ISREG(info.st_mode);
  auto source = std::make_unique<Source>(fd, path, !regular, std::move(patience));
  if (!known) return system_error(path, error);
  if (S_ISDIR(info.st_mode)) return system_error(path, EISDIR);

  std::string head(16, '\0');
  std::size_t have = 0;
  while (have < head.size()) {
    const auto got = source->read(std::span(head).subspan(have));
    if (!got) return got.error();
    if (got.value() == 0) break;
    have += got.value();
  }
  head.resize(have);

  Opened opened;
  if (const auto packing = packing_of(head)) {
    opened.bytes = std::make_unique<Packed>(std::move(source), std::move(head), *packing);
    opened.packed = true;
  } else {
    opened.bytes = std::make_unique<Plain>(std::move(source), std::move(head));
  }
  opened.regular = regular;
  opened.size = regular ? static_cast<std::uint64_t>(info.st_size) : 0;
  opened.written = regular ? info.st_mtime : ::time(nullptr);
  return opened;
}

}  // namespace agent
