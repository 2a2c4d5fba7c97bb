#include "agent/config/farm_address.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <optional>

namespace agent {
namespace {

constexpr std::string_view kTcp = "redis://", kUnix = "redis+unix://";
std::string accepted() {
  return "\"redis://HOST:PORT/DATABASE\" or \"redis+unix:///PATH?db=DATABASE\", like "
         "\"redis://127.0.0.1:6379/0\" or \"redis+unix:///run/redis/redis.sock\"";
}
constexpr std::size_t kMaxSocketPath = 107;  // sockaddr_un

std::optional<int> number(std::string_view digits, int low, int high) {
  int value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (digits.empty() || error != std::errc() || end != digits.data() + digits.size()) return {};
  return value < low || value > high ? std::nullopt : std::optional(value);
}

bool is_host(std::string_view host) {
  return !host.empty() && host.size() <= 253 &&
         std::all_of(host.begin(), host.end(), [](unsigned char c) {
           return std::isalnum(c) != 0 || c == '.' || c == '-' || c == ':';
         });
}

actions::Result<FarmAddress, std::string> parse_unix(std::string_view rest) {
  FarmAddress address;
  const auto query = rest.find("?db=");
  if (query != std::string_view::npos) {
    const auto database = number(rest.substr(query + 4), 0, 65535);
    if (!database) return accepted();
    address.database = *database;
  }
  address.path = rest.substr(0, query);
  const bool good = address.path.size() > 1 && address.path[0] == '/' &&
                    address.path.size() <= kMaxSocketPath &&
                    std::all_of(address.path.begin(), address.path.end(),
                                [](unsigned char c) { return c > ' ' && c != 0x7f && c != '?'; });
  if (!good) return accepted();
  return address;
}

actions::Result<FarmAddress, std::string> parse_tcp(std::string_view rest) {
  FarmAddress address;
  if (const auto slash = rest.find('/'); slash != std::string_view::npos) {
    const auto digits = rest.substr(slash + 1);
    const auto database = digits.empty() ? std::optional(0) : number(digits, 0, 65535);
    if (!database) return accepted();
    address.database = *database;
    rest = rest.substr(0, slash);
  }
  if (rest.starts_with('[')) {
    const auto end = rest.find(']');
    if (end == std::string_view::npos) return accepted();
    address.host = rest.substr(1, end - 1);
    rest.remove_prefix(end + 1);
  } else {
    address.host = rest.substr(0, rest.find(':'));
    rest.remove_prefix(address.host.size());
  }
  if (rest.starts_with(':')) {
    const auto port = number(rest.substr(1), 1, 65535);
    if (!port) return accepted();
    address.port = *port;
  } else if (!rest.empty()) {
    return accepted();
  }
  if (!is_host(address.host)) return accepted();
  return address;
}

}  // namespace

actions::Result<FarmAddress, std::string> parse_farm_url(std::string_view url) {
  if (url.starts_with("rediss://"))
    return std::string(
        "without TLS; for a network that is not yours put a tunnel before it, see conf/farm.md");
  if (url.find('@') != std::string_view::npos)
    return std::string(
        "without a name and password, which belong into farm.user and farm.password_file");
  if (url.starts_with(kUnix)) return parse_unix(url.substr(kUnix.size()));
  if (url.starts_with(kTcp)) return parse_tcp(url.substr(kTcp.size()));
  return accepted();
}

std::string text_of(const FarmAddress& address) {
  if (!address.path.empty()) return address.path;
  const bool v6 = address.host.find(':') != std::string::npos;
  return fmt::format("{}{}{}:{}", v6 ? "[" : "", address.host, v6 ? "]" : "", address.port);
}

}  // namespace agent
