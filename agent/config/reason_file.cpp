#include "agent/config/reason_file.h"

#include <fmt/format.h>
#include <re2/re2.h>

#include <algorithm>
#include <utility>

namespace agent {
namespace {

bool alike(const parsers::ReasonCatalog& a, const parsers::ReasonCatalog& b) {
  return std::equal(a.patterns.begin(), a.patterns.end(), b.patterns.begin(), b.patterns.end(),
                    [](const auto& x, const auto& y) {
                      return x.name == y.name && x.reason == y.reason && x.regex == y.regex;
                    });
}

}  // namespace

actions::Result<ReasonsInForce, std::string> reasons_in_force(const Config& config,
                                                              actions::Files& files) {
  constexpr std::size_t kMaxFile = std::size_t{1} << 20;
  const auto& path = config.reasons.file;
  auto read = files.read(path, kMaxFile);
  if (!read) {
    if (read.error().code == actions::Errc::not_found)
      return ReasonsInForce{parsers::built_in_reasons()};
    return read.error().what;
  }
  auto parsed = parsers::parse_reason_catalog(read.value().bytes);
  if (!parsed) return fmt::format("{}: {}", path, parsed.error());
  auto& catalog = parsed.value();
  const auto& built_in = parsers::built_in_reasons();
  if (catalog.date <= built_in.date) {
    return ReasonsInForce{built_in, false,
                          catalog.date == built_in.date && !alike(catalog, built_in)};
  }
  return ReasonsInForce{std::move(catalog), true};
}

std::vector<std::string> faults_of(const parsers::ReasonCatalog& catalog) {
  RE2::Options options;
  options.set_case_sensitive(false);
  options.set_encoding(RE2::Options::EncodingLatin1);
  options.set_log_errors(false);
  std::vector<std::string> faults;
  for (const auto& pattern : catalog.patterns) {
    const RE2 regex(pattern.regex, options);
    if (!regex.ok()) {
      faults.push_back(fmt::format("{}: {}", pattern.name, regex.error()));
      continue;
    }
    if (!RE2::PartialMatch(pattern.sample, regex))
      faults.push_back(pattern.name + " does not match its sample");
    if (RE2::PartialMatch(pattern.other_sample, regex))
      faults.push_back(pattern.name + " matches its other sample");
  }
  return faults;
}

}  // namespace agent
