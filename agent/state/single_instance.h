// One service a state directory: two would undo each other's checkpoints. A lock on STATE/lock,
// which the kernel gives back however the service ends.
#pragma once

#include <optional>
#include <string>

#include "actions/result.h"

namespace agent {

class Instance {
 public:
  // Held until destroyed. Errc::timeout: another service holds it.
  static actions::Result<Instance> claim(const std::string& state_directory);
  // Does a service hold it? nullopt: it can't be told.
  static std::optional<bool> running(const std::string& state_directory);

  Instance(Instance&& other) noexcept;
  Instance& operator=(Instance&&) = delete;
  Instance(const Instance&) = delete;
  Instance& operator=(const Instance&) = delete;
  ~Instance();

 private:
  explicit Instance(int fd) : fd_(fd) {}
  int fd_ = -1;
};

}  // namespace agent
