#include "agent/service/log_trust.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <chrono>
#include <string_view>

#include "actions/exim/exim_settings.h"

namespace agent {
namespace {

using actions::EximSettings;
using actions::value_of;

bool is_blank(char c) {
  return c == ' ' || c == '\t';
}

// Is `selector` on? "+x" and "-x" are obeyed in their order, blanks between sign and word allowed
// (readconf.c decode_bits).
bool selected(const std::string& log_selector, std::string_view selector) {
  bool on = false;
  for (std::size_t at = 0; at < log_selector.size();) {
    const char sign = log_selector[at++];
    if (sign != '+' && sign != '-') continue;
    while (at < log_selector.size() && is_blank(log_selector[at])) ++at;
    const auto begin = at;
    while (
        at < log_selector.size() &&
        (std::isalnum(static_cast<unsigned char>(log_selector[at])) || log_selector[at] == '_')) {
      ++at;
    }
    const auto word = std::string_view(log_selector).substr(begin, at - begin);
    if (word == selector || word == "all") on = sign == '+';
  }
  return on;
}

}  // namespace

std::vector<LogDoubt> log_doubts(const EximSettings& settings) {
  std::vector<LogDoubt> doubts;
  const auto selectors = value_of(settings, "log_selector");
  if (selected(selectors, "smtp_mailauth")) {
    const bool all = selectors.find("smtp_mailauth") == std::string::npos;
    doubts.push_back(
        {"log_selector", true,
         fmt::format("log_selector has {}: senders can write lines of their own into "
                     "the log",
                     all ? "+all" : "+smtp_mailauth"),
         all ? "put -smtp_mailauth behind it: it logs what MAIL's AUTH= says, unescaped"
             : "take it out: it logs what MAIL's AUTH= says, unescaped"});
  }
  if (selected(selectors, "arguments")) {
    doubts.push_back({"log_selector", false,
                      "log_selector has +arguments: local users can write lines of their own into "
                      "the log",
                      "take it out where they are not trusted: it logs the name of the directory "
                      "that Exim is called in, unescaped"});
  }
  if (!value_of(settings, "helo_accept_junk_hosts").empty()) {
    doubts.push_back({"helo_accept_junk_hosts", false,
                      "helo_accept_junk_hosts is set: HELO can hold anything",
                      "lines that may be forged are not counted; unset it if you can"});
  }
  const auto helo = value_of(settings, "helo_allow_chars");
  if (helo.find_first_of(" ()[]<>\"=\t") != std::string::npos) {
    doubts.push_back({"helo_allow_chars", false,
                      fmt::format("helo_allow_chars is \"{}\": HELO can hold what ends it", helo),
                      "lines that may be forged are not counted; an underscore is all it needs"});
  }
  const auto ident = value_of(settings, "rfc1413_query_timeout");
  if (!ident.empty() && ident != "0s") {
    doubts.push_back(
        {"rfc1413_query_timeout", false,
         "rfc1413_query_timeout is " + ident + ": clients choose a field of their lines by ident",
         "set it to 0s: ambiguous lines charge nobody"});
  }
  const bool asks_for_certificates = !value_of(settings, "tls_try_verify_hosts").empty() ||
                                     !value_of(settings, "tls_verify_hosts").empty();
  if (asks_for_certificates && selected(selectors, "tls_peerdn")) {
    doubts.push_back({"tls_try_verify_hosts", false,
                      "tls_try_verify_hosts with +tls_peerdn: certificates choose a field",
                      "with OpenSSL ambiguous lines charge nobody; take +tls_peerdn out"});
  }
  if (value_of(settings, "untrusted_set_sender") == "*") {
    doubts.push_back(
        {"untrusted_set_sender", false,
         "untrusted_set_sender = *: local programs choose their sender freely",
         "a newline in it begins a line of the log; entries like that are distrusted"});
  }
  return doubts;
}

LogTrust ask_exim(const std::string& exim) {
  LogTrust trust;
  trust.exim_there = ::access(exim.c_str(), X_OK) == 0;
  if (!trust.exim_there) {
    trust.why_not = exim + ": no such program";
    return trust;
  }
  const auto settings = actions::exim_settings(exim, std::chrono::seconds(2));
  if (!settings) {
    trust.why_not = settings.error().what;
    return trust;
  }
  trust.spool = actions::value_of(settings.value(), "spool_directory");
  trust.doubts = log_doubts(settings.value());
  trust.keeping = frozen_keeping(settings.value());
  trust.junk_helo = std::any_of(trust.doubts.begin(), trust.doubts.end(), [](const auto& doubt) {
    return doubt.setting == "helo_accept_junk_hosts" || doubt.setting == "helo_allow_chars";
  });
  return trust;
}

}  // namespace agent
