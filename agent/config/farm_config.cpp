#include "agent/config/farm_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "agent/config/config_checks.h"
#include "agent/config/farm_address.h"
#include "agent/config/farm_names.h"

namespace agent {
namespace {

constexpr SectionReader::Choice<FarmTrust> kTrusts[] = {
    {"all", FarmTrust::all}, {"seen", FarmTrust::seen}, {"none", FarmTrust::none}};

std::string url(const std::string& text) {
  if (text.empty()) return "";
  const auto address = parse_farm_url(text);
  return address ? "" : address.error();
}

std::string user(const std::string& text) {
  const bool good =
      std::all_of(text.begin(), text.end(), [](unsigned char c) { return c > ' ' && c < 0x7f; });
  return good && text.size() <= 128 ? "" : "up to 128 printable ASCII characters without blanks";
}

std::string prefix(const std::string& text) {
  const bool good = !text.empty() && text.size() <= 64 && farm_encoded(text) == text;
  return good ? "" : "1 to 64 of A-Z a-z 0-9 . _ @ + - : /, like \"exiwarden:\"";
}

std::string host(const std::string& text) {
  return text.empty() || is_farm_host(text) ? "" : "1 to 64 of A-Z a-z 0-9 . _ -, like \"mx1\"";
}

}  // namespace

void read_farm(SectionReader& in, Config& config) {
  auto& farm = config.farm;
  in.secret("url", farm.url, url);
  in.text("user", farm.user, user);
  in.text("password_file", farm.password_file, [](const std::string& text) {
    return text.empty() ? std::string() : absolute_path(text);
  });
  in.text("prefix", farm.prefix, prefix);
  in.text("host", farm.host, host);
  in.duration("connect_timeout", std::chrono::seconds(1), std::chrono::seconds(60),
              farm.connect_timeout);
  in.duration("command_timeout", std::chrono::seconds(1), std::chrono::seconds(60),
              farm.command_timeout);
  in.choice("trust", kTrusts, farm.trust);
  in.number("max_per_hour", 1, 1'000'000,
            [&](std::int64_t value) { farm.max_per_hour = static_cast<std::uint32_t>(value); });
  if (!farm.user.empty() && farm.password_file.empty())
    in.complain("user", "is given, but there is no farm.password_file");
  if (farm.url.empty()) return;
#ifndef EXIWARDEN_FARM
  in.complain("url", "is given, but this exiwarden was built without it (EXIWARDEN_FARM=OFF)");
#endif
  std::map<std::string, std::string> paths;  // by the name of the file
  for (const auto& rule : config.rules) {
    if (rule.mode == RuleMode::trial) continue;
    if (rule.min_share > 0)
      in.complain("url", fmt::format("does not go with min_share, which rule \"{}\" has: what was "
                                     "accepted is known to each host alone",
                                     rule.name));
    const auto [known, is_new] =
        paths.emplace(rule.list.substr(rule.list.rfind('/') + 1), rule.list);
    if (is_new || known->second == rule.list) continue;
    in.complain("url", fmt::format("needs lists with names of their own: {} and {} could not be "
                                   "told apart",
                                   known->second, rule.list));
  }
}

}  // namespace agent
