// exiwarden.service as systemd would run it now, with its drop-ins: as whom, and what its sandbox
// lets it write and reach.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "actions/exim/exim_access.h"
#include "agent/values/network.h"

namespace agent {

class ServiceUnit {
 public:
  // Reads what `systemctl show` prints of it; nullopt if systemd knows no such unit. Pure.
  static std::optional<ServiceUnit> parse(std::string_view shown);
  // Asks systemd; nullopt if it does not run this machine, or knows no such unit.
  static std::optional<ServiceUnit> ask();

  [[nodiscard]] std::string user() const;  // "root" if it names none
  // Who that is on this machine, with all groups that the unit gives; nullopt if it has no such
  // user.
  [[nodiscard]] std::optional<actions::EximUser> identity() const;
  // May it make and write files in this directory, as far as its file system goes? (Owners and
  // modes are another matter.)
  [[nodiscard]] bool lets_write(const std::string& directory) const;
  // Does it see this path as everybody else does? Not below /home with ProtectHome, nor /tmp with
  // PrivateTmp.
  [[nodiscard]] bool lets_see(const std::string& path) const;
  [[nodiscard]] bool lets_reach(const IpAddress& address) const;
  // Is there any address beyond this machine that it may reach?
  [[nodiscard]] bool lets_reach_others() const;
  // Will systemd give this path to the unit's user at its start? It does so with all below a
  // StateDirectory= that belongs to somebody else.
  [[nodiscard]] bool takes_over(const std::string& path) const;
  // May programs that it starts gain rights by a setuid bit, as Exim does for mail from others than
  // its own user?
  [[nodiscard]] bool lets_gain_rights() const { return value("NoNewPrivileges") != "yes"; }

  // The words by which systemd-run gives another process the same limits: "-p", "User=..." ...
  [[nodiscard]] std::vector<std::string> limits() const;

 private:
  explicit ServiceUnit(std::map<std::string, std::string> values) : values_(std::move(values)) {}
  [[nodiscard]] std::string value(const char* name) const;
  [[nodiscard]] std::vector<std::string> words(const char* name) const;
  [[nodiscard]] bool own_tmp() const;
  std::map<std::string, std::string> values_;
};

// Returns the absolute path of a program that is found in PATH; "" if there is none.
[[nodiscard]] std::string program_in_path(std::string_view name);

}  // namespace agent
