// What list, block, unblock and release share: which lists are meant, and who in them.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "actions/lists/blocklist.h"
#include "actions/result.h"
#include "agent/commands/command.h"
#include "agent/core/identity_tables.h"

namespace agent {

struct ScopedList {
  std::string path;
  IdentityKind kind = IdentityKind::user;
  int ipv6_prefix = 128;                                   // how its relay rules group addresses
  std::vector<std::string> rules;                          // that write into it, at least one
  std::shared_ptr<const IdentityTables> tables = nullptr;  // null: nobody stands for anybody else
};

// Every list of the configuration, in its order.
[[nodiscard]] std::vector<ScopedList> lists_of(const Config& config);

// Who stands for whom; a table that can't be read is said, and taken for empty.
[[nodiscard]] std::shared_ptr<const IdentityTables> tables_of(const Config& config);

void add_scope_options(boost::program_options::options_description& options);

// Those that --list and --rule leave; what is wrong is said, with the nearest name.
[[nodiscard]] std::variant<std::vector<ScopedList>, Exit> chosen_lists(
    const Invocation& invocation);

// How the identity stands in that list: relays as Exim prints addresses, grouped as the rules
// group them; users as given; both by the name they stand for.
[[nodiscard]] std::string key_in(const ScopedList& list, std::string_view identity);

// The keys these bytes may stand for, folded: as given, as key_in() has it, and, for bytes beyond
// ASCII, the escaped form in which Exim prints an id.
[[nodiscard]] std::vector<std::string> forms_of(const ScopedList& list, std::string_view identity);

// "*", "?" and "[...]"; a backslash is a byte like any other, since Exim's ids are full of them.
[[nodiscard]] bool is_glob(std::string_view identity);

// Which entries each of `identities` means: the very key if it is listed, else, unless `exact`,
// those the glob matches.
struct Meant {
  std::vector<std::size_t> entries;  // indexes, ascending
  std::vector<bool> found;           // beside identities
};
[[nodiscard]] Meant meant(const ScopedList& list, const std::vector<actions::ListEntry>& entries,
                          const std::vector<std::string>& identities, bool exact);

// "nobody is listed as X (did you mean Y?)", for each that was not found in any list.
void say_unmatched(const std::vector<std::string>& identities, const std::vector<bool>& found,
                   const std::vector<std::string>& known);

// "2026-11-23T11:09:44+01:00 exiwarden rule=NAME ..." -> NAME; else the list's first rule.
[[nodiscard]] std::string rule_of(const ScopedList& list, std::string_view data);
// The fields of the contract: list, rule, identity, data.
[[nodiscard]] OutputRow row_of(const ScopedList& list, const actions::ListEntry& entry);

// Says that COMMAND needs an ID.
Exit no_identity(const char* command);
// Says it on standard error and gives the exit code for it.
Exit complain_of(const actions::Error& error);

// Calls `attempt` again while somebody else holds the directory's lock, for at most five seconds.
template <class Attempt>
auto patiently(const Attempt& attempt) {
  auto result = attempt();
  for (int tries = 1; tries < 20 && !result && result.error().code == actions::Errc::timeout;
       ++tries) {
    result = attempt();
  }
  return result;
}

}  // namespace agent
