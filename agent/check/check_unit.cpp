// What the unit that runs the service lets it do, beside what the configuration asks of it.
#include <arpa/inet.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>

#include "actions/exim/exim_settings.h"
#include "actions/send/webhook.h"
#include "agent/check/checks.h"
#include "agent/config/farm_address.h"

namespace agent {
namespace {

constexpr const char* kAbout = "unit";

struct Server {
  std::string key;   // of the configuration
  std::string host;  // name or address
};

std::string directory_of(const std::string& path) {
  return std::filesystem::path(path).parent_path().string();
}

// "host:port", "[v6]:port", "host"
std::string host_of(const std::string& authority) {
  if (authority.starts_with('[')) return authority.substr(1, authority.find(']') - 1);
  return authority.substr(0, authority.rfind(':'));
}

bool uses(const NotifyConfig& notify, Transport transport) {
  const auto& all = notify.transports;
  const bool mail = transport == Transport::smtp || transport == Transport::sendmail;
  return std::find(all.begin(), all.end(), transport) != all.end() &&
         !(mail && notify.to.empty() && notify.to_file.empty());
}

void add_servers(const std::string& section, const NotifyConfig& via,
                 std::vector<Server>& servers) {
  if (uses(via, Transport::smtp)) servers.push_back({section + ".smtp", host_of(via.smtp)});
  if (!uses(via, Transport::webhook)) return;
  const auto address = actions::shown_address(via.webhook);
  const auto authority = address.find("://");
  if (authority != std::string::npos)
    servers.push_back({section + ".webhook", host_of(address.substr(authority + 3))});
}

std::vector<Server> servers_of(const Config& config) {
  std::vector<Server> servers;
  add_servers("notify", config.notify, servers);
  for (const auto& action : config.actions)
    add_servers("action " + action.name, action.via, servers);
  const auto farm = parse_farm_url(config.farm.url);
  if (farm && farm->path.empty()) servers.push_back({"farm.url", farm->host});
  return servers;
}

// Does /etc/hosts know the name, so that no server is asked?
bool in_hosts_file(const std::string& name) {
  std::ifstream in("/etc/hosts");
  for (std::string line; std::getline(in, line);) {
    std::istringstream words(line.substr(0, line.find('#')));
    std::string word;
    words >> word;
    while (words >> word) {
      if (::strcasecmp(word.c_str(), name.c_str()) == 0) return true;
    }
  }
  return false;
}

std::vector<IpAddress> name_servers() {
  std::vector<IpAddress> found;
  std::ifstream in("/etc/resolv.conf");
  for (std::string line; std::getline(in, line);) {
    std::istringstream words(line);
    std::string word, address;
    words >> word >> address;
    if (word != "nameserver") continue;
    if (const auto parsed = IpAddress::parse(address.substr(0, address.find('%'))))
      found.push_back(*parsed);
  }
  return found;
}

std::vector<IpAddress> addresses_of(const std::string& name) {
  std::vector<IpAddress> out;
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (::getaddrinfo(name.c_str(), nullptr, &hints, &found) != 0) return out;
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(found, &::freeaddrinfo);
  for (const auto* one = found; one != nullptr; one = one->ai_next) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    const void* address = nullptr;
    sockaddr_in v4{};
    sockaddr_in6 v6{};
    if (one->ai_family == AF_INET) {
      std::memcpy(&v4, one->ai_addr, sizeof v4);
      address = &v4.sin_addr;
    } else if (one->ai_family == AF_INET6) {
      std::memcpy(&v6, one->ai_addr, sizeof v6);
      address = &v6.sin6_addr;
    }
    if (address == nullptr ||
        ::inet_ntop(one->ai_family, address, text.data(), text.size()) == nullptr)
      continue;
    if (const auto parsed = IpAddress::parse(text.data())) out.push_back(*parsed);
  }
  return out;
}

void check_server(const ServiceUnit& unit, const Server& server, bool ask, Findings& findings) {
  const auto bad = [&](const std::string& what) {
    findings.bad(
        kAbout, fmt::format("the service may not reach {} ({}): {}", server.host, server.key, what),
        "install exiwarden-network.conf as a drop-in: its head says how");
  };
  if (const auto address = IpAddress::parse(server.host)) {
    if (!unit.lets_reach(*address)) bad("IPAddressDeny of its unit");
    return;
  }
  if (::strcasecmp(server.host.c_str(), "localhost") == 0) return;
  const bool local_name = in_hosts_file(server.host);
  if (!local_name) {
    const auto servers = name_servers();
    if (!servers.empty() && std::none_of(servers.begin(), servers.end(),
                                         [&](const auto& one) { return unit.lets_reach(one); }))
      return bad(fmt::format("its unit's IPAddressDeny shuts off the name server {} too",
                             servers.front().text()));
    if (!unit.lets_reach_others()) return bad("IPAddressDeny of its unit");
  }
  if (!ask && !local_name) return;
  const auto addresses = addresses_of(server.host);
  if (!addresses.empty() && std::none_of(addresses.begin(), addresses.end(),
                                         [&](const auto& one) { return unit.lets_reach(one); }))
    bad(fmt::format("IPAddressDeny of its unit ({})", addresses.front().text()));
}

void check_writing(const CheckContext& context, Findings& findings) {
  const auto& config = context.config;
  std::vector<std::pair<std::string, std::string>> places{
      {"state.directory", config.state.directory}};
  if (!config.state.metrics.empty())
    places.emplace_back("state.metrics", directory_of(config.state.metrics));
  for (const auto& rule : config.rules) {
    if (rule.mode == RuleMode::block) places.emplace_back("list", directory_of(rule.list));
  }
  std::vector<std::string> seen;
  for (const auto& [key, directory] : places) {
    if (std::find(seen.begin(), seen.end(), directory) != seen.end()) continue;
    seen.push_back(directory);
    if (!context.unit->lets_see(directory)) {
      findings.bad(kAbout,
                   fmt::format("the service has a {} of its own, or none ({}): PrivateTmp or "
                               "ProtectHome of its unit",
                               directory, key),
                   fmt::format("set {} to another directory", key));
    } else if (!context.unit->lets_write(directory)) {
      findings.bad(
          kAbout,
          fmt::format("the service may not write below {} ({}): ProtectSystem of its unit",
                      directory, key),
          key == "state.metrics"
              ? fmt::format("set it to {}/exiwarden.prom, and make a link to that file in {}",
                            config.state.directory, directory)
              : fmt::format("a drop-in with ReadWritePaths={}: systemctl edit exiwarden",
                            directory));
    }
  }
}

// What it reads and starts. Rights are tried elsewhere.
void check_reading(const CheckContext& context, Findings& findings) {
  const auto& config = context.config;
  std::vector<std::pair<std::string, std::string>> files;
  for (const auto& path : config.log.paths) files.emplace_back("log.paths", path);
  if (uses(config.notify, Transport::exec))
    files.emplace_back("notify.exec", config.notify.exec[0]);
  files.emplace_back("notify.body_file", config.notify.body_file);
  for (const auto& action : config.actions) {
    const auto key = "action " + action.name;
    if (uses(action.via, Transport::exec)) files.emplace_back(key, action.via.exec[0]);
    files.emplace_back(key, action.via.to_file);
  }
  files.emplace_back("log.tag_secret_file", config.log.tag_secret_file);
  for (const auto& [key, path] : files) {
    if (path.empty() || context.unit->lets_see(path)) continue;
    findings.bad(kAbout,
                 fmt::format("the service does not see {} ({}): ProtectHome or PrivateTmp of its "
                             "unit",
                             path, key),
                 "put it into another directory");
  }
}

// Exim takes orders about its queue from root and from its own user only.
void check_queue(const CheckContext& context, Findings& findings) {
  const auto& config = context.config;
  const auto& user = context.service_name;
  const bool freeze = config.exim.freeze_queued != Tristate::no;
  const bool sendmail = uses(config.notify, Transport::sendmail);
  const bool may = user == "root" || user == config.exim.user;
  const char* const kAdvice =
      "install exiwarden-queue.conf as a drop-in: exiwarden init prints how";
  if (!may) {
    const bool cannot_send = sendmail && context.unit && !context.unit->lets_gain_rights();
    if (freeze) {
      const auto what = fmt::format(
          "the service runs as {}: what a blocked sender has in the queue already is not frozen{}",
          user, cannot_send ? ", and notify.sendmail does not work" : "");
      if (config.exim.freeze_queued == Tristate::yes) return findings.bad(kAbout, what, kAdvice);
      return findings.doubtful(kAbout, what,
                               std::string(kAdvice) + "; or set exim.freeze_queued = false");
    }
    if (cannot_send)
      findings.doubtful(kAbout,
                        fmt::format("the service runs as {}: notify.sendmail does not work", user),
                        std::string(kAdvice) + "; or take it out of notify.transports");
    return;
  }
  if (!freeze) return;
  const auto spool = actions::exim_setting(config.exim.binary, "spool_directory");
  if (context.unit && spool && spool.value().starts_with('/') &&
      !context.unit->lets_write(spool.value()))
    return findings.bad(kAbout,
                        fmt::format("the service may not write below {}, where the queue is: "
                                    "ProtectSystem of its unit",
                                    spool.value()),
                        fmt::format("add ReadWritePaths={} to its drop-in", spool.value()));
  findings.good(kAbout,
                fmt::format("the service runs as {}: what a blocked sender has in the queue "
                            "already is frozen too",
                            user));
}

}  // namespace

void check_unit(const CheckContext& context, bool ask, Findings& findings) {
  if (!context.service) return;
  check_queue(context, findings);
  if (!context.unit) return;
  check_writing(context, findings);
  check_reading(context, findings);
  for (const auto& server : servers_of(context.config))
    check_server(*context.unit, server, ask, findings);
}

}  // namespace agent
