#include "agent/config/host_facts.h"

#include <fmt/format.h>
#include <ifaddrs.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include "actions/posix_files.h"
#include "agent/config/reason_file.h"
#include "agent/config/spelling.h"
#include "agent/config/table_files.h"
#include "agent/config/zone_names.h"
#include "agent/values/printable.h"

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

// The file's bytes without its newlines, as ${readfile{FILE}{}} gives them to Exim's ACL.
actions::Result<std::string> tag_secret(const std::string& path) {
  actions::PosixFiles files;
  constexpr std::size_t kMaxSecret = 4096;
  auto content = files.read(path, kMaxSecret);
  if (!content) return content.error();
  auto secret = std::move(content.value().bytes);
  std::erase(secret, '\n');
  if (secret.size() < 16) {
    return actions::Error{actions::Errc::malformed, 0,
                          path + ": holds no secret of at least 16 characters"};
  }
  return secret;
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

actions::Result<PipelineOptions, std::string> pipeline_options_for(const Config& config) {
  PipelineOptions options;
  const auto zone = Zone::named(config.log.timezone);
  if (!zone) {
    return fmt::format("log.timezone: this machine knows no zone \"{}\"{}",
                       printable(config.log.timezone),
                       did_you_mean(nearest_zone(config.log.timezone)));
  }
  options.zone = *zone;
  actions::PosixFiles files;
  const auto in_force = reasons_in_force(config, files);
  if (!in_force) return fmt::format("reasons.file: {}", printable(in_force.error()));
  auto reasons = parsers::Reasons::compile(
      config.reasons.missing, config.reasons.other, in_force->catalog,
      listens_to(config, Signal::accused) ? config.reasons.spam : std::vector<std::string>());
  if (!reasons) {
    const auto& wrong = reasons.error().front();
    return fmt::format("reasons: \"{}\": {}", printable(wrong.pattern), printable(wrong.what));
  }
  options.reasons = reasons.value();
  options.own = own_addresses(config.relay.own);
  auto tables = read_tables(config, files);
  if (!tables) return tables.error();
  options.tables = tables.value();
  std::vector<parsers::PatternSource> sources;
  for (const auto& pattern : config.patterns) sources.push_back({pattern.regex, pattern.dequote});
  auto patterns = parsers::Patterns::compile(sources);
  if (!patterns) {
    const auto& wrong = patterns.error().front();
    return fmt::format("pattern[{}].regex {}", wrong.index + 1, printable(wrong.what));
  }
  options.patterns = patterns.value();
  if (!config.log.tag_secret_file.empty()) {
    auto secret = tag_secret(config.log.tag_secret_file);
    if (!secret) return fmt::format("log.tag_secret_file: {}", printable(secret.error().what));
    options.tag_secret = std::move(secret).value();
  }
  return options;
}

std::string host_name() {
  std::array<char, 256> buffer{};
  if (::gethostname(buffer.data(), buffer.size() - 1) != 0 || buffer[0] == '\0') return "localhost";
  return buffer.data();
}

}  // namespace agent
