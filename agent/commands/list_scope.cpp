#include "agent/commands/list_scope.h"

#include <fmt/format.h>
#include <fnmatch.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "actions/posix_files.h"
#include "agent/config/spelling.h"
#include "agent/config/table_files.h"
#include "agent/core/attribution.h"
#include "agent/output/complain.h"
#include "agent/values/network.h"

namespace agent {
namespace {

namespace po = boost::program_options;

std::string tidy(const std::string& path) {
  return std::filesystem::path(path).lexically_normal().string();
}

void no_such(const char* option, const std::string& given, const std::vector<std::string>& known) {
  std::string names;
  for (const auto& name : known) names += (names.empty() ? "" : ", ") + name;
  complain(fmt::format("--{}: the configuration has no \"{}\"{}; known: {}", option, given,
                       did_you_mean(nearest(given, known)), names));
}

// As string_printing of Exim's string.c writes an id, with print_topbitchars off.
std::string as_exim_prints(std::string_view id) {
  std::string out;
  for (const char c : id) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80) {
      out.push_back(c);
    } else {
      out += fmt::format("\\{:03o}", byte);
    }
  }
  return out;
}

}  // namespace

std::shared_ptr<const IdentityTables> tables_of(const Config& config) {
  actions::PosixFiles files;
  auto tables = read_tables(config, files);
  if (tables) return tables.value();
  complain(tables.error());
  return IdentityTables::without_files(config);
}

std::vector<ScopedList> lists_of(const Config& config) {
  std::vector<ScopedList> lists;
  const auto tables = config.identity_maps.empty() ? nullptr : tables_of(config);
  for (const auto& rule : config.rules) {
    if (rule.mode == RuleMode::trial) continue;
    const auto known = std::find_if(lists.begin(), lists.end(),
                                    [&](const ScopedList& list) { return list.path == rule.list; });
    if (known != lists.end()) {
      known->rules.push_back(rule.name);
      continue;
    }
    const int prefix = prefix_of(rule, config.relay);
    lists.push_back({rule.list, rule.identity, prefix, {rule.name}, tables});
  }
  return lists;
}

void add_scope_options(po::options_description& options) {
  options.add_options()  //
      ("list", po::value<std::string>()->value_name("PATH"),
       "this list only")  //
      ("rule", po::value<std::string>()->value_name("NAME"), "the list of this rule only");
}

actions::Result<std::vector<ScopedList>, Exit> chosen_lists(const Invocation& invocation) {
  auto lists = lists_of(invocation.config);
  if (invocation.options.count("list") > 0) {
    const auto given = invocation.options["list"].as<std::string>();
    std::vector<std::string> paths;
    for (const auto& list : lists) paths.push_back(list.path);
    std::erase_if(lists, [&](const ScopedList& list) { return tidy(list.path) != tidy(given); });
    if (lists.empty()) {
      no_such("list", given, paths);
      return kUsage;
    }
  }
  if (invocation.options.count("rule") > 0) {
    const auto given = invocation.options["rule"].as<std::string>();
    std::vector<std::string> names;
    for (const auto& list : lists) names.insert(names.end(), list.rules.begin(), list.rules.end());
    std::erase_if(lists, [&](const ScopedList& list) {
      return std::find(list.rules.begin(), list.rules.end(), given) == list.rules.end();
    });
    if (lists.empty()) {
      const auto& rules = invocation.config.rules;
      if (std::any_of(rules.begin(), rules.end(),
                      [&](const Rule& rule) { return rule.name == given; }))
        complain(fmt::format("--rule: \"{}\" is on trial and has no list", given));
      else
        no_such("rule", given, names);
      return kUsage;
    }
  }
  return lists;
}

std::string key_in(const ScopedList& list, std::string_view identity) {
  if (list.tables && list.tables->identities.maps(list.kind)) {
    auto name = list.tables->identities.name(list.kind, identity);
    if (name != identity) return name;
  }
  if (is_by_address(list.kind)) {
    if (const auto address = IpAddress::parse(identity)) {
      return address->v6 ? Network::around(*address, list.ipv6_prefix).text() : address->text();
    }
    if (const auto network = Network::parse(identity)) return network->text();
  }
  return std::string(identity);
}

