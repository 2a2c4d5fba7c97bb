// The lock that allows one service per state directory: two would undo each other's checkpoints. It
// is a lock on STATE/lock, which the kernel releases however the service ends. The file holds the
// current faults, so that "status" can show them even when no checkpoint can be written.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "actions/result.h"

namespace agent {

class SingleInstance {
 public:
  // Held until destroyed. Errc::timeout: another service holds it.
  static actions::Result<SingleInstance> claim(const std::string& state_directory);
  // Returns whether a service holds it; nullopt if that can't be found out.
  static std::optional<bool> running(const std::string& state_directory);
  // Returns the latest faults of the service that holds it; nullopt if there are none or they can't
  // be read.
  static std::optional<std::vector<std::string>> faults(const std::string& state_directory);

  // Replaces the faults in the file, as far as possible. It writes within the open file, so it
  // works in a directory that is no longer writable, and on a full disk.
  void tell(const std::vector<std::string>& faults);

  enum class Claim {
    held,
    renewed,  // the directory or the lock in it was removed: both were made again
    lost,     // another service has claimed the directory meanwhile
  };
  // Checks that the lock is still the one in the directory.
  Claim renew();

  SingleInstance(SingleInstance&& other) noexcept;
  SingleInstance& operator=(SingleInstance&&) = delete;
  SingleInstance(const SingleInstance&) = delete;
  SingleInstance& operator=(const SingleInstance&) = delete;
  ~SingleInstance();

 private:
  SingleInstance(int fd, std::string directory) : fd_(fd), directory_(std::move(directory)) {}
  int fd_ = -1;
  std::string directory_;
  std::string told_;  // the file's content
};

}  // namespace agent
