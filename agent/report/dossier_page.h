// Dossiers as a page to attach to a ticket or a dispute, and their full tables as CSV beside it.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "agent/core/config.h"
#include "agent/report/dossier.h"
#include "agent/report/on_this_host.h"
#include "agent/values/zone.h"

namespace agent {

// What a report says about its sources and this machine.
struct ReportContext {
  const Config* config = nullptr;
  const Zone* zone = nullptr;
  Instant now{};                               // when this machine was asked
  std::string selection;                       // options that narrowed what was read; may be empty
  std::map<std::string, std::string> digests;  // file -> SHA-256 as it lies on disk
  std::vector<std::string> notes;              // the remarks about the logs: gaps, copies, damage
  std::map<const Dossier*, OnThisHost> standing;  // of the dossiers for which it was asked
  std::string csv;                                // name of the file with the full tables
  bool partial = false;                           // not all logs were read
};

// The most bytes of a page; what does not fit is in the CSV, and the page says so.
inline constexpr std::size_t kMaxPage = 1'000'000;

[[nodiscard]] std::string dossier_page(const std::vector<const Dossier*>& dossiers,
                                       const ReportContext& context);
// Returns CSV with the columns identity,table,name,refused,accepted,time,host,sender,size,subject
[[nodiscard]] std::string dossier_csv(const std::vector<const Dossier*>& dossiers,
                                      const ReportContext& context);
// Returns the text for people, at most 80 columns wide except for quoted lines. What to do next is
// not in it: see next_steps().
[[nodiscard]] std::string dossier_text(const Dossier& dossier, const ReportContext& context);

}  // namespace agent
