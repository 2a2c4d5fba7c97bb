// A redis-server of the test's own, on a unix socket in a directory of its own.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "agent/farm/session.h"
#include "tests/fakes.h"

namespace farm_lab {

class Redis {
 public:
  static std::unique_ptr<Redis> start(const std::vector<std::string>& options = {});
  explicit Redis(std::vector<std::string> options) : options_(std::move(options)) { run(); }
  ~Redis() { stop(); }
  Redis(const Redis&) = delete;
  Redis& operator=(const Redis&) = delete;

  [[nodiscard]] std::string socket() const { return directory_ / "redis.sock"; }
  [[nodiscard]] agent::FarmSettings settings(const std::string& host) const;
  // A session that must open.
  [[nodiscard]] agent::FarmSession session(const std::string& host) const;
  // A command that must not fail.
  [[nodiscard]] agent::Answer ask(const std::vector<std::string>& words) const;

  void run();     // empty, once it takes commands
  void stop();    // by SIGKILL
  void freeze();  // by SIGSTOP, until thaw()
  void thaw();

 private:
  fakes::Directory directory_;
  std::vector<std::string> options_;
  pid_t pid_ = -1;
};

// "user": a path like those of lists.
[[nodiscard]] agent::Rule rule(const std::string& name, std::uint32_t limit, int period,
                               agent::CountBy by = agent::CountBy::attempts);

// Seconds since 1970 UTC.
[[nodiscard]] std::int64_t now();
// Such a time as lines of lists have it: "2026-11-23T12:09:44+00:00".
[[nodiscard]] std::string stamp_of(std::int64_t seconds);

}  // namespace farm_lab
