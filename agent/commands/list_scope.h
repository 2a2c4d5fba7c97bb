// The scope that list, block, unblock and release share: the lists that are meant, and the entries
// in them.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
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
  std::shared_ptr<const IdentityTables> tables = nullptr;  // null: no identity stands for another
};

// Returns every list of the configuration, in its order.
[[nodiscard]] std::vector<ScopedList> lists_of(const Config& config);

// Returns the names that identities stand for; reports a table that can't be read and takes it as
// empty.
[[nodiscard]] std::shared_ptr<const IdentityTables> tables_of(const Config& config);

void add_scope_options(boost::program_options::options_description& options);

// Returns the lists that --list and --rule select; reports a wrong name, with the nearest one.
[[nodiscard]] actions::Result<std::vector<ScopedList>, Exit> chosen_lists(
    const Invocation& invocation);

// Returns the key of the identity in that list: relays as Exim prints addresses, grouped as the
// rules group them; users as given; both by the name that they stand for.
[[nodiscard]] std::string key_in(const ScopedList& list, std::string_view identity);

// Returns the keys that these bytes may mean, folded: as given, as key_in() returns it, and, for
// bytes beyond ASCII, the escaped form in which Exim prints an id.
[[nodiscard]] std::vector<std::string> forms_of(const ScopedList& list, std::string_view identity);

// Returns true if it holds "*", "?" or "[...]"; a backslash is a byte like any other, since Exim
// escapes ids with it.
[[nodiscard]] bool is_glob(std::string_view identity);

// The entries that each of `identities` means: that key itself if it is listed, else, unless
// `exact`, the entries that the glob matches.
struct Meant {
  std::vector<std::size_t> entries;  // indexes, ascending
  std::vector<bool> found;           // beside identities
};
[[nodiscard]] Meant meant(const ScopedList& list, const std::vector<actions::ListEntry>& entries,
                          const std::vector<std::string>& identities, bool exact);

// Prints "nobody is listed as X (did you mean Y?)" for each identity that is in no list.
void say_unmatched(const std::vector<std::string>& identities, const std::vector<bool>& found,
                   const std::vector<std::string>& known);

// Returns NAME for "2026-11-23T11:09:44+01:00 exiwarden rule=NAME ..."; else the list's first rule.
[[nodiscard]] std::string rule_of(const ScopedList& list, std::string_view data);
// The fields of the contract: list, rule, identity, data.
[[nodiscard]] OutputRow row_of(const ScopedList& list, const actions::ListEntry& entry);

// Reports that COMMAND needs an ID.
Exit no_identity(const char* command);
// Reports `error` on standard error and returns the exit code for it.
Exit complain_of(const actions::Error& error);

// Calls `attempt` again while another program holds the directory's lock, for at most five seconds.
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
