#include "agent/config/config_dump.h"

#include <fmt/format.h>

#include <utility>
#include <vector>

#include "actions/send/webhook.h"
#include "agent/config/config_rules.h"
#include "agent/values/duration.h"

namespace agent {
namespace {

std::string toml_array(const std::vector<std::string>& texts) {
  std::string out = "[";
  for (const auto& text : texts) out += (out.size() > 1 ? ", " : "") + toml_string(text);
  return out + "]";
}

std::string toml_array(const std::vector<Network>& networks) {
  std::vector<std::string> texts;
  for (const auto& network : networks) texts.push_back(network.text());
  return toml_array(texts);
}

const char* tristate(Tristate value) {
  return value == Tristate::automatic ? "\"auto\"" : value == Tristate::yes ? "true" : "false";
}

std::vector<std::string> names(const std::vector<Signal>& signals) {
  std::vector<std::string> texts;
  for (const auto signal : signals) texts.emplace_back(name_of(signal));
  return texts;
}

std::vector<std::string> names(const std::vector<Transport>& transports) {
  std::vector<std::string> texts;
  for (const auto transport : transports) {
    texts.emplace_back(transport == Transport::smtp       ? "smtp"
                       : transport == Transport::sendmail ? "sendmail"
                       : transport == Transport::exec     ? "exec"
                       : transport == Transport::webhook  ? "webhook"
                                                          : "none");
  }
  return texts;
}

std::string action_text(const ActionConfig& action) {
  std::string out = "[[action]]\n";
  const auto line = [&](const char* key, const std::string& value) {
    out += fmt::format("{} = {}\n", key, value);
  };
  const auto& via = action.via;
  const auto transport = via.transports.front();
  std::vector<std::string> edges;
  for (const auto edge : action.on) edges.emplace_back(name_of(edge));
  line("name", toml_string(action.name));
  line("on", toml_array(edges));
  line("rules", toml_array(action.rules));
  line("transport", toml_string(names(via.transports).front()));
  if (transport == Transport::smtp || transport == Transport::sendmail) {
    if (via.to_file.empty()) {
      line("to", toml_array(via.to));
    } else {
      line("to_file", toml_string(via.to_file));
    }
    line("from", toml_string(via.from));
  }
  if (transport == Transport::smtp) line("smtp", toml_string(via.smtp));
  if (transport == Transport::sendmail) line("sendmail", toml_array(via.sendmail));
  if (transport == Transport::exec) line("exec", toml_array(via.exec));
  if (transport == Transport::webhook) line("webhook", toml_string(via.webhook));
  line("subject", toml_string(via.subject));
  line("body_file", toml_string(via.body_file));
  return out;
}

}  // namespace

std::string toml_string(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += {'\\', c};
    } else if (static_cast<unsigned char>(c) < ' ' || c == 0x7f) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned char>(c));
    } else {
      out.push_back(c);
    }
  }
  return out + '"';
}

std::string rule_text(const Rule& rule) {
  std::string out = "[[rule]]\n";
  const auto line = [&](const char* key, const std::string& value) {
    out += fmt::format("{} = {}\n", key, value);
  };
  line("name", toml_string(rule.name));
  line("identity", toml_string(name_of(rule.identity)));
  line("mode", toml_string(name_of(rule.mode)));
  line("signals", toml_array(names(rule.signals)));
  line("limit", std::to_string(rule.limit));
  line("period", toml_string(duration_text(rule.period)));
  line("count", toml_string(name_of(rule.count)));
  if (rule.count == CountBy::networks)
    line("network_prefixes", fmt::format("[{}, {}]", rule.network_v4, rule.network_v6));
  line("min_share", toml_string(rule.min_share == 0 ? "" : fmt::format("{}%", rule.min_share)));
  line("list", toml_string(rule.list));
  line("watch", toml_string(rule.watch == 0 ? "" : fmt::format("{}%", rule.watch)));
  std::vector<std::string> blocks;
  for (const auto length : rule.block_for)
    blocks.push_back(length == kForever ? "forever" : duration_text(length));
  line("block_for", toml_array(blocks));
  line("repeat_within", toml_string(duration_text(rule.repeat_within)));
  if (rule.ipv6_prefix != 0) line("ipv6_prefix", std::to_string(rule.ipv6_prefix));
  for (const auto& override : rule.overrides) {
    out += "[[rule.override]]\n";
    if (!override.users.empty()) line("users", toml_array(override.users));
    if (!override.domains.empty()) line("domains", toml_array(override.domains));
    if (!override.hosts.empty()) line("hosts", toml_array(override.hosts));
    line("limit", std::to_string(override.limit));
  }
  return out;
}

std::string short_rule_text(const Rule& rule, const std::string& state_directory) {
  Rule plain;
  plain.name = rule.name;
  plain.identity = rule.identity;
  plain.signals = default_signals(rule.identity);
  plain.list = default_list(state_directory, rule.identity);
  // Values that the keys always shown can't have.
  plain.limit = 0;
  plain.period = std::chrono::seconds(0);
  const auto as_built_in = "\n" + rule_text(plain);
  std::string out;
  const auto text = rule_text(rule);
  for (std::size_t begin = 0, lines = 0; begin < text.size(); ++lines) {
    const auto end = text.find('\n', begin) + 1;
    const auto line = text.substr(begin, end - begin);
    if (lines < 3 || as_built_in.find("\n" + line) == std::string::npos) out += line;
    begin = end;
  }
  return out;
}

