// One service a state directory: two would undo each other's checkpoints. A lock on STATE/lock,
// which the kernel gives back however the service ends.
#pragma once

#include <optional>
#include <string>

#include "actions/result.h"

namespace agent {

class SingleInstance {
 public:
  // Held until destroyed. Errc::timeout: another service holds it.
  static actions::Result<SingleInstance> claim(const std::string& state_directory);
  // Does a service hold it? nullopt: it can't be told.
  static std::optional<bool> running(const std::string& state_directory);

  SingleInstance(SingleInstance&& other) noexcept;
  SingleInstance& operator=(SingleInstance&&) = delete;
  SingleInstance(const SingleInstance&) = delete;
  SingleInstance& operator=(const SingleInstance&) = delete;
  ~SingleInstance();

 private:
  explicit SingleInstance(int fd) : fd_(fd) {}
  int fd_ = -1;
};

}  // namespace agent
