#include "agent/config/first_config.h"

#include <fmt/format.h>

#include <algorithm>

#include "agent/config/config_dump.h"
#include "agent/config/trial_rules.h"

namespace agent {
namespace {

std::string value(const EximFacts& facts, const char* name) {
  return actions::value_of(facts.settings, name);
}

void log_section(const EximFacts& facts, FirstConfig& out) {
  auto path = value(facts, "log_file_path");
  bool syslog = false;
  std::string file;
  for (std::size_t at = 0; at < path.size();) {
    const auto begin = path.find_first_not_of(" :\t", at);
    if (begin == std::string::npos) break;
    const auto end = std::min(path.find_first_of(" :\t", begin), path.size());
    auto word = path.substr(begin, end - begin);
    at = end;
    if (word == "syslog") {
      syslog = true;
    } else if (file.empty() && word.starts_with('/')) {
      if (const auto s = word.find("%s"); s != std::string::npos) word.replace(s, 2, "main");
      file = word;
    }
  }
  out.toml += "[log]\n";
  if (file.empty()) {
    file = facts.layout == Layout::cpanel ? "/var/log/exim_mainlog" : "/var/log/exim4/mainlog";
    out.not_found.emplace_back(syslog ? "Exim logs to syslog only: better a file as well"
                                      : "where Exim logs to: log.paths is a guess");
    out.toml += "# A guess: exim -bP log_file_path names no file.\n";
  }
  out.toml += fmt::format("paths = [{}]\n", toml_string(file));
  const auto zone = value(facts, "timezone");
  if (!zone.empty() && zone != "UTC0")
    out.toml += fmt::format("# As Exim's timezone.\ntimezone = {}\n", toml_string(zone));
  if (zone == "UTC0") out.toml += "timezone = \"UTC\"\n";
  if (facts.variant == AclVariant::count) {
    out.toml +=
        fmt::format("# Lines of the ACL count only with a right tag.\ntag_secret_file = {}\n",
                    toml_string(kTagSecret));
  }
}

void relay_section(const EximFacts& facts, FirstConfig& out) {
  out.toml += "\n[relay]\n";
  if (facts.relay_list.empty()) {
    out.not_found.emplace_back("a hostlist relay_from_hosts: name the hosts that may relay");
    out.toml += "# Networks that may relay without authentication.\n";
  } else {
    out.toml += fmt::format("# Exim's {}. This machine's own addresses are never charged.\n",
                            facts.relay_list);
  }
  std::string list;
  for (const auto& network : facts.relays.networks)
    list += (list.empty() ? "" : ", ") + toml_string(network.text());
  out.toml += fmt::format("hosts = [{}]\n", list);
  for (const auto& item : facts.relays.left_out) {
    out.not_found.push_back("the addresses behind \"" + one_line(item) + "\" in " +
                            facts.relay_list);
    out.toml += fmt::format("# left out, it is not an address: {}\n", one_line(item));
  }
}

void rule_section(const EximFacts& facts, const char* name, const char* identity,
                  FirstConfig& out) {
  out.toml += fmt::format("\n[[rule]]\nname = \"{}\"\nidentity = \"{}\"\n", name, identity);
  if (facts.variant == AclVariant::count) out.toml += "signals = [\"tagged\"]\n";
  out.toml += "limit = 100\nperiod = \"1h\"\n";
}

}  // namespace

// A comment must stay one.
std::string one_line(std::string_view text) {
  std::string out(text.substr(0, 200));
  for (char& c : out) {
    if (static_cast<unsigned char>(c) < ' ' || static_cast<unsigned char>(c) >= 0x7f) c = '?';
  }
  return out;
}

FirstConfig first_config(const EximFacts& facts) {
  FirstConfig out;
  out.toml = fmt::format(
      "# exiwarden's configuration, made from what {} -bP says.\n"
      "# Everything else has its default: exiwarden check --config-only shows them all,\n"
      "# exiwarden.toml(5) explains them.\n\n",
      one_line(facts.binary));
  log_section(facts, out);
  relay_section(facts, out);
  out.toml +=
      "\n[exempt]\n"
      "# Senders that are never counted: user ids and relay hosts.\n"
      "users = []\n"
      "hosts = []\n";
  out.toml += fmt::format("\n[exim]\nbinary = {}\n", toml_string(facts.binary));
  const auto user = value(facts, "exim_user");
  if (user.empty() || user.find_first_not_of("0123456789") == std::string::npos) {
    out.not_found.emplace_back("the name of Exim's user: see exim.user");
    out.toml += fmt::format("# Exim's user, by name; exim -bP exim_user says: {}\n",
                            one_line(user.empty() ? "nothing" : user));
  } else {
    out.toml += fmt::format("user = {}\n", toml_string(user));
  }
  const auto domain = facts.mail_name.empty() ? "example.org" : facts.mail_name;
  out.toml += fmt::format(
      "\n[notify]\n"
      "# The addresses that get a mail for each block.\n"
      "to = [{}]\n"
      "from = {}\n"
      "sendmail = [{}, \"-i\", \"-f\", \"<>\"]\n",
      toml_string("postmaster@" + domain), toml_string("exiwarden@" + domain),
      toml_string(facts.binary));
  if (facts.mail_name.empty())
    out.not_found.emplace_back("this machine's mail domain: put your own into [notify]");
  rule_section(facts, "authenticated", "user", out);
  if (!facts.relays.networks.empty()) rule_section(facts, "relay", "relay", out);
  out.toml += "\n";
  out.toml += trial_rules();
  return out;
}

}  // namespace agent
