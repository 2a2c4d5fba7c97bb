#include "agent/check/service_unit.h"

#include <grp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>

#include "actions/program.h"

namespace agent {
namespace {

// All that is asked for. Those of kLimits systemd-run takes too, in the same words.
constexpr std::array kLimits{"User",
                             "Group",
                             "SupplementaryGroups",
                             "NoNewPrivileges",
                             "CapabilityBoundingSet",
                             "ProtectSystem",
                             "ProtectHome",
                             "PrivateTmp",
                             "PrivateDevices",
                             "ReadWritePaths",
                             "ReadOnlyPaths",
                             "InaccessiblePaths",
                             "RestrictAddressFamilies",
                             "IPAddressAllow",
                             "IPAddressDeny"};
constexpr std::array kOthers{"LoadState", "StateDirectory", "RuntimeDirectory", "LogsDirectory",
                             "CacheDirectory"};

bool is_below(std::string_view path, std::string_view top) {
  while (top.ends_with('/')) top.remove_suffix(1);
  return path.starts_with(top) && (path.size() == top.size() || path[top.size()] == '/');
}

bool any_holds(const std::vector<std::string>& tops, std::string_view path) {
  return std::any_of(tops.begin(), tops.end(),
                     [&](const std::string& top) { return is_below(path, top); });
}

// The networks of an IPAddressAllow= or IPAddressDeny=, words of systemd's own among them.
std::vector<Network> networks(const std::vector<std::string>& words) {
  std::vector<Network> found;
  const auto add = [&](std::initializer_list<const char*> texts) {
    for (const auto* text : texts) {
      if (const auto network = Network::parse(text)) found.push_back(*network);
    }
  };
  for (const auto& word : words) {
    if (word == "any") {
      add({"0.0.0.0/0", "::/0"});
    } else if (word == "localhost") {
      add({"127.0.0.0/8", "::1"});
    } else if (word == "link-local") {
      add({"169.254.0.0/16", "fe80::/64"});
    } else if (word == "multicast") {
      add({"224.0.0.0/4", "ff00::/8"});
    } else {
      add({word.c_str()});
    }
  }
  return found;
}

bool is_loopback(const Network& network) {
  static const auto kLoopback = networks({"localhost"});
  return std::any_of(kLoopback.begin(), kLoopback.end(), [&](const Network& loopback) {
    return loopback.base.v6 == network.base.v6 && loopback.prefix <= network.prefix &&
           loopback.contains(network.base);
  });
}

bool covers_all(const std::vector<Network>& networks) {
  const auto has_all = [&](bool v6) {
    return std::any_of(networks.begin(), networks.end(), [&](const Network& network) {
      return network.base.v6 == v6 && network.prefix == 0;
    });
  };
  return has_all(false) && has_all(true);
}

}  // namespace

std::string program_in_path(std::string_view name) {
  const char* path = std::getenv("PATH");
  std::string_view rest = path != nullptr ? path : "/usr/sbin:/usr/bin:/sbin:/bin";
  while (!rest.empty()) {
    const auto directory = rest.substr(0, rest.find(':'));
    rest.remove_prefix(std::min(rest.size(), directory.size() + 1));
    if (!directory.starts_with('/')) continue;
    auto program = std::string(directory) + "/" + std::string(name);
    if (::access(program.c_str(), X_OK) == 0) return program;
  }
  return {};
}

std::optional<ServiceUnit> ServiceUnit::parse(std::string_view shown) {
  std::map<std::string, std::string> values;
  while (!shown.empty()) {
    const auto line = shown.substr(0, shown.find('\n'));
    shown.remove_prefix(std::min(shown.size(), line.size() + 1));
    if (const auto equals = line.find('='); equals != std::string_view::npos)
      values.emplace(line.substr(0, equals), line.substr(equals + 1));
  }
  const auto state = values.find("LoadState");
  if (state == values.end() || state->second != "loaded") return std::nullopt;
  return ServiceUnit(std::move(values));
}

std::optional<ServiceUnit> ServiceUnit::ask() {
  const auto systemctl = program_in_path("systemctl");
  if (systemctl.empty()) return std::nullopt;
  std::vector<std::string> argv{systemctl, "show", "--no-pager", "exiwarden.service"};
  for (const auto* name : kLimits) argv.insert(argv.end(), {"-p", name});
  for (const auto* name : kOthers) argv.insert(argv.end(), {"-p", name});
  actions::ProgramOptions options;
  options.deadline = std::chrono::seconds(5);
  options.limit = std::size_t{1} << 20;
  const auto ended = actions::run_program(argv, "", options);
  if (!ended || ended->exit_status != 0) return std::nullopt;
  return parse(ended->output);
}

std::string ServiceUnit::value(const char* name) const {
  const auto found = values_.find(name);
  return found == values_.end() ? std::string() : found->second;
}

std::vector<std::string> ServiceUnit::words(const char* name) const {
  std::vector<std::string> out;
  const auto text = value(name);
  for (std::size_t at = 0; at < text.size();) {
    const auto end = std::min(text.find(' ', at), text.size());
    if (end > at) out.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return out;
}

std::string ServiceUnit::user() const {
  const auto name = value("User");
  return name.empty() || name == "0" ? "root" : name;
}

std::optional<actions::EximUser> ServiceUnit::identity() const {
  auto found = actions::find_exim_user(user());
  if (!found) return found;
  const auto add = [&](const std::string& name, bool primary) {
    const auto* group = ::getgrnam(name.c_str());
    if (group == nullptr) return;
    found->groups.insert(primary ? found->groups.begin() : found->groups.end(), group->gr_gid);
  };
  for (const auto& name : words("SupplementaryGroups")) add(name, false);
  add(value("Group"), true);
  return found;
}

bool ServiceUnit::own_tmp() const {
  const auto kind = value("PrivateTmp");
  return kind == "yes" || kind == "disconnected";  // the latter from systemd 257 on
}

bool ServiceUnit::lets_write(const std::string& directory) const {
  std::vector<std::string> open;
  for (auto path : words("ReadWritePaths")) {
    while (path.starts_with('-') || path.starts_with('+')) path.erase(0, 1);
    open.push_back(std::move(path));
  }
  for (const auto& [name, top] :
       {std::pair{"StateDirectory", "/var/lib/"}, std::pair{"RuntimeDirectory", "/run/"},
        std::pair{"LogsDirectory", "/var/log/"}, std::pair{"CacheDirectory", "/var/cache/"}}) {
    for (const auto& path : words(name)) open.push_back(top + path.substr(0, path.find(':')));
  }
  if (any_holds(open, directory)) return true;
  const auto level = value("ProtectSystem");
  if (level == "strict") {
    return any_holds({"/dev", "/proc", "/sys"}, directory) ||
           (own_tmp() && any_holds({"/tmp", "/var/tmp"}, directory));
  }
  if (level == "full" && is_below(directory, "/etc")) return false;
  return (level != "yes" && level != "full") || !any_holds({"/usr", "/boot", "/efi"}, directory);
}

bool ServiceUnit::lets_see(const std::string& path) const {
  const auto homes = value("ProtectHome");
  if ((homes == "yes" || homes == "tmpfs") && any_holds({"/home", "/root", "/run/user"}, path))
    return false;
  return !own_tmp() || !any_holds({"/tmp", "/var/tmp"}, path);
}

bool ServiceUnit::takes_over(const std::string& path) const {
  const auto who = identity();
  for (const auto& name : words("StateDirectory")) {
    const auto top = "/var/lib/" + name.substr(0, name.find(':'));
    struct stat info{};
    if (!who || !is_below(path, top) || ::stat(top.c_str(), &info) != 0) continue;
    if (info.st_uid != who->uid || (!who->groups.empty() && info.st_gid != who->groups.front()))
      return true;
  }
  return false;
}

bool ServiceUnit::lets_reach(const IpAddress& address) const {
  return any_contains(networks(words("IPAddressAllow")), address) ||
         !any_contains(networks(words("IPAddressDeny")), address);
}

bool ServiceUnit::lets_reach_others() const {
  const auto allowed = networks(words("IPAddressAllow"));
  return !covers_all(networks(words("IPAddressDeny"))) ||
         !std::all_of(allowed.begin(), allowed.end(), is_loopback);
}

std::vector<std::string> ServiceUnit::limits() const {
  std::vector<std::string> out;
  for (const auto* name : kLimits) {
    const auto found = values_.find(name);
    // An empty set of capabilities is a limit; of the others nothing is none.
    if (found == values_.end() ||
        (found->second.empty() && std::string_view(name) != "CapabilityBoundingSet"))
      continue;
    out.insert(out.end(), {"-p", found->first + "=" + found->second});
  }
  return out;
}

}  // namespace agent
