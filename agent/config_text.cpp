#include "agent/config_text.h"

#include <fmt/format.h>

#include <utility>
#include <vector>

#include "actions/webhook.h"

namespace agent {
namespace {

std::string quoted(std::string_view text) {
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

std::string quoted(const std::vector<std::string>& texts) {
  std::string out = "[";
  for (const auto& text : texts) out += (out.size() > 1 ? ", " : "") + quoted(text);
  return out + "]";
}

std::string quoted(const std::vector<Network>& networks) {
  std::vector<std::string> texts;
  for (const auto& network : networks) texts.push_back(network.text());
  return quoted(texts);
}

const char* tristate(Tristate value) {
  return value == Tristate::automatic ? "\"auto\"" : value == Tristate::yes ? "true" : "false";
}

std::vector<std::string> names(const std::vector<Signal>& signals) {
  std::vector<std::string> texts;
  for (const auto signal : signals) {
    texts.emplace_back(signal == Signal::rejected_rcpt ? "rejected_rcpt"
                       : signal == Signal::tagged      ? "tagged"
                       : signal == Signal::warned      ? "warned"
                                                       : "bounced");
  }
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

}  // namespace

std::string rule_text(const Rule& rule) {
  std::string out = "[[rule]]\n";
  const auto line = [&](const char* key, const std::string& value) {
    out += fmt::format("{} = {}\n", key, value);
  };
  line("name", quoted(rule.name));
  line("identity", quoted(name_of(rule.identity)));
  line("signals", quoted(names(rule.signals)));
  line("limit", std::to_string(rule.limit));
  line("period", quoted(duration_text(rule.period)));
  line("count", quoted(rule.count == CountBy::attempts ? "attempts" : "recipients"));
  line("list", quoted(rule.list));
  line("watch", quoted(rule.watch == 0 ? "" : fmt::format("{}%", rule.watch)));
  std::vector<std::string> blocks;
  for (const auto length : rule.block_for)
    blocks.push_back(length == kForever ? "forever" : duration_text(length));
  line("block_for", quoted(blocks));
  line("repeat_within", quoted(duration_text(rule.repeat_within)));
  if (rule.ipv6_prefix != 0) line("ipv6_prefix", std::to_string(rule.ipv6_prefix));
  for (const auto& override : rule.overrides) {
    out += "[[rule.override]]\n";
    if (!override.users.empty()) line("users", quoted(override.users));
    if (!override.domains.empty()) line("domains", quoted(override.domains));
    if (!override.hosts.empty()) line("hosts", quoted(override.hosts));
    line("limit", std::to_string(override.limit));
  }
  return out;
}

std::string effective_config(const Config& config) {
  std::string out;
  const auto line = [&](const char* key, const std::string& value) {
    out += fmt::format("{} = {}\n", key, value);
  };
  out += "[log]\n";
  line("paths", quoted(config.log.paths));
  line("olddirs", quoted(config.log.olddirs));
  line("timezone", quoted(config.log.timezone));
  line("junk_helo", tristate(config.log.junk_helo));
  line("syslog_duplication", tristate(config.log.syslog_duplication));
  line("tag_secret_file", quoted(config.log.tag_secret_file));
  line("silence_alarm", config.log.silence_alarm ? "true" : "false");
  out += "\n[relay]\n";
  line("hosts", quoted(config.relay.hosts));
  line("own", quoted(config.relay.own));
  line("ipv6_prefix", std::to_string(config.relay.ipv6_prefix));
  out += "\n[exempt]\n";
  line("users", quoted(config.exempt.users));
  line("hosts", quoted(config.exempt.hosts));
  line("user_files", quoted(config.exempt.user_files));
  line("host_files", quoted(config.exempt.host_files));
  out += "\n[reasons]\n";
  line("missing", quoted(config.reasons.missing));
  line("other", quoted(config.reasons.other));
  line("file", quoted(config.reasons.file));
  out += "\n[state]\n";
  line("directory", quoted(config.state.directory));
  line("metrics", quoted(config.state.metrics));
  line("max_identities", std::to_string(config.state.max_identities));
  out += "\n[exim]\n";
  line("binary", quoted(config.exim.binary));
  line("user", quoted(config.exim.user));
  line("freeze_queued", tristate(config.exim.freeze_queued));
  line("spool_guard", config.exim.spool_guard ? "true" : "false");
  out += "\n[notify]\n";
  line("to", quoted(config.notify.to));
  line("from", quoted(config.notify.from));
  line("transports", quoted(names(config.notify.transports)));
  line("smtp", quoted(config.notify.smtp));
  line("sendmail", quoted(config.notify.sendmail));
  line("exec", quoted(config.notify.exec));
  line("webhook", quoted(config.notify.webhook));
  line("subject", quoted(config.notify.subject));
  line("body_file", quoted(config.notify.body_file));
  line("max_per_hour", std::to_string(config.notify.max_per_hour));
  const auto& farm = config.farm;
  out += "\n[farm]\n";
  line("url", quoted(farm.url));
  line("user", quoted(farm.user));
  line("password_file", quoted(farm.password_file));
  line("prefix", quoted(farm.prefix));
  line("host", quoted(farm.host));
  line("connect_timeout", quoted(duration_text(farm.connect_timeout)));
  line("command_timeout", quoted(duration_text(farm.command_timeout)));
  line("trust", quoted(farm.trust == FarmTrust::all    ? "all"
                       : farm.trust == FarmTrust::seen ? "seen"
                                                       : "none"));
  line("max_per_hour", std::to_string(farm.max_per_hour));
  for (const auto& pattern : config.patterns) {
    out += "\n[[pattern]]\n";
    line("kind", quoted(pattern.kind));
    line("regex", quoted(pattern.regex));
    line("dequote", pattern.dequote ? "true" : "false");
  }
  for (const auto& map : config.identity_maps) {
    out += "\n[[identity_map]]\n";
    line("identity", quoted(name_of(map.identity)));
    if (!map.regex.empty()) {
      line("regex", quoted(map.regex));
      line("rewrite", quoted(map.rewrite));
    }
    if (!map.file.empty()) line("file", quoted(map.file));
  }
  for (const auto& rule : config.rules) out += "\n" + rule_text(rule);
  return out;
}

std::string shown_config(Config config) {
  const auto url = std::exchange(config.notify.webhook, "");
  auto text = effective_config(config);
  if (url.empty()) return text;
  const std::string line = "\nwebhook = \"\"\n";
  return text.replace(text.find(line), line.size(),
                      "\n# webhook: at " + actions::shown_address(url) +
                          "; the rest of it is a secret, and not shown\n");
}

}  // namespace agent
