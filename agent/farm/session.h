// FarmSession: a conversation with the farm's server, which has accepted our login and loaded our
// scripts.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "agent/farm/connection.h"
#include "agent/farm/protocol.h"

namespace agent {

struct FarmSettings {
  FarmAddress address;
  std::string user, password_file, prefix, host;
  FarmTimeouts timeouts;
};
// Returns the settings of a configuration with a farm. `machine`: what the host is called if
// farm.host is empty.
[[nodiscard]] FarmSettings farm_settings(const FarmConfig& config, const std::string& machine);

// Returns the first line of the password's file; nothing of it shows in an error.
[[nodiscard]] actions::Result<std::string> read_password(const std::string& path);

class FarmSession {
 public:
  // Errors: denied (we may not), full, refused (anything else that the server says), malformed,
  // timeout, io. After any the session is over; Errc::changed: the server has lost what it knew.
  static actions::Result<FarmSession> open(const FarmSettings& settings);
  // Opens a connection that is only logged in, for what needs no scripts.
  static actions::Result<FarmConnection> connect(const FarmSettings& settings);

  [[nodiscard]] const FarmServer& server() const { return server_; }
  [[nodiscard]] const std::string& epoch() const { return epoch_; }
  // Returns the server's clock less this host's, in milliseconds.
  [[nodiscard]] std::int64_t clock_offset() const { return offset_; }

  static constexpr std::size_t kMaxBatch = 512;  // events in one call
  static constexpr std::size_t kMaxCalls = 8;    // in one go
  // Reads both clocks again.
  actions::Result<actions::Done> compare_clocks();
  actions::Result<CountAnswer> count(const std::vector<std::string>& rules,
                                     std::span<const FarmEvent> events);
  actions::Result<std::vector<ChangeAnswer>> change(std::span<const NamedStatement> words);
  actions::Result<PullAnswer> pull(const std::string& cursor);
  actions::Result<std::vector<FarmHost>> hosts();
  // Returns the last statement on one identity; nullopt: there is none.
  actions::Result<std::optional<FarmStatement>> word(const FarmName& name);
  // Returns the window's newest kMaxWindow events; empty if it holds nothing.
  static constexpr std::size_t kMaxWindow = 10'000;
  actions::Result<FarmWindow> window(const Rule& rule, const std::string& key);
  actions::Result<actions::Done> forget(const std::vector<FarmName>& names,
                                        std::chrono::seconds older_than);

  // Returns the stream's last entry, "0-0" if there is none; what comes later is news.
  actions::Result<std::string> feed_end();
  // Returns whether everything after `position` is still there.
  actions::Result<bool> feed_holds(const std::string& position);
  // Returns the command that waits for news.
  [[nodiscard]] FarmConnection::Words feed_command(const std::string& position) const;
  static constexpr std::chrono::seconds kFeedWait{10};

 private:
  FarmSession(FarmConnection connection, FarmSettings settings)
      : connection_(std::move(connection)), settings_(std::move(settings)) {}
  actions::Result<Answer> ask(const FarmConnection::Words& command);
  [[nodiscard]] actions::Error refused(const Answer& answer) const;
  [[nodiscard]] actions::Error strange(const char* what) const;
  actions::Result<std::string> load(std::string_view script);
  actions::Result<actions::Done> begin();

  FarmConnection connection_;
  FarmSettings settings_;
  FarmServer server_;
  std::string epoch_, count_script_, change_script_, forget_script_;
  std::int64_t offset_ = 0;
};

}  // namespace agent
