// The first configuration that `init` writes, made from Exim's own settings. Pure.
#pragma once

#include <string>
#include <string_view>
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

// Which of the two files of RCPT rules Exim is to include, rcpt-reject.conf or
// rcpt-accept-and-log.conf.
enum class AclVariant { reject, count };

struct EximFacts {
  std::string binary;  // absolute path
  std::string config;  // the file that Exim says it reads
  Layout layout = Layout::plain;
  AclVariant variant = AclVariant::reject;
  actions::EximSettings settings;  // exim -bP
  std::string relay_list;          // name of the hostlist that may relay; "" if none is known
  EximHosts relays;
  std::string mail_name;  // domain for addresses
};

struct FirstConfig {
  std::string toml;                    // commented, valid
  std::vector<std::string> not_found;  // what the admin has to find out
};

// The secret of the ACL's keyed tag, as macros.conf names it.
constexpr const char* kTagSecret = "/etc/exiwarden/tag.secret";

[[nodiscard]] FirstConfig first_config(const EximFacts& facts);

// Returns the beginning of `text` as printable ASCII on one line.
[[nodiscard]] std::string one_line(std::string_view text);

}  // namespace agent
