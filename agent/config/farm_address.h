// Where the farm's server is: farm.url, taken apart.
#pragma once

#include <string>
#include <string_view>
#include <variant>

namespace agent {

struct FarmAddress {
  std::string path;  // of a unix socket; empty: TCP
  std::string host;  // without brackets
  int port = 6379;
  int database = 0;
};

// Or what is accepted instead. Never a name or a password in it: those would show wherever the URL
// does.
[[nodiscard]] std::variant<FarmAddress, std::string> parse_farm_url(std::string_view url);

// For people; holds no secret.
[[nodiscard]] std::string text_of(const FarmAddress& address);

}  // namespace agent
