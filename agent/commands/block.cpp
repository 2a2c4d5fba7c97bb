// block: puts somebody into a list by hand. The service, if it runs, sees the file change.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>

#include "actions/exim/exim_access.h"
#include "actions/posix_files.h"
#include "agent/commands/command.h"
#include "agent/commands/hand.h"
#include "agent/commands/list_scope.h"
#include "agent/core/attribution.h"
#include "agent/output/complain.h"
#include "agent/output/terminal.h"
#include "agent/values/duration.h"
#include "agent/values/network.h"
#include "agent/values/printable.h"
#include "agent/values/zone.h"

namespace agent {
namespace {

// Not in the form of the service's own lines: after a crash it takes young ones of those for its
// own unfinished work.
std::string hand_data(const ScopedList& list, const std::string& rule, const std::string& reason,
                      std::optional<std::chrono::seconds> length, const Zone& zone) {
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  auto data = fmt::format("{} by-hand by={} rule={}", zone.text(now), printable(hand(), 40),
                          rule.empty() ? list.rules.front() : rule);
  if (length) data += " until=" + zone.text(now + *length);
  if (!reason.empty()) data += " reason=" + reason;
  return data;
}

// The list for this identity among the chosen ones; null if none is for its kind.
const ScopedList* list_for(const std::vector<ScopedList>& lists, const std::string& identity,
                           bool told) {
  if (told) return &lists.front();
  const bool host = IpAddress::parse(identity) || Network::parse(identity);
  const auto of = [&](IdentityKind kind) {
    const auto found = std::find_if(lists.begin(), lists.end(),
                                    [&](const ScopedList& list) { return list.kind == kind; });
    return found == lists.end() ? nullptr : &*found;
  };
  if (host) {
    const auto* relays = of(IdentityKind::relay);
    return relays != nullptr ? relays : of(IdentityKind::host);
  }
  const auto* users = of(IdentityKind::user);
  return users != nullptr ? users : of(IdentityKind::local);
}

bool beyond_ascii(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) >= 0x80; });
}

actions::Result<actions::Change> add(actions::Files& files, const ScopedList& list,
                                     const std::optional<actions::EximUser>& exim,
                                     const std::string& key, const std::string& data) {
  const auto directory = std::filesystem::path(list.path).parent_path().string();
  if (const auto made = actions::make_directory(exim, directory); !made) return made.error();
  actions::Blocklist file(files, list.path, actions::creation_of_list(exim));
  const auto added = patiently([&] { return file.add(key, data); });
  if (!added) return added.error();
  if (const auto synced = file.sync(); !synced) return synced.error();
  if (exim) {
    if (const auto readable = actions::make_readable(*exim, list.path); !readable)
      complain(fmt::format("warning: {}; Exim defers all mail it looks up there",
                           readable.error().what));
  }
  return added->change;
}

void report(const Invocation& invocation, const ScopedList& list, const actions::ListEntry& entry,
            bool made) {
  if (invocation.output == Output::jsonl) {
    fmt::print("{}\n", row_of(list, entry).add("change", made ? "blocked" : "none").json());
  } else if (invocation.output == Output::csv) {
    fmt::print("{}\n", row_of(list, entry).add("change", made ? "blocked" : "none").csv());
  } else if (made) {
    const auto text = fmt::format("blocked {} in {}", printable(entry.key), printable(list.path));
    fmt::print("{}\n", Terminal::standard_output().wrapped(text, 4));
  } else {
    const auto text =
        fmt::format("{} is in {} already", printable(entry.key), printable(list.path));
    fmt::print("{}\n", Terminal::standard_output().wrapped(text, 4));
  }
}

}  // namespace

Exit run_block(const Invocation& invocation) {
  if (invocation.arguments.empty()) return no_identity("block");
  const auto chosen = chosen_lists(invocation);
  if (!chosen) return chosen.error();
  const auto& lists = chosen.value();
  const bool told = invocation.options.count("list") + invocation.options.count("rule") > 0;
  const auto option = [&](const char* name) {
    return invocation.options.count(name) > 0 ? invocation.options[name].as<std::string>() : "";
  };
  const auto length = parse_duration(option("for"));
  if (invocation.options.count("for") > 0 && (!length || length->count() < 1)) {
    complain(fmt::format("--for: no duration \"{}\"; accepted: 1d, 1h30m, 90s", option("for")));
    return kUsage;
  }
  const auto zone = Zone::named(invocation.config.log.timezone);
  const auto exim = actions::find_exim_user(invocation.config.exim.user);
  actions::PosixFiles files;
  if (invocation.output == Output::csv)
    fmt::print("{}\n", row_of({}, {}).add("change", "").csv_header());

  Exit exit = kDone;
  for (const auto& identity : invocation.arguments) {
    const auto* list = list_for(lists, identity, told);
    if (list == nullptr) {
      complain(fmt::format("no rule has a list for \"{}\"; say which with --list PATH", identity));
      exit = kUsage;
      continue;
    }
    const actions::ListEntry entry{
        key_in(*list, identity),
        hand_data(*list, option("rule"), option("reason"), length, zone ? *zone : Zone::utc()), 0,
        0};
    if (beyond_ascii(entry.key)) {
      complain(
          "note: unless print_topbitchars is on, Exim's ids have \\ooo in place "
          "of bytes beyond ASCII");
    }
    const auto added = add(files, *list, exim, entry.key, entry.data);
    if (!added) {
      exit = complain_of(added.error());
      continue;
    }
    report(invocation, *list, entry, added.value() == actions::Change::made);
  }
  return exit;
}

}  // namespace agent
