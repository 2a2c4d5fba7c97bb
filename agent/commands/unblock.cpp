// unblock: takes somebody out of the lists. The service, if it runs, sees the file change and
// starts a fresh window.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "agent/commands/command.h"
#include "agent/commands/list_scope.h"
#include "agent/printable.h"

namespace agent {
namespace {

struct Freed {
  ScopedList list;
  actions::ListEntry entry;
};

// Takes what `identities` mean out of one list; the file may change meanwhile, so what is meant is
// looked up and removed key by key, under the lock.
Exit free_in(actions::Files& files, const ScopedList& list,
             const std::vector<std::string>& identities, bool exact, std::vector<bool>& found,
             std::vector<std::string>& known, std::vector<Freed>& freed) {
  actions::Blocklist file(files, list.path, {});
  const auto view = file.read();
  if (!view) return complain_of(view.error());
  const auto& entries = view.value().entries;
  for (const auto& entry : entries) known.push_back(entry.key);
  const auto wanted = meant(list, entries, identities, exact);
  if (wanted.entries.empty()) return kDone;
  std::vector<std::string> keys;
  for (const auto at : wanted.entries) keys.push_back(entries[at].key);
  const auto removed = patiently([&] { return file.remove(keys); });
  if (!removed) return complain_of(removed.error());
  for (const auto at : wanted.entries) freed.push_back({list, entries[at]});
  for (std::size_t i = 0; i < found.size(); ++i) found[i] = found[i] || wanted.found[i];
  return kDone;
}

void report(const Invocation& invocation, const Freed& freed) {
  if (invocation.output == Output::text) {
    fmt::print("freed {} from {}\n", printable(freed.entry.key), printable(freed.list.path));
    return;
  }
  const auto record = record_of(freed.list, freed.entry).add("change", "freed");
  fmt::print("{}\n", invocation.output == Output::csv ? record.csv() : record.json());
}

}  // namespace

Exit run_unblock(const Invocation& invocation) {
  if (invocation.arguments.empty()) return no_identity("unblock");
  const auto chosen = chosen_lists(invocation);
  if (const auto* exit = std::get_if<Exit>(&chosen)) return *exit;
  if (invocation.output == Output::csv)
    fmt::print("{}\n", record_of({}, {}).add("change", "").csv_header());
  actions::PosixFiles files;
  std::vector<bool> found(invocation.arguments.size());
  std::vector<std::string> known;
  std::vector<Freed> freed;
  Exit exit = kDone;
  for (const auto& list : std::get<0>(chosen)) {
    const auto done = free_in(files, list, invocation.arguments,
                              invocation.options.count("exact") > 0, found, known, freed);
    if (done != kDone) exit = done;
  }
  for (const auto& one : freed) report(invocation, one);
  if (exit != kDone) return exit;
  say_unmatched(invocation.arguments, found, known);
  return std::find(found.begin(), found.end(), false) == found.end() ? kDone : kNo;
}

}  // namespace agent
