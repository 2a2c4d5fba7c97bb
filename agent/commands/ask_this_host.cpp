#include "agent/commands/ask_this_host.h"

#include <fmt/format.h>

#include <algorithm>

#include "actions/exim/exim_settings.h"
#include "actions/lists/blocklist.h"
#include "actions/posix_files.h"
#include "agent/commands/list_scope.h"
#include "agent/core/attribution.h"
#include "agent/core/list_lines.h"
#include "agent/service/queue_match.h"
#include "agent/values/duration.h"

namespace agent {
namespace {

std::vector<BlockedHere> listed_as(const Config& config, const std::string& identity) {
  std::vector<BlockedHere> lines;
  actions::PosixFiles files;
  for (const auto& list : lists_of(config)) {
    const auto view = actions::Blocklist(files, list.path, {}).read();
    if (!view) continue;
    const auto forms = forms_of(list, identity);
    for (const auto& entry : view.value().entries) {
      if (std::find(forms.begin(), forms.end(), folded(entry.key)) == forms.end()) continue;
      const auto line = read_list_data(entry.data);
      lines.push_back(
          {list.path, rule_of(list, entry.data), entry.data, line.by, line.since, line.until});
    }
  }
  return lines;
}

std::string by_the_logs(const Dossier& dossier) {
  const auto frozen = std::count_if(dossier.stories.begin(), dossier.stories.end(),
                                    [](const MessageStory& story) { return story.frozen; });
  if (frozen == 0) return "According to these logs, none of its messages is frozen.";
  return fmt::format("According to these logs, {} of its messages {} frozen.", frozen,
                     frozen == 1 ? "is" : "are");
}

}  // namespace

QueueNow queue_now(const Config& config) {
  auto messages = actions::EximQueue(config.exim.binary).messages();
  if (!messages) return {std::nullopt, messages.error().what};
  const auto settings = actions::exim_settings(config.exim.binary);
  return {std::move(messages.value()), "",
          settings ? frozen_keeping(settings.value()) : FrozenKeeping()};
}

OnThisHost on_this_host(const Dossier& dossier, const Config& config, const IdentityTables& tables,
                        const QueueNow& queue, const Zone& zone) {
  OnThisHost standing;
  standing.listed = listed_as(config, dossier.identity());
  if (!queue.messages) {
    standing.note = fmt::format("Exim's queue can't be asked here ({}). {}", queue.problem,
                                by_the_logs(dossier));
    return standing;
  }
  std::size_t waiting = 0;
  for (const auto& message : *queue.messages) {
    if (!sent_by(message, dossier.kind(), dossier.identity(), tables.identities)) continue;
    if (message.frozen) {
      standing.frozen.push_back(message);
    } else {
      ++waiting;
    }
  }
  std::sort(standing.frozen.begin(), standing.frozen.end(), [](const auto& a, const auto& b) {
    return a.received != b.received ? a.received < b.received : a.id < b.id;
  });
  standing.note =
      fmt::format("In Exim's queue on this machine: {} of its messages frozen, {} waiting.",
                  standing.frozen.size(), waiting);
  if (standing.frozen.empty()) return standing;
  standing.frozen_until =
      kept_until(queue.keeping, Instant(std::chrono::seconds(standing.frozen.front().received)));
  if (standing.frozen_until)
    standing.note += fmt::format(
        " Exim keeps the oldest until {} ({} from its arrival), and then bounces it to its "
        "envelope sender.",
        zone.short_text(*standing.frozen_until), duration_text(*queue.keeping.cancelled));
  return standing;
}

}  // namespace agent
