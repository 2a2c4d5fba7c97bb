// Reads the files that exempt and identity_map name into IdentityTables, and reads them again when
// they change. All or nothing: with a fault in any of them, the tables read before stay.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "actions/files.h"
#include "actions/result.h"
#include "agent/core/config.h"
#include "agent/core/identity_tables.h"
#include "agent/values/now.h"

namespace agent {

// The files beside the checkpoint that `exempt` writes; they need not be there.
[[nodiscard]] std::string exempt_users_path(const std::string& state_directory);
[[nodiscard]] std::string exempt_hosts_path(const std::string& state_directory);

// Returns the tables as the files are now, or the first fault, with the file's name. Exemptions
// that have ended by `now` are left out.
[[nodiscard]] actions::Result<std::shared_ptr<const IdentityTables>, std::string> read_tables(
    const Config& config, actions::Files& files, Instant now);
// Does the same by the system's clock.
[[nodiscard]] actions::Result<std::shared_ptr<const IdentityTables>, std::string> read_tables(
    const Config& config, actions::Files& files);

class TableFiles {
 public:
  using Say = std::function<void(const std::string&)>;
  using Steady = std::chrono::steady_clock::time_point;
  // How often the files are checked. A change counts once a file has stayed the same from one check
  // to the next, since an editor may be in the middle of writing.
  static constexpr std::chrono::seconds kLook{1};

  TableFiles(actions::Files& files, Say say) : files_(files), say_(std::move(say)) {}

  // Takes another configuration, whose tables were just read.
  void follow(const Config& config);
  // New tables, if the files have others now, or an exemption in them has ended.
  [[nodiscard]] std::shared_ptr<const IdentityTables> look(Now now);
  [[nodiscard]] std::optional<Steady> next_look() const;  // nullopt: there are no files
  [[nodiscard]] const std::string& fault() const { return fault_; }

 private:
  using Stamps = std::vector<std::optional<actions::FileStamp>>;
  [[nodiscard]] Stamps stamps() const;

  actions::Files& files_;
  Say say_;
  Config config_;  // of it, what names the files
  std::vector<std::string> paths_;
  Stamps read_, last_;
  Steady next_{};
  std::optional<Instant> next_end_;  // of an exemption
  std::string fault_;
};

}  // namespace agent
