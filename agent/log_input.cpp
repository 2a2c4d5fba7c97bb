#include "agent/log_input.h"

#include <archive.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <string_view>
#include <vector>

namespace agent {
namespace {

constexpr std::size_t kChunk = 256 * 1024;

actions::Error system_error(const std::string& what, int error) {
  const auto code = error == ENOENT                     ? actions::Errc::not_found
                    : error == EACCES || error == EPERM ? actions::Errc::denied
                                                        : actions::Errc::io;
  return {code, error, what + ": " + std::strerror(error)};
}

class Fd {
 public:
  explicit Fd(int fd) : fd_(fd) {}
  ~Fd() {
    if (fd_ > 2) ::close(fd_);
  }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  [[nodiscard]] int get() const { return fd_; }
  actions::Result<std::size_t> read(std::span<char> into, const std::string& path) const {
    for (;;) {
      const auto got = ::read(fd_, into.data(), into.size());
      if (got >= 0) return static_cast<std::size_t>(got);
      if (errno != EINTR) return system_error(path, errno);
    }
  }

 private:
  int fd_;
};

// The first bytes were read to see what it is; they come first.
class PlainInput : public LogInput {
 public:
  PlainInput(std::unique_ptr<Fd> fd, std::string path, std::string head)
      : fd_(std::move(fd)), path_(std::move(path)), head_(std::move(head)), buffer_(kChunk) {}

  actions::Result<std::span<const char>> read() override {
    if (!head_.empty()) {
      std::memcpy(buffer_.data(), head_.data(), head_.size());
      const auto size = head_.size();
      head_.clear();
      return std::span<const char>(buffer_.data(), size);
    }
    const auto got = fd_->read(buffer_, path_);
    if (!got) return got.error();
    return std::span<const char>(buffer_.data(), got.value());
  }

 private:
  std::unique_ptr<Fd> fd_;
  std::string path_;
  std::string head_;
  std::vector<char> buffer_;
};

class PackedInput : public LogInput {
 public:
  PackedInput(std::unique_ptr<Fd> fd, std::string path, std::string head)
      : fd_(std::move(fd)),
        path_(std::move(path)),
        head_(std::move(head)),
        raw_(kChunk),
        buffer_(kChunk) {}
  ~PackedInput() override {
    if (archive_ != nullptr) archive_read_free(archive_);
  }
  PackedInput(const PackedInput&) = delete;
  PackedInput& operator=(const PackedInput&) = delete;

  actions::Result<std::span<const char>> read() override {
    if (archive_ == nullptr) {
      archive_ = archive_read_new();
      archive_read_support_filter_gzip(archive_);
      archive_read_support_filter_bzip2(archive_);
      archive_read_support_filter_xz(archive_);
      archive_read_support_filter_zstd(archive_);
      archive_read_support_format_raw(archive_);
      archive_read_support_format_empty(archive_);
      if (archive_read_open(archive_, this, nullptr, &PackedInput::refill, nullptr) != ARCHIVE_OK) {
        return broken();
      }
      archive_entry* entry = nullptr;
      const int status = archive_read_next_header(archive_, &entry);
      if (status == ARCHIVE_EOF) return std::span<const char>();
      if (status != ARCHIVE_OK) return broken();
    }
    const auto got = archive_read_data(archive_, buffer_.data(), buffer_.size());
    if (got < 0) return broken();
    return std::span<const char>(buffer_.data(), static_cast<std::size_t>(got));
  }

 private:
  static la_ssize_t refill(archive* archive, void* self, const void** bytes) {
    auto& input = *static_cast<PackedInput*>(self);
    if (!input.head_.empty()) {
      std::memcpy(input.raw_.data(), input.head_.data(), input.head_.size());
      const auto size = input.head_.size();
      input.head_.clear();
      *bytes = input.raw_.data();
      return static_cast<la_ssize_t>(size);
    }
    const auto got = input.fd_->read(input.raw_, input.path_);
    if (!got) {
      archive_set_error(archive, got.error().os, "%s", got.error().what.c_str());
      return -1;
    }
    *bytes = input.raw_.data();
    return static_cast<la_ssize_t>(got.value());
  }

  actions::Error broken() const {
    const char* what = archive_error_string(archive_);
    return {actions::Errc::malformed, 0,
            path_ + ": the packed file ends early or is damaged (" +
                (what != nullptr ? what : "?") + ")"};
  }

  std::unique_ptr<Fd> fd_;
  std::string path_;
  std::string head_;
  std::vector<char> raw_;
  std::vector<char> buffer_;
  archive* archive_ = nullptr;
};

bool is_packed(std::string_view head) {
  using namespace std::string_view_literals;
  return head.starts_with("\x1f\x8b"sv) ||
         head.starts_with(
             "\xfd"
             "7zXZ\0"sv) ||
         head.starts_with("\x28\xb5\x2f\xfd"sv) || head.starts_with("BZh"sv);
}

}  // namespace

actions::Result<std::unique_ptr<LogInput>> LogInput::open(const std::string& path) {
  int raw = STDIN_FILENO;
  if (path != "-") {
    raw = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (raw < 0) return system_error(path, errno);
  }
  auto fd = std::make_unique<Fd>(raw);
  struct stat info {};
  if (::fstat(raw, &info) != 0) return system_error(path, errno);
  if (S_ISDIR(info.st_mode)) return system_error(path, EISDIR);

  std::string head(16, '\0');
  std::size_t have = 0;
  while (have < head.size()) {
    const auto got = fd->read(std::span(head).subspan(have), path);
    if (!got) return got.error();
    if (got.value() == 0) break;
    have += got.value();
  }
  head.resize(have);

  std::unique_ptr<LogInput> input;
  if (is_packed(head)) {
    input = std::make_unique<PackedInput>(std::move(fd), path, std::move(head));
  } else {
    input = std::make_unique<PlainInput>(std::move(fd), path, std::move(head));
  }
  input->written_ = S_ISREG(info.st_mode) ? info.st_mtime : ::time(nullptr);
  return input;
}

}  // namespace agent
