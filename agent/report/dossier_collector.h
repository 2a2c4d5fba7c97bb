// DossierCollector: makes dossiers on the identities asked for, in one reading of the logs.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/archive/log_selection.h"
#include "agent/core/attribution.h"
#include "agent/core/subject_key.h"
#include "agent/report/dossier.h"
#include "agent/report/entries.h"
#include "parsers/string_hash.h"

namespace agent {

class DossierCollector {
 public:
  // The plan must live as long as this object; from now on it also reads messages.
  explicit DossierCollector(ReadPlan& plan);
  // `identity`: as in a decision, so a network if a rule groups addresses.
  Dossier& add(IdentityKind kind, const std::string& identity);
  [[nodiscard]] ReadHooks hooks();
  [[nodiscard]] const std::vector<std::unique_ptr<Dossier>>& dossiers() const { return dossiers_; }

 private:
  template <class Do>
  void each(IdentityKind kind, std::string_view identity, const Do& act);

  ReadPlan& plan_;
  Attribution attribution_;
  std::vector<std::unique_ptr<Dossier>> dossiers_;
  SubjectMap<Dossier*> by_key_;
  std::vector<std::pair<Network, Dossier*>> networks_;
  std::map<std::size_t, EntryReader> readers_;  // by log
  // The senders of each message that is not completed yet.
  parsers::StringMap<std::vector<Dossier*>> owners_;
};

// Returns the SHA-256 of each file as it lies on disk, without files that can't be read. `shown`:
// names as in Dossier::files, perhaps with the label of a host before them.
[[nodiscard]] std::map<std::string, std::string> digests_of(const std::set<std::string>& shown);

}  // namespace agent
