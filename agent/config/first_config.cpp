#include "agent/config/first_config.h"

#include <fmt/format.h>

#include <algorithm>

#include "agent/config/config_dump.h"

namespace agent {
namespace {

constexpr const char* kShare = "/usr/share/exiwarden/exim";

std::string value(const EximFacts& facts, const char* name) {
  return actions::value_of(facts.settings, name);
}

// A comment must stay one.
std::string one_line(std::string_view text) {
  std::string out(text.substr(0, 200));
  for (char& c : out) {
    if (static_cast<unsigned char>(c) < ' ' || static_cast<unsigned char>(c) >= 0x7f) c = '?';
  }
  return out;
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
}

void relay_section(const EximFacts& facts, FirstConfig& out) {
  out.toml += "\n[relay]\n";
  if (!facts.relay_list_known) {
    out.not_found.emplace_back("a hostlist relay_from_hosts: name the hosts that may relay");
    out.toml += "# Networks that may relay without authentication.\n";
  } else {
    out.toml += "# Exim's relay_from_hosts. This machine's own addresses are never charged.\n";
  }
  std::string list;
  for (const auto& network : facts.relays.networks)
    list += (list.empty() ? "" : ", ") + toml_string(network.text());
  out.toml += fmt::format("hosts = [{}]\n", list);
  for (const auto& item : facts.relays.left_out) {
    out.not_found.push_back("the addresses behind \"" + one_line(item) + "\" in relay_from_hosts");
    out.toml += fmt::format("# left out, it is not an address: {}\n", one_line(item));
  }
}

}  // namespace

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
  out.toml +=
      "\n[[rule]]\n"
      "name = \"authenticated\"\n"
      "identity = \"user\"\n"
      "limit = 100\n"
      "period = \"1h\"\n";
  if (!facts.relays.networks.empty()) {
    out.toml +=
        "\n[[rule]]\n"
        "name = \"relay\"\n"
        "identity = \"relay\"\n"
        "limit = 100\n"
        "period = \"1h\"\n";
  }
  return out;
}

std::string paste_guide(const EximFacts& facts) {
  const auto acl = [&](const char* name, const char* otherwise) {
    const auto found = value(facts, name);
    return found.empty() || found.find_first_of(" \t$\n") != std::string::npos
               ? std::string(otherwise)
               : one_line(found);
  };
  const auto rcpt = acl("acl_smtp_rcpt", "acl_check_rcpt");
  const auto data = acl("acl_smtp_data", "acl_check_data");
  const auto helo = value(facts, "acl_smtp_helo");
  std::string text = "To let Exim look the lists up, include exiwarden's files in its own:\n\n";
  const auto step = [&](const std::string& where, const std::string& lines) {
    text += fmt::format("in {}\n{}\n", where, lines);
  };
  switch (facts.layout) {
    case Layout::debian_split:
      step("/etc/exim4/conf.d/main/000_exiwarden (a new file):",
           fmt::format("    .include {}/macros.conf\n"
                       "    CHECK_DATA_LOCAL_ACL_FILE = {}/data.conf\n",
                       kShare, kShare));
      step(
          "/etc/exim4/conf.d/acl/30_exim4-config_check_rcpt, after \"acl_check_rcpt:\"\n"
          "and before its first \"accept\" for hosts of relay_from_hosts:",
          fmt::format("    .include {}/rcpt-reject.conf\n", kShare));
      break;
    case Layout::debian_single:
      step("/etc/exim4/exim4.conf.localmacros:",
           fmt::format("    .include {}/macros.conf\n"
                       "    CHECK_DATA_LOCAL_ACL_FILE = {}/data.conf\n",
                       kShare, kShare));
      step(
          "/etc/exim4/exim4.conf.template, after \"acl_check_rcpt:\" and before its\n"
          "first \"accept\" for hosts of relay_from_hosts:",
          fmt::format("    .include {}/rcpt-reject.conf\n", kShare));
      break;
    case Layout::cpanel:
      step("WHM, Exim Configuration Manager, Advanced Editor, section CONFIG:",
           fmt::format("    .include {}/macros.conf\n", kShare));
      step("the same, custom_begin_recipient_pre (before relay hosts are accepted):",
           fmt::format("    .include {}/rcpt-reject.conf\n", kShare));
      step("the same, custom_begin_check_message_pre:",
           fmt::format("    .include {}/data.conf\n", kShare));
      break;
    case Layout::plain:
      step(fmt::format("{}, main section, near the top:",
                       facts.config.empty() ? "Exim's configuration" : one_line(facts.config)),
           fmt::format("    .include {}/macros.conf\n", kShare));
      step(fmt::format("the same, after \"{}:\", before the first \"accept\"\n"
                       "for relay hosts or authenticated users:",
                       rcpt),
           fmt::format("    .include {}/rcpt-reject.conf\n", kShare));
      step(fmt::format("the same, after \"{}:\", before its first \"accept\":", data),
           fmt::format("    .include {}/data.conf\n", kShare));
      break;
  }
  if (helo.empty()) {
    step("the main section, and the section of ACLs (there is no acl_smtp_helo yet):",
         fmt::format("    acl_smtp_helo = acl_exiwarden_helo\n\n"
                     "    acl_exiwarden_helo:\n"
                     "      .include {}/helo.conf\n"
                     "      accept\n",
                     kShare));
  } else {
    step(fmt::format("at the top of \"{}\" (acl_smtp_helo):", one_line(helo)),
         fmt::format("    .include {}/helo.conf\n", kShare));
  }
  const bool debian = facts.layout == Layout::debian_split || facts.layout == Layout::debian_single;
  text += debian ? "Then: update-exim4.conf && systemctl reload exim4, and\n"
                 : "Then reload Exim, and\n";
  return text + "    exiwarden check\n    systemctl enable --now exiwarden\n";
}

}  // namespace agent
