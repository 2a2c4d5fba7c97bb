#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "actions/exim/exim_settings.h"
#include "actions/lists/blocklist.h"
#include "actions/posix_files.h"
#include "actions/program.h"
#include "agent/check/checks.h"
#include "agent/config/host_facts.h"

namespace agent {
namespace {

constexpr const char* kNobody = "exiwarden-check";

// A session that Exim only plays, with nothing logged, queued or asked of other servers; what its
// ACLs do is on standard error.
actions::Result<std::string> played_session(const std::string& exim, const std::string& host,
                                            const std::string& user, const std::string& domain) {
  std::vector<std::string> argv{exim, "-bh", host};
  if (!user.empty()) argv.insert(argv.end(), {"-oMaa", "plain", "-oMai", user});
  const auto script = fmt::format(
      "EHLO exiwarden-check.invalid\r\nMAIL FROM:<>\r\nRCPT TO:<postmaster@{}>\r\n"
      "DATA\r\nSubject: check\r\n\r\n.\r\nQUIT\r\n",
      domain);
  actions::ProgramOptions options;
  options.errors_limit = std::size_t{1} << 20;
  const auto ended = actions::run_program(argv, script, options);
  if (!ended) return ended.error();
  return ended->errors;
}

// Somebody of the list, if it has anybody, so that the answer must be yes.
std::string someone_in(const std::string& path) {
  actions::PosixFiles files;
  const auto view = actions::Blocklist(files, path, {}).read();
  return view && !view.value().entries.empty() ? view.value().entries.front().key : "";
}

// An address of relay.hosts that is not this machine's own; empty if there is none.
std::string some_relay(const Config& config) {
  const auto own = own_addresses(config.relay.own);
  for (const auto& network : config.relay.hosts) {
    const bool loopback =
        network.base.v6 ? network.base == *IpAddress::parse("::1") : network.base.bytes[0] == 127;
    if (!loopback && std::find(own.begin(), own.end(), network.base) == own.end())
      return network.base.text();
  }
  return {};
}

void check_lookup(const CheckContext& context, const Rule& rule, const std::string& domain,
                  Findings& findings) {
  const auto listed = someone_in(rule.list);
  const auto& maps = context.config.identity_maps;
  const bool mapped = std::any_of(maps.begin(), maps.end(), [&](const IdentityMapConfig& map) {
    return map.identity == rule.identity;
  });
  std::string host = "192.0.2.1", user;
  if (rule.identity == IdentityKind::user) {
    user = listed.empty() ? kNobody : listed;
  } else if (const auto network = Network::parse(listed)) {
    host = network->base.text();
  } else if (rule.identity != IdentityKind::host) {
    host = some_relay(context.config);
    if (host.empty()) return;
  }
  const auto trace = played_session(context.config.exim.binary, host, user, domain);
  if (!trace) {
    return findings.doubtful("exim", "exim -bh: " + trace.error().what,
                             "run check as root to see whether the ACL looks up the lists");
  }
  const auto who = user.empty() ? "host " + host : "user " + user;
  switch (lookup_in(trace.value(), rule.list)) {
    case Lookup::never:
      return findings.bad(
          "exim", fmt::format("the ACL does not look up {} (tried {})", rule.list, who),
          rule.identity == IdentityKind::host
              ? "say drop condition = EXIWARDEN_HOST_BLOCKED in the ACL of acl_smtp_connect "
                "(macros.conf)"
              : "include conf/exim's files where their heads say; exiwarden init prints the lines");
    case Lookup::yes:
    case Lookup::no:
      // Whose name a listed one is can't be told from the name.
      if (mapped) break;
      if ((lookup_in(trace.value(), rule.list) == Lookup::yes) == !listed.empty()) break;
      return findings.bad("exim",
                          fmt::format("the ACL looks up {}, but finds {} {}", rule.list, who,
                                      listed.empty() ? "in it" : "not in it"),
                          "see what it does with exim -bh");
    case Lookup::unclear:
      break;
  }
  findings.good("exim", fmt::format("the ACL looks up {} (tried {})", rule.list, who));
}

}  // namespace

Lookup lookup_in(std::string_view trace, std::string_view list_path) {
  Lookup found = Lookup::never;
  bool asked = false;  // the line before held a lookup of the list
  while (!trace.empty()) {
    const auto line = trace.substr(0, trace.find('\n'));
    trace.remove_prefix(std::min(trace.size(), line.size() + 1));
    if (asked && line.starts_with(">>>    ")) {
      const auto equals = line.find("= ");
      const auto answer = equals == std::string_view::npos ? "" : line.substr(equals + 2);
      if (answer == "yes" || answer == "true" || answer == "1") return Lookup::yes;
      if (answer == "no" || answer == "false" || answer == "0") found = Lookup::no;
    }
    // "exists{PATH}" alone is no lookup; a longer path that begins with ours is another one.
    asked = false;
    for (auto at = line.find(list_path); at != std::string_view::npos;
         at = line.find(list_path, at + 1)) {
      const auto after = at + list_path.size();
      const bool whole = after == line.size() ||
                         std::string_view("}:; \t").find(line[after]) != std::string_view::npos;
      const auto before = line.substr(0, at);
      if (whole && !before.ends_with("exists{")) asked = true;
    }
    if (asked && found == Lookup::never) found = Lookup::unclear;
  }
  return found;
}

void check_exim(const CheckContext& context, Findings& findings) {
  const auto& exim = context.config.exim.binary;
  if (::access(exim.c_str(), X_OK) != 0) {
    return findings.doubtful("exim", exim + ": no such program; its settings were not checked",
                             "set exim.binary, unless the log comes from another machine");
  }
  const auto settings = actions::exim_settings(exim);
  if (!settings) {
    return findings.bad("exim", settings.error().what,
                        "exim -bV shows what is wrong with its configuration");
  }
  check_settings(settings.value(), context.config, findings);
  check_frozen(settings.value(), findings);
  const auto domain = settings.value().find("qualify_domain");
  const auto primary = settings.value().find("primary_hostname");
  const auto name = domain != settings.value().end() && !domain->second.empty() ? domain->second
                    : primary != settings.value().end()                         ? primary->second
                                                                                : "localhost";
  if (::geteuid() != 0) {
    return findings.doubtful(
        "exim", "whether the ACL looks up the lists was not tried",
        "run check as root: Exim simulates a session (exim -bh) for root only");
  }
  std::vector<std::string> seen;
  for (const auto& rule : context.config.rules) {
    if (rule.identity == IdentityKind::local || rule.mode == RuleMode::trial) continue;
    if (std::find(seen.begin(), seen.end(), rule.list) != seen.end()) continue;
    seen.push_back(rule.list);
    check_lookup(context, rule, name, findings);
  }
}

}  // namespace agent
