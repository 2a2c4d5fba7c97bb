// list: who is blocked.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "agent/commands/command.h"
#include "agent/commands/farm.h"
#include "agent/commands/list_scope.h"
#include "agent/core/printable.h"
#include "agent/output/terminal.h"

namespace agent {
namespace {

void print_heading(const ScopedList& list, std::size_t entries, bool exists,
                   const Terminal& terminal) {
  std::string rules;
  for (const auto& rule : list.rules) rules += (rules.empty() ? "" : ", ") + printable(rule);
  fmt::print("{}\n", terminal.painted(Paint::bold, printable(list.path)));
  fmt::print("{}\n",
             terminal.fitted(fmt::format("  {}s, rule {}: {}", name_of(list.kind), rules,
                                         !exists ? std::string("nobody blocked (no such file yet)")
                                                 : fmt::format("{} listed", entries))));
}

void print_entry(const actions::ListEntry& entry, const Terminal& terminal) {
  const auto identity = printable(entry.key);
  fmt::print("    {}\n", terminal.fitted(identity, 4));
  if (!entry.data.empty()) fmt::print("        {}\n", terminal.fitted(printable(entry.data), 8));
}

}  // namespace

Exit run_list(const Invocation& invocation) {
  if (invocation.options.count("farm") > 0) return list_farm(invocation);
  const auto chosen = chosen_lists(invocation);
  if (!chosen) return chosen.error();
  const bool ids = invocation.options.count("ids") > 0;
  if (ids && invocation.output != Output::text) {
    fmt::print(stderr,
               "exiwarden: list: --ids prints text only; without it, -o has \"identity\"\n");
    return kUsage;
  }
  const bool exact = invocation.options.count("exact") > 0;
  const auto terminal = Terminal::standard_output();
  actions::PosixFiles files;
  if (invocation.output == Output::csv) fmt::print("{}\n", row_of({}, {}).csv_header());
  Exit exit = kDone;
  std::vector<bool> found(invocation.arguments.size());
  std::vector<std::string> known;
  for (const auto& list : chosen.value()) {
    const auto view = actions::Blocklist(files, list.path, {}).read();
    if (!view) {
      exit = complain_of(view.error());
      continue;
    }
    auto entries = view.value().entries;
    if (!invocation.arguments.empty()) {
      const auto wanted = meant(list, entries, invocation.arguments, exact);
      for (std::size_t i = 0; i < found.size(); ++i) found[i] = found[i] || wanted.found[i];
      std::vector<actions::ListEntry> left;
      for (const auto at : wanted.entries) left.push_back(entries[at]);
      for (const auto& entry : entries) known.push_back(entry.key);
      entries = std::move(left);
    }
    const bool text = invocation.output == Output::text && !ids;
    if (text && (invocation.arguments.empty() || !entries.empty()))
      print_heading(list, entries.size(), view.value().stamp.has_value(), terminal);
    for (const auto& entry : entries) {
      if (ids) {
        fmt::print("{}\n", printable(entry.key));
      } else if (text) {
        print_entry(entry, terminal);
      } else {
        const auto record = row_of(list, entry);
        fmt::print("{}\n", invocation.output == Output::csv ? record.csv() : record.json());
      }
    }
  }
  say_unmatched(invocation.arguments, found, known);
  if (exit != kDone) return exit;
  const bool all = std::find(found.begin(), found.end(), false) == found.end();
  return all ? kDone : kNo;
}

}  // namespace agent
