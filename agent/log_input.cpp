#include "agent/log_input.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <ctime>
#include <mutex>
#include <optional>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>

#include "agent/unpack.h"

namespace agent {
namespace {

constexpr int kPatienceMs = 1000;  // without a byte, before it is said that we wait

actions::Error system_error(const std::string& what, int error) {
  const auto code = error == ENOENT || error == ENOTDIR ? actions::Errc::not_found
                    : error == EACCES || error == EPERM ? actions::Errc::denied
                                                        : actions::Errc::io;
  return {code, error, what + ": " + std::strerror(error)};
}

// The bytes on disk, or out of a pipe.
class Source {
 public:
  Source(int fd, std::string path, bool waits, LogInput::Patience patience)
      : fd_(fd), path_(std::move(path)), waits_(waits), patience_(std::move(patience)) {}
  ~Source() {
    if (fd_ > 2) ::close(fd_);
  }
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;

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
  std::string path_;
  bool waits_;
  LogInput::Patience patience_;
  bool said_ = false;
  std::uint64_t taken_ = 0;
};

}  // namespace

// Where the bytes of the log itself come from.
class LogInput::Bytes {
 public:
  Bytes() = default;
  virtual ~Bytes() = default;
  Bytes(const Bytes&) = delete;
  Bytes& operator=(const Bytes&) = delete;
  // Fills `out`, at least one byte of it; 0 at the end.
  virtual actions::Result<std::size_t> fill(std::span<char> out) = 0;
  [[nodiscard]] virtual std::uint64_t taken() const = 0;  // on disk
};

// The first bytes were read to see what it is; they come first.
class LogInput::Plain : public LogInput::Bytes {
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
  [[nodiscard]] std::uint64_t taken() const override { return source_->taken(); }

 private:
  std::unique_ptr<Source> source_;
  std::string head_;
};

class LogInput::Packed : public LogInput::Bytes {
 public:
  Packed(std::unique_ptr<Source> source, std::string head, Packing packing)
      : source_(std::move(source)),
        packing_(packing),
        unpacker_(Unpacker::make(packing)),
        raw_(kChunk) {
    std::memcpy(raw_.data(), head.data(), head.size());
    end_ = head.size();
  }

  actions::Result<std::size_t> fill(std::span<char> out) override {
    for (;;) {
      if (failed_) return broken();
      if (begin_ == end_ && !over_) {
        const auto got = source_->read(raw_);
        if (!got) return got.error();
        begin_ = 0;
        end_ = got.value();
        over_ = end_ == 0;
      }
      if (!in_member_) {
        // Some programs pad the end with NULs.
        while (begin_ < end_ && raw_[begin_] == '\0') ++begin_;
        if (begin_ == end_ && over_) return std::size_t{0};
        if (begin_ == end_) continue;
        unpacker_ = Unpacker::make(packing_);
        in_member_ = true;
        ++members_;
      }
      const auto step = unpacker_->step(std::span(raw_).subspan(begin_, end_ - begin_), out);
      begin_ += step.taken;
      if (step.status == Unpacker::Step::Status::end_of_member) in_member_ = false;
      const bool stuck = over_ && in_member_ && step.given == 0;
      if (step.status == Unpacker::Step::Status::broken || stuck) failed_ = true;
      if (step.given > 0) return step.given;
    }
  }

  [[nodiscard]] std::uint64_t taken() const override { return source_->taken(); }

 private:
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
  bool failed_ = false;
  int members_ = 1;
};

void LogInput::fill(Bytes& from, Chunk& chunk) {
  chunk.have = 0;
  while (chunk.have < chunk.bytes.size() && chunk.error == nullptr) {
    const auto got = from.fill(std::span(chunk.bytes).subspan(chunk.have));
    if (!got) {
      chunk.error = std::make_unique<actions::Error>(got.error());
    } else if (got.value() == 0) {
      break;
    } else {
      chunk.have += got.value();
    }
  }
  chunk.taken = from.taken();
}

// A thread that fills chunks, and the few that are full. The thread alone uses the bytes' source.
class LogInput::Ahead {
 public:
  explicit Ahead(Bytes& from) : from_(from), thread_([this] { run(); }) {}
  ~Ahead() {
    {
      const std::lock_guard lock(mutex_);
      stop_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }
  Ahead(const Ahead&) = delete;
  Ahead& operator=(const Ahead&) = delete;

  // The next chunk takes the place of `chunk`, whose storage is used again. At the end it is empty.
  void next(Chunk& chunk) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return full_ > 0 || over_; });
    if (full_ == 0) {
      chunk.have = 0;
      return;
    }
    std::swap(chunk, ring_[first_]);
    first_ = (first_ + 1) % ring_.size();
    --full_;
    lock.unlock();
    changed_.notify_all();
  }

 private:
  void run() {
    for (bool more = true; more;) {
      Chunk* chunk = nullptr;
      {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return full_ < ring_.size() || stop_; });
        if (stop_) return;
        chunk = &ring_[(first_ + full_) % ring_.size()];
      }
      LogInput::fill(from_, *chunk);
      more = chunk->have == kChunk;
      {
        const std::lock_guard lock(mutex_);
        ++full_;
        over_ = !more;
      }
      changed_.notify_all();
    }
  }

  Bytes& from_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::array<Chunk, 4> ring_;
  std::size_t first_ = 0, full_ = 0;  // of ring_; a chunk that is not full is the thread's
  bool over_ = false;                 // no chunk comes after those that are full
  bool stop_ = false;
  std::thread thread_;  // last: it uses all the others
};

LogInput::LogInput(std::unique_ptr<Bytes> bytes) : bytes_(std::move(bytes)) {}
LogInput::~LogInput() = default;

void LogInput::read_ahead() {
  if (!regular_ || ahead_ != nullptr) return;
  try {
    ahead_ = std::make_unique<Ahead>(*bytes_);
  } catch (const std::system_error&) {
    // No thread to be had (a limit of the system): then without.
  }
}

actions::Result<std::span<const char>> LogInput::read() {
  auto chunk = peek();
  peeked_ = false;
  return chunk;
}

actions::Result<std::span<const char>> LogInput::peek() {
  if (!peeked_) {
    if (chunk_.error == nullptr) {
      if (ahead_ != nullptr) {
        ahead_->next(chunk_);
      } else {
        fill(*bytes_, chunk_);
      }
      taken_ = chunk_.taken;
    } else {
      chunk_.have = 0;
    }
    peeked_ = true;
  }
  if (chunk_.have == 0 && chunk_.error != nullptr) return *chunk_.error;
  return std::span<const char>(chunk_.bytes.data(), chunk_.have);
}

actions::Result<std::unique_ptr<LogInput>> LogInput::open(const std::string& path,
                                                          Patience patience) {
  int fd = STDIN_FILENO;
  if (path != "-") {
    fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) return system_error(path, errno);
  }
  struct stat info {};
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

  std::unique_ptr<Bytes> bytes;
  if (const auto packing = packing_of(head)) {
    bytes = std::make_unique<Packed>(std::move(source), std::move(head), *packing);
  } else {
    bytes = std::make_unique<Plain>(std::move(source), std::move(head));
  }
  std::unique_ptr<LogInput> input(new LogInput(std::move(bytes)));
  input->regular_ = regular;
  input->size_ = regular ? static_cast<std::uint64_t>(info.st_size) : 0;
  input->written_ = regular ? info.st_mtime : ::time(nullptr);
  return input;
}

}  // namespace agent
