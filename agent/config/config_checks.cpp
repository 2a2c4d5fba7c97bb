#include "agent/config/config_checks.h"

#include <fmt/format.h>
#include <re2/re2.h>

#include <algorithm>
#include <cctype>
#include <cstring>
#include <filesystem>

#include "actions/send/mail.h"
#include "actions/send/webhook.h"
#include "agent/config/notice_template.h"
#include "agent/config/spelling.h"
#include "agent/config/zone_names.h"
#include "agent/values/network.h"
#include "agent/values/zone.h"

namespace agent {

std::string absolute_path(const std::string& text) {
  // One spelling only: two rules with the same list must be seen to have the same.
  const bool good = text.size() > 1 && text[0] == '/' && text.back() != '/' &&
                    text.find('\0') == std::string::npos &&
                    std::filesystem::path(text).lexically_normal().string() == text;
  return good ? ""
              : "an absolute path of a file without \"//\" or \"..\", like "
                "\"/var/log/exim4/mainlog\"";
}

std::string log_path(const std::string& text) {
  if (auto wrong = absolute_path(text); !wrong.empty()) return wrong;
  return text.substr(0, text.rfind('/')).find('%') == std::string::npos
             ? ""
             : "a path with %D or %M in its last part only";
}

std::string absolute_directory(const std::string& text) {
  return absolute_path(text).empty() ? ""
                                     : "an absolute path of a directory, without '/' at its end";
}

std::string zone_name(const std::string& text) {
  const bool good = !text.empty() && text.size() < 64 && text[0] != '/' &&
                    text.find("..") == std::string::npos &&
                    std::all_of(
                        text.begin(), text.end(),
                        [](unsigned char c) {
                          return std::isalnum(c) != 0 || std::strchr("_+-/", c) != nullptr;
                        });
  if (good && Zone::named(text)) return "";
  return "\"local\", \"UTC\" or a name like \"Europe/Berlin\" that this machine knows" +
         did_you_mean(nearest_zone(text));
}

std::string mail_address(const std::string& text) {
  return actions::is_mail_address(text) ? "" : "an address like \"abuse@example.org\"";
}

std::string host_and_port(const std::string& text) {
  const auto colon = text.rfind(':');
  const auto port = colon == std::string::npos ? "" : text.substr(colon + 1);
  auto host = text.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']')
    host = host.substr(1, host.size() - 2);
  const bool good_port =
      !port.empty() && port.size() <= 5 &&
      std::all_of(port.begin(), port.end(), [](char c) { return c >= '0' && c <= '9'; }) &&
      std::stoi(port) > 0 && std::stoi(port) < 65536;
  const bool good_host =
      !host.empty() && std::all_of(host.begin(), host.end(), [](unsigned char c) {
        return std::isalnum(c) != 0 || c == '.' || c == '-' || c == ':';
      });
  return good_port && good_host ? "" : "host:port, like \"127.0.0.1:25\" or \"[::1]:25\"";
}

std::string own_address(const std::string& text) {
  return text == "@[]" || IpAddress::parse(text)
             ? ""
             : "\"@[]\" for every interface of this machine, or an address";
}

std::string web_address(const std::string& text) {
  const bool good =
      std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f; }) &&
      !actions::shown_address(text).empty();
  return text.empty() || good ? "" : "a URL that begins with \"https://\" or \"http://\"";
}

std::string notice_template(const std::string& text) {
  if (text.find('\n') != std::string::npos) return "one line";
  return template_problem(text);
}

std::string pattern(const std::string& text) {
  if (text == "default") return "";
  RE2::Options options;
  options.set_log_errors(false);
  options.set_case_sensitive(false);
  options.set_encoding(RE2::Options::EncodingLatin1);
  const RE2 compiled(text, options);
  return compiled.ok() ? ""
                       : fmt::format("an RE2 regular expression or \"default\" (RE2 says: {})",
                                     compiled.error());
}

std::string rule_name(const std::string& text) {
  const bool good =
      !text.empty() && text.size() <= 64 && text.front() != ' ' && text.back() != ' ' &&
      std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c < 0x7f; });
  return good ? "" : "1 to 64 printable ASCII characters, no blank at either end";
}

std::string domain(const std::string& text) {
  return !text.empty() && text.find_first_of("@*?") == std::string::npos
             ? ""
             : "a domain like \"example.org\", without \"@\", and no pattern (each subdomain is "
               "another domain)";
}

std::string whole_identity(const std::string& text) {
  if (text.empty()) return "a name";
  if (text[0] == '@' || text.starts_with("*@")) {
    return fmt::format(
        "whole identities, no patterns; all of a domain are named by domains = [\"{}\"]",
        text.substr(text.find('@') + 1));
  }
  return text.find_first_of("*?") == std::string::npos ? "" : "whole identities, no patterns";
}

std::string not_empty(const std::string& text) {
  return text.empty() ? "a name" : "";
}

}  // namespace agent
