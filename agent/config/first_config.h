// The first configuration that `init` writes, made from Exim's own settings, and the guide to
// Exim's side. Pure.
#pragma once

#include <string>
#include <vector>

#include "actions/exim/exim_settings.h"
#include "agent/config/exim_hosts.h"

namespace agent {

enum class Layout {
  debian_split,   // /etc/exim4/conf.d
  debian_single,  // /etc/exim4/exim4.conf.template
  cpanel,         // /etc/exim.conf, edited through WHM
  plain,          // one file
};

struct EximFacts {
  std::string binary;  // absolute path
  std::string config;  // the file that Exim says it reads
  Layout layout = Layout::plain;
  actions::EximSettings settings;  // exim -bP
  bool relay_list_known = false;   // a hostlist relay_from_hosts exists
  EximHosts relays;
  std::string mail_name;  // domain for addresses
};

struct FirstConfig {
  std::string toml;                    // commented, valid
  std::vector<std::string> not_found;  // what the admin has to find out
};

[[nodiscard]] FirstConfig first_config(const EximFacts& facts);

// Returns the lines to paste and where they go; plain text within 78 columns.
[[nodiscard]] std::string paste_guide(const EximFacts& facts);

}  // namespace agent
