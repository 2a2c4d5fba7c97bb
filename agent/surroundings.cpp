#include "agent/surroundings.h"

#include <fmt/format.h>
#include <ifaddrs.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include "agent/printable.h"

namespace agent {
namespace {

std::vector<IpAddress> interface_addresses() {
  std::vector<IpAddress> found;
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0) return found;
  const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> owner(list, &::freeifaddrs);
  for (const auto* entry = list; entry != nullptr; entry = entry->ifa_next) {
    if (entry->ifa_addr == nullptr) continue;
    IpAddress address;
    if (entry->ifa_addr->sa_family == AF_INET) {
      sockaddr_in in{};
      std::memcpy(&in, entry->ifa_addr, sizeof in);
      std::memcpy(address.bytes.data(), &in.sin_addr, 4);
    } else if (entry->ifa_addr->sa_family == AF_INET6) {
      sockaddr_in6 in{};
      std::memcpy(&in, entry->ifa_addr, sizeof in);
      std::memcpy(address.bytes.data(), &in.sin6_addr, 16);
      address.v6 = true;
    } else {
      continue;
    }
    found.push_back(address);
  }
  return found;
}

}  // namespace

std::vector<IpAddress> own_addresses(const std::vector<std::string>& own) {
  std::vector<IpAddress> addresses;
  for (const auto& entry : own) {
    if (entry == "@[]") {
      const auto found = interface_addresses();
      addresses.insert(addresses.end(), found.begin(), found.end());
    } else if (const auto address = IpAddress::parse(entry)) {
      addresses.push_back(*address);
    }
  }
  return addresses;
}

std::variant<PipelineOptions, std::string> surroundings(const Config& config) {
  PipelineOptions options;
  const auto zone = Zone::named(config.log.timezone);
  if (!zone) {
    return fmt::format("log.timezone: this machine knows no zone \"{}\"",
                       printable(config.log.timezone));
  }
  options.zone = *zone;
  auto reasons = parsers::Reasons::compile(config.reasons.missing, config.reasons.other);
  if (const auto* errors = std::get_if<1>(&reasons)) {
    return fmt::format("reasons: \"{}\": {}", printable(errors->front().pattern),
                       printable(errors->front().what));
  }
  options.reasons = std::get<0>(reasons);
  options.own = own_addresses(config.relay.own);
  return options;
}

}  // namespace agent