std::string effective_config(const Config& config) {
  std::string out;
  const auto line = [&](const char* key, const std::string& value) {
    out += fmt::format("{} = {}\n", key, value);
  };
  out += "[log]\n";
  line("paths", toml_array(config.log.paths));
  line("olddirs", toml_array(config.log.olddirs));
  line("timezone", toml_string(config.log.timezone));
  line("junk_helo", tristate(config.log.junk_helo));
  line("syslog_duplication", tristate(config.log.syslog_duplication));
  line("tag_secret_file", toml_string(config.log.tag_secret_file));
  line("silence_alarm", config.log.silence_alarm ? "true" : "false");
  out += "\n[relay]\n";
  line("hosts", toml_array(config.relay.hosts));
  line("own", toml_array(config.relay.own));
  line("ipv6_prefix", std::to_string(config.relay.ipv6_prefix));
  out += "\n[exempt]\n";
  line("users", toml_array(config.exempt.users));
  line("domains", toml_array(config.exempt.domains));
  line("hosts", toml_array(config.exempt.hosts));
  line("user_files", toml_array(config.exempt.user_files));
  line("host_files", toml_array(config.exempt.host_files));
  out += "\n[reasons]\n";
  line("missing", toml_array(config.reasons.missing));
  line("other", toml_array(config.reasons.other));
  line("spam", toml_array(config.reasons.spam));
  line("file", toml_string(config.reasons.file));
  out += "\n[state]\n";
  line("directory", toml_string(config.state.directory));
  line("metrics", toml_string(config.state.metrics));
  line("history_keep", toml_string(duration_text(config.state.history_keep)));
  line("max_identities", std::to_string(config.state.max_identities));
  out += "\n[exim]\n";
  line("binary", toml_string(config.exim.binary));
  line("user", toml_string(config.exim.user));
  line("freeze_queued", tristate(config.exim.freeze_queued));
  line("spool_guard", config.exim.spool_guard ? "true" : "false");
  out += "\n[notify]\n";
  line("to", toml_array(config.notify.to));
  line("from", toml_string(config.notify.from));
  line("transports", toml_array(names(config.notify.transports)));
  line("smtp", toml_string(config.notify.smtp));
  line("sendmail", toml_array(config.notify.sendmail));
  line("exec", toml_array(config.notify.exec));
  line("webhook", toml_string(config.notify.webhook));
  line("subject", toml_string(config.notify.subject));
  line("body_file", toml_string(config.notify.body_file));
  line("max_per_hour", std::to_string(config.notify.max_per_hour));
  line("report", toml_string(std::string(name_of(config.notify.report))));
  for (const auto& action : config.actions) out += "\n" + action_text(action);
  const auto& farm = config.farm;
  out += "\n[farm]\n";
  line("url", toml_string(farm.url));
  line("user", toml_string(farm.user));
  line("password_file", toml_string(farm.password_file));
  line("prefix", toml_string(farm.prefix));
  line("host", toml_string(farm.host));
  line("connect_timeout", toml_string(duration_text(farm.connect_timeout)));
  line("command_timeout", toml_string(duration_text(farm.command_timeout)));
  line("trust", toml_string(farm.trust == FarmTrust::all    ? "all"
                            : farm.trust == FarmTrust::seen ? "seen"
                                                            : "none"));
  line("max_per_hour", std::to_string(farm.max_per_hour));
  for (const auto& pattern : config.patterns) {
    out += "\n[[pattern]]\n";
    line("kind", toml_string(pattern.kind));
    line("regex", toml_string(pattern.regex));
    line("dequote", pattern.dequote ? "true" : "false");
  }
  for (const auto& map : config.identity_maps) {
    out += "\n[[identity_map]]\n";
    line("identity", toml_string(name_of(map.identity)));
    if (!map.regex.empty()) {
      line("regex", toml_string(map.regex));
      line("rewrite", toml_string(map.rewrite));
    }
    if (!map.file.empty()) line("file", toml_string(map.file));
  }
  for (const auto& rule : config.rules) out += "\n" + rule_text(rule);
  return out;
}

std::string shown_config(Config config) {
  // In the place of each URL stands what no URL can be, so that it is found again.
  std::vector<std::string> urls;
  const auto hide = [&](std::string& url) {
    if (url.empty()) return;
    urls.push_back(url);
    url = "\n";
  };
  hide(config.notify.webhook);
  for (auto& action : config.actions) hide(action.via.webhook);
  auto text = effective_config(config);
  const std::string line = "\nwebhook = " + toml_string("\n") + "\n";
  for (const auto& url : urls) {
    text.replace(text.find(line), line.size(),
                 "\n# webhook: at " + actions::shown_address(url) +
                     "; the rest of it is a secret, and not shown\n");
  }
  return text;
}

}  // namespace agent
