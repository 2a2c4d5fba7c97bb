// One service a state directory: two would undo each other's checkpoints. A lock on STATE/lock,
// which the kernel gives back however the service ends. In the file stands what does not work at
// the moment, so that "status" can tell it also when no checkpoint can be written.
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
  // Does a service hold it? nullopt: it can't be told.
  static std::optional<bool> running(const std::string& state_directory);
  // What the service that holds it has told last; nullopt: nothing, or it can't be read.
  static std::optional<std::vector<std::string>> faults(const std::string& state_directory);

  // Replaces what was told before. Best effort, within the file that is open: so it works in a
  // directory that can't be written any more, and on a disk that is full.
  void tell(const std::vector<std::string>& faults);

  enum class Claim {
    held,
    renewed,  // the directory or the lock in it was removed: both were made again
    lost,     // another service has claimed the directory meanwhile
  };
  // Looks whether the lock is still the one in the directory.
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
