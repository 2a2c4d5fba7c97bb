// LogFaults: what keeps one log from being read, or its changes from being noticed at once. Each
// fault is said when it comes, and only once.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>

#include "agent/values/zone.h"

namespace agent {

class LogFaults {
 public:
  using Say = std::function<void(const std::string&)>;
  static constexpr std::chrono::seconds kStrange{60};

  // `watched`: the kernel reports changes.
  LogFaults(Say say, bool watched);

  // The log, or a file of it, can't be read now. `why` may hold any bytes.
  void cant_read(const std::string& why);
  // There is no log; nothing is said.
  void is_missing(const std::string& why) { fault_ = why; }
  void is_read() { fault_.clear(); }
  [[nodiscard]] bool is_unread() const { return !fault_.empty(); }
  // Says whether none of the lines so far is an entry of Exim's. That is a fault after kStrange: a
  // log that grows for so long without one entry of Exim's is another program's.
  void is_strange(bool strange, const std::string& path, Instant now);
  // Says that changes may go unnoticed from now on: they can't be watched, or the kernel does not
  // see all of them.
  void cant_watch(const std::string& why);
  void is_remote(const std::string& path);

  // Returns why the log can't be read; empty: it is being read, and is Exim's.
  [[nodiscard]] const std::string& fault() const { return fault_.empty() ? strange_ : fault_; }
  [[nodiscard]] bool needs_polling() const { return unwatched_ || remote_; }
  // Says anything else that is worth a sentence.
  void say(const std::string& sentence) const { say_(sentence); }

 private:
  Say say_;
  std::string fault_;
  std::optional<Instant> strange_since_;
  std::string strange_;
  bool unwatched_;
  bool remote_ = false;
};

}  // namespace agent
