// What tests put in the place of the world.
#pragma once

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>
#include <string>

#include "actions/posix_files.h"

namespace fakes {

// A directory of its own that goes with the test.
class Directory {
 public:
  Directory() {
    if (::mkdtemp(path_.data()) == nullptr) std::abort();
    ::chmod(path_.c_str(), 0755);
  }
  ~Directory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  [[nodiscard]] std::size_t entries() const {
    const std::filesystem::directory_iterator begin(path_), end;
    return static_cast<std::size_t>(std::distance(begin, end));
  }

 private:
  std::string path_ = "/tmp/exiwarden-test-XXXXXX";
};

inline std::string content(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

inline void write(const std::string& path, const std::string& bytes, mode_t mode = 0644) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
  ::chmod(path.c_str(), mode);
}

// The real thing, but the k-th operation (from 0) fails before it does anything, or something
// happens just before it.
class TroubledFiles : public actions::Files {
 public:
  int fail_at = -1;
  std::function<void(int operation)> before = [](int) {};
  int operations = 0;

  actions::Result<actions::FileStamp> stamp(const std::string& path) override {
    if (fails()) return error();
    return files_.stamp(path);
  }
  actions::Result<actions::Content> read(const std::string& path, std::size_t limit) override {
    if (fails()) return error();
    return files_.read(path, limit);
  }
  actions::Result<actions::Content> read_from(const std::string& path, std::uint64_t offset,
                                              std::size_t limit) override {
    if (fails()) return error();
    return files_.read_from(path, offset, limit);
  }
  actions::Result<actions::FileStamp> append(const std::string& path, std::string_view bytes,
                                             const actions::Creation& creation) override {
    if (fails()) return error();
    return files_.append(path, bytes, creation);
  }
  actions::Result<actions::Done> sync(const std::string& path) override {
    if (fails()) return error();
    return files_.sync(path);
  }
  actions::Result<actions::FileStamp> replace(
      const std::string& path, std::string_view bytes, const actions::Creation& creation,
      const std::optional<actions::FileStamp>& expected) override {
    if (fails()) return error();
    return files_.replace(path, bytes, creation, expected);
  }
  actions::Result<actions::Done> rename(const std::string& from, const std::string& to) override {
    if (fails()) return error();
    return files_.rename(from, to);
  }
  actions::Result<std::unique_ptr<actions::Lock>> lock(const std::string& directory,
                                                       int milliseconds) override {
    if (fails()) return error();
    return files_.lock(directory, milliseconds);
  }

 private:
  bool fails() {
    before(operations);
    return operations++ == fail_at;
  }
  static actions::Error error() { return {actions::Errc::full, ENOSPC, "no space left"}; }

  actions::PosixFiles files_;
};

}  // namespace fakes
