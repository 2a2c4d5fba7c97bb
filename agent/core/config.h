// Config: the configuration as plain data, checked before anything runs.
// Every key of the TOML file stands here once, with its default; conf/exiwarden.toml shows them
// all.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "agent/values/network.h"

namespace agent {

enum class IdentityKind { user, relay, local, host };
inline constexpr std::size_t kIdentityKinds = 4;
enum class Signal {
  rejected_rcpt,
  tagged,
  warned,
  bounced,
  accepted,
  deferred,
  accused,
  auth_failed
};
enum class CountBy { attempts, recipients, hosts, networks, senders, ids };
enum class RuleMode { block, trial };
enum class ReportPeriod { none, daily, weekly };
enum class Transport { smtp, sendmail, exec, webhook, none };
enum class Tristate { no, yes, automatic };

constexpr std::string_view name_of(ReportPeriod period) {
  return period == ReportPeriod::daily    ? "daily"
         : period == ReportPeriod::weekly ? "weekly"
                                          : "none";
}

constexpr std::string_view name_of(RuleMode mode) {
  return mode == RuleMode::block ? "block" : "trial";
}

// As in the configuration and in output: "user", "relay", "local", "host".
constexpr std::string_view name_of(IdentityKind kind) {
  constexpr std::string_view kNames[kIdentityKinds] = {"user", "relay", "local", "host"};
  return kNames[static_cast<std::size_t>(kind)];
}
// Returns true if identities of this kind are addresses, or networks of them.
constexpr bool is_by_address(IdentityKind kind) {
  return kind == IdentityKind::relay || kind == IdentityKind::host;
}
constexpr std::string_view name_of(Signal signal) {
  constexpr std::string_view kNames[] = {"rejected_rcpt", "tagged",   "warned",  "bounced",
                                         "accepted",      "deferred", "accused", "auth_failed"};
  return kNames[static_cast<std::size_t>(signal)];
}
// Returns true if it means a recipient that does not exist.
constexpr bool is_refusal(Signal signal) {
  return signal <= Signal::bounced;
}
constexpr std::string_view name_of(CountBy count) {
  constexpr std::string_view kNames[] = {"attempts", "recipients", "hosts",
                                         "networks", "senders",    "ids"};
  return kNames[static_cast<std::size_t>(count)];
}

// What the service can tell of; the names are those of action.on and of "event" in JSON.
enum class Edge { blocked, freed, ended, trial, watched, silent };
constexpr const char* name_of(Edge edge) {
  switch (edge) {
    case Edge::blocked:
      return "blocked";
    case Edge::freed:
      return "freed";
    case Edge::ended:
      return "ended";
    case Edge::trial:
      return "trial";
    case Edge::watched:
      return "watched";
    case Edge::silent:
      return "silent";
  }
  return "";
}

struct LogConfig {
  std::vector<std::string> paths{"/var/log/exim4/mainlog"};  // log.paths; %D and %M as in Exim
  std::vector<std::string> olddirs;          // log.olddirs: where rotations are moved, if elsewhere
  std::string timezone = "local";            // log.timezone: "local", "UTC", IANA name
  Tristate junk_helo = Tristate::automatic;  // log.junk_helo: helo_accept_junk_hosts is set
  Tristate syslog_duplication = Tristate::automatic;  // log.syslog_duplication, as Exim's option
  std::string tag_secret_file;  // log.tag_secret_file: "" if tagged lines need no tag
  bool silence_alarm = true;    // log.silence_alarm: say so when it is silent against its habit
};

// [[pattern]]: a line of the site's own making that is evidence.
struct PatternConfig {
  std::string kind = "warned";  // pattern.kind: the only one there is
  std::string regex;    // pattern.regex: RE2, against what follows stamp, [pid] and message id
  bool dequote = true;  // pattern.dequote: undo ${quote:} in a group that is one quoted string
};

struct RelayConfig {
  std::vector<Network> hosts;  // relay.hosts
  std::vector<std::string> own{
      "@[]"};             // relay.own: never charged; "@[]" is every interface, as in Exim
  int ipv6_prefix = 128;  // relay.ipv6_prefix: 1..128
};

struct ExemptConfig {
  std::vector<std::string> users;    // exempt.users, compared as lsearch does (ASCII case folded)
  std::vector<std::string> domains;  // exempt.domains: what follows the last "@" of an identity
  std::vector<Network> hosts;        // exempt.hosts
  std::vector<std::string> user_files;  // exempt.user_files: lsearch files, their keys
  std::vector<std::string> host_files;  // exempt.host_files: an address or network a line
};

// [[identity_map]]: who an id or a host stands for. Maps of one kind follow one another.
struct IdentityMapConfig {
  IdentityKind identity = IdentityKind::user;  // identity_map.identity
  std::string regex;    // identity_map.regex: RE2; "" for none. Every match is replaced ...
  std::string rewrite;  // identity_map.rewrite: ... by this; \1 is the first group
  std::string file;  // identity_map.file: lsearch, key to name, looked up afterwards; "" for none
};

struct ReasonsConfig {  // RE2, matched without regard to case; "default" stands for the built-in
                        // ones
  std::vector<std::string> missing{"default"};  // reasons.missing
  std::vector<std::string> other{"default"};    // reasons.other: wins over missing
  std::vector<std::string> spam{"default"};     // reasons.spam: for the signal "accused"
  // reasons.file: a catalog of reasons that stands for the one built in if it is newer
  std::string file = "/usr/share/exiwarden/reasons.toml";
};

struct StateConfig {
  std::string directory = "/var/lib/exiwarden";  // state.directory
  std::string metrics;                           // state.metrics: Prometheus text file, "" for none
  std::chrono::seconds history_keep = std::chrono::hours(24 * 400);  // state.history_keep
  std::size_t max_identities = 1'000'000;  // state.max_identities: with a window at one time
};

struct EximConfig {
  std::string binary = "/usr/sbin/exim4";  // exim.binary
  std::string user = "Debian-exim";        // exim.user: who must be able to read the lists
  // exim.freeze_queued: what a blocked sender has in the queue; automatic: where we may
  Tristate freeze_queued = Tristate::automatic;
  bool spool_guard =
      false;  // exim.spool_guard: the spool's free space stands first in a key's data
};

struct NotifyConfig {
  std::vector<std::string> to;  // notify.to: empty for no mail
  std::string from;             // notify.from: empty for exiwarden@ and this host's name
  std::vector<Transport> transports{Transport::smtp, Transport::sendmail};  // notify.transports
  std::string smtp = "127.0.0.1:25";                                        // notify.smtp
  std::vector<std::string> sendmail{"/usr/sbin/exim4", "-i", "-f", "<>"};   // notify.sendmail
  std::vector<std::string> exec;    // notify.exec: a program and its arguments
  std::string webhook;              // notify.webhook: a URL
  std::string subject;              // notify.subject: "" for the built-in one
  std::string body_file;            // notify.body_file: "" for the built-in text
  std::string body;                 // what load_config() found in it
  std::uint32_t max_per_hour = 60;  // notify.max_per_hour: mails; the rest waits and goes in one
  ReportPeriod report = ReportPeriod::none;  // notify.report
  // action.to_file: the recipients by identity or domain, in place of `to`; "" for none
  std::string to_file;
};

// [[action]]: something else that happens beside the notice, whatever becomes of that.
struct ActionConfig {
  std::string name;                     // action.name: by it the service knows what waits for it
  std::vector<Edge> on{Edge::blocked};  // action.on
  std::vector<std::string> rules;       // action.rules: names; empty for all
  NotifyConfig via;                     // one transport; what it needs, as in [notify]
};

enum class FarmTrust { all, seen, none };

struct FarmConfig {  // [farm]: counts and blocks shared with other hosts; off without a url
  std::string url;   // farm.url: of a Redis server
  std::string user;  // farm.user: "" for the server's default user
  std::string password_file;                // farm.password_file: "" for none
  std::string prefix = "exiwarden:";        // farm.prefix: of the keys there
  std::string host;                         // farm.host: "" for this machine's name
  std::chrono::seconds connect_timeout{1};  // farm.connect_timeout: 1 s..60 s
  std::chrono::seconds command_timeout{1};  // farm.command_timeout: 1 s..60 s
  FarmTrust trust = FarmTrust::all;         // farm.trust: whose blocks by others are ours too
  std::uint32_t max_per_hour = 1000;        // farm.max_per_hour: of those, for each list
};

// [[rule.override]]: another limit for some. The first that fits an identity counts.
struct Override {
  std::vector<std::string> users;    // override.users: whole identities
  std::vector<std::string> domains;  // override.domains: what follows the last "@" of one
  std::vector<Network> hosts;        // override.hosts: relay rules only
  std::uint32_t limit = 100;         // override.limit: 1..1,000,000
};

struct Rule {
  std::string name;
  RuleMode mode = RuleMode::block;  // rule.mode: a trial decides and tells, and blocks nobody
  IdentityKind identity = IdentityKind::user;
  std::vector<Signal> signals{Signal::rejected_rcpt, Signal::tagged, Signal::warned};
  std::uint32_t limit = 100;          // 1..1,000,000
  std::chrono::seconds period{3600};  // 1 s..366 d
  CountBy count = CountBy::attempts;
  // rule.network_prefixes: how many bits of an address count as its network, IPv4 and IPv6
  int network_v4 = 24, network_v6 = 48;
  // rule.min_share: decides only while its events are at least so many percent of them and of what
  // was accepted from the identity in the period; 0: whatever was accepted
  std::uint32_t min_share = 0;
  std::string list;     // default: by identity, below state.directory
  int ipv6_prefix = 0;  // 1..128, rules about addresses only; 0: relay.ipv6_prefix, or kHostPrefix
  std::vector<Override> overrides;
  std::uint32_t watch = 0;  // rule.watch: percent of the limit that is worth a notice; 0: none
  // rule.block_for: the first time, the second ...; the last one for all further. Empty, or
  // kForever in it: until somebody frees the sender.
  std::vector<std::chrono::seconds> block_for;
  std::chrono::seconds repeat_within{30 * 86400};  // rule.repeat_within: after a block's end
};
// Of identity = "host": what one customer of an access provider is given at most.
inline constexpr int kHostPrefix = 56;
inline constexpr std::chrono::seconds kForever{0};
// How long a trial stands where the block would have no end: it is told once a day.
inline constexpr std::chrono::seconds kTrialLength{86400};

// Returns how many bits of an IPv6 address tell one identity of the rule from another.
[[nodiscard]] inline int prefix_of(const Rule& rule, const RelayConfig& relay) {
  if (rule.ipv6_prefix != 0) return rule.ipv6_prefix;
  return rule.identity == IdentityKind::host ? kHostPrefix : relay.ipv6_prefix;
}

struct ConfigProblem {
  std::string file;
  std::uint32_t line = 0, column = 0;  // 1-based; 0: not tied to a place
  std::string key;                     // "rule[1].limit"
  std::string what;                    // "is "many"; accepted: a whole number from 1 to 1000000"
};

struct Config {
  LogConfig log;
  RelayConfig relay;
  ExemptConfig exempt;
  ReasonsConfig reasons;
  StateConfig state;
  EximConfig exim;
  NotifyConfig notify;
  std::vector<ActionConfig> actions;
  FarmConfig farm;
  std::vector<PatternConfig> patterns;
  std::vector<IdentityMapConfig> identity_maps;
  std::vector<Rule> rules;  // never empty: "authenticated" and "relay" if the file has none
  std::vector<ConfigProblem> warnings;  // sound, but probably not what is meant
};

// Returns true if a rule counts such events.
[[nodiscard]] inline bool listens_to(const Config& config, Signal signal) {
  return std::any_of(config.rules.begin(), config.rules.end(), [&](const Rule& rule) {
    return std::find(rule.signals.begin(), rule.signals.end(), signal) != rule.signals.end();
  });
}

// Returns true if some rule needs to know of the messages that come in.
[[nodiscard]] inline bool reads_accepted(const Config& config) {
  return listens_to(config, Signal::accepted) ||
         std::any_of(config.rules.begin(), config.rules.end(),
                     [](const Rule& rule) { return rule.min_share > 0; });
}

}  // namespace agent