std::vector<std::string> forms_of(const ScopedList& list, std::string_view identity) {
  return {folded(identity), folded(key_in(list, identity)), folded(as_exim_prints(identity))};
}

bool is_glob(std::string_view identity) {
  return identity.find_first_of("*?[") != std::string_view::npos;
}

Meant meant(const ScopedList& list, const std::vector<actions::ListEntry>& entries,
            const std::vector<std::string>& identities, bool exact) {
  Meant result;
  result.found.assign(identities.size(), false);
  std::vector<std::string> keys;
  for (const auto& entry : entries) keys.push_back(folded(entry.key));
  std::vector<bool> wanted(entries.size());
  for (std::size_t i = 0; i < identities.size(); ++i) {
    const auto take = [&](const auto& matches) {
      for (std::size_t at = 0; at < keys.size(); ++at) {
        if (matches(keys[at])) wanted[at] = result.found[i] = true;
      }
    };
    const auto forms = forms_of(list, identities[i]);
    take([&](const std::string& key) {
      return std::find(forms.begin(), forms.end(), key) != forms.end();
    });
    if (result.found[i] || exact || !is_glob(identities[i])) continue;
    take([&](const std::string& key) {
      return ::fnmatch(forms.front().c_str(), key.c_str(), FNM_NOESCAPE) == 0;
    });
  }
  for (std::size_t at = 0; at < wanted.size(); ++at) {
    if (wanted[at]) result.entries.push_back(at);
  }
  return result;
}

void say_unmatched(const std::vector<std::string>& identities, const std::vector<bool>& found,
                   const std::vector<std::string>& known) {
  for (std::size_t i = 0; i < identities.size(); ++i) {
    if (found[i]) continue;
    complain(fmt::format("nobody is listed as \"{}\"{}", identities[i],
                         did_you_mean(nearest_identity(identities[i], known))));
  }
}

std::string rule_of(const ScopedList& list, std::string_view data) {
  if (list.rules.empty()) return {};
  constexpr std::string_view kTag = " rule=";
  const auto begin = data.find(kTag);
  if (begin == std::string_view::npos) return list.rules.front();
  const auto rest = data.substr(begin + kTag.size());
  // Names may hold blanks: the longest name of a rule of this list that the data begins with.
  std::string best;
  for (const auto& rule : list.rules) {
    const bool here =
        rest.starts_with(rule) && (rest.size() == rule.size() || rest[rule.size()] == ' ');
    if (here && rule.size() > best.size()) best = rule;
  }
  // A rule that is no longer in the configuration.
  return best.empty() ? std::string(rest.substr(0, rest.find(' '))) : best;
}

OutputRow row_of(const ScopedList& list, const actions::ListEntry& entry) {
  OutputRow record;
  record.add("list", list.path)
      .add("rule", rule_of(list, entry.data))
      .add("identity", entry.key)
      .add("data", entry.data);
  return record;
}

Exit no_identity(const char* command) {
  complain(fmt::format("{}: no ID given; see exiwarden {} --help", command, command));
  return kUsage;
}

Exit complain_of(const actions::Error& error) {
  const char* advice =
      error.code == actions::Errc::denied ? "; run it as root or as the service's user" : "";
  complain(error.what + advice);
  switch (error.code) {
    case actions::Errc::not_found:
      return kNoInput;
    case actions::Errc::denied:
      return kNotPermitted;
    case actions::Errc::malformed:
      return kBadData;
    case actions::Errc::unsafe:
      return kCantCreate;
    case actions::Errc::timeout:
    case actions::Errc::changed:
    case actions::Errc::refused:
      return kUnavailable;
    case actions::Errc::full:
    case actions::Errc::io:
      break;
  }
  return kIoError;
}

}  // namespace agent
