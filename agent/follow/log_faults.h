// LogFaults: what keeps one log from being read, or its changes from being noticed at once. Each is
// said when it comes, and only once.
#pragma once

#include <functional>
#include <string>

namespace agent {

class LogFaults {
 public:
  using Say = std::function<void(const std::string&)>;

  // `watched`: the kernel reports changes.
  LogFaults(Say say, bool watched);

  // The log, or a file of it, can't be read now. `why` may hold any bytes.
  void cant_read(const std::string& why);
  // There is no log; nothing is said.
  void is_missing(const std::string& why) { fault_ = why; }
  void is_read() { fault_.clear(); }
  // Changes may go unnoticed from now on: they can't be watched, or the kernel does not hear of all
  // of them.
  void cant_watch(const std::string& why);
  void is_remote(const std::string& path);

  // Why the log can't be read; empty: it is being read.
  [[nodiscard]] const std::string& fault() const { return fault_; }
  [[nodiscard]] bool needs_polling() const { return unwatched_ || remote_; }
  // Anything else that is worth a sentence.
  void say(const std::string& sentence) const { say_(sentence); }

 private:
  Say say_;
  std::string fault_;
  bool unwatched_;
  bool remote_ = false;
};

}  // namespace agent
