// The address of the farm's server: farm.url, parsed.
#pragma once

#include <string>
#include <string_view>

#include "actions/result.h"

namespace agent {

struct FarmAddress {
  std::string path;  // of a unix socket; empty: TCP
  std::string host;  // without brackets
  int port = 6379;
  int database = 0;
};

// Returns the address, or what is accepted instead. A name or a password in the URL is refused: it
// would show wherever the URL does.
[[nodiscard]] actions::Result<FarmAddress, std::string> parse_farm_url(std::string_view url);

// Returns the address for people; holds no secret.
[[nodiscard]] std::string text_of(const FarmAddress& address);

}  // namespace agent
