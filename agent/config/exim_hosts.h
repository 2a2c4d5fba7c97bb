// The addresses in an Exim host list: "<; 192.0.2.0/24 ; 2001:db8::/32". Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "agent/values/network.h"

namespace agent {

struct EximHosts {
  std::vector<Network> networks;
  // What is in the list but can't go into relay.hosts: names, lookups, negated items.
  std::vector<std::string> left_out;
};

// Reads a host list. The separator is a colon (a literal colon is doubled, as in "::::1") unless
// "<" names another one. Empty items (local submission) and "@", "@[]" (this machine) are no relays
// and are dropped. Source: string.c string_nextinlist, host.c.
[[nodiscard]] EximHosts read_exim_hosts(std::string_view list);

}  // namespace agent
