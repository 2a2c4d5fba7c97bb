#include "agent/commands/next_steps.h"

#include <fmt/format.h>

#include "agent/commands/help.h"
#include "agent/notify/notice.h"
#include "agent/output/relative_time.h"
#include "agent/output/text_table.h"
#include "agent/values/duration.h"
#include "agent/values/printable.h"

namespace agent {
namespace {

std::string verdict(const Dossier& dossier, const OnThisHost* standing,
                    const ReportContext& context) {
  std::string reached = fmt::format("Verdict: no limit was reached, with {}",
                                    counted(dossier.refused, "refused recipient"));
  if (!dossier.decisions.empty()) {
    const auto& decision = dossier.decisions.front();
    reached = fmt::format("Verdict: reached {} in {} (rule {}) at {}", decision.limit,
                          duration_text(decision.period), printable(decision.rule),
                          context.zone->short_text(decision.time));
    if (dossier.decisions.size() > 1)
      reached += fmt::format(", the first of {}", counted(dossier.decisions.size(), "time"));
  }
  if (context.partial) reached += ", as far as the logs could be read";
  if (standing == nullptr) return wrapped(reached + ".", 2);
  std::string now = "not blocked now";
  if (!standing->listed.empty()) {
    const auto& line = standing->listed.front();
    now = line.since ? "blocked " + ago_text(*line.since, context.now) : "blocked";
    now += line.until ? ", " + left_text(*line.until, context.now) : ", until somebody frees it";
  }
  if (!standing->frozen.empty())
    now += fmt::format("; {} frozen", counted(standing->frozen.size(), "message"));
  return wrapped(reached + ";", 2) + wrapped(now + ".", 2);
}

}  // namespace

std::string next_steps(const Dossier& dossier, const ReportContext& context,
                       const std::string& config_path) {
  const auto found = context.standing.find(&dossier);
  const auto* standing = found == context.standing.end() ? nullptr : &found->second;
  auto text = "\n" + verdict(dossier, standing, context);
  const bool usual = config_path.empty() || config_path == kDefaultConfig;
  const auto config = usual ? "" : " -c " + shell_word(config_path);
  const auto id = shell_word(dossier.identity());
  const auto step = [&](const char* when, const std::string& command) {
    text += fmt::format("  {}:\n    {}\n", when, command);
  };
  if (standing == nullptr) {
    step("How it stands on this machine now",
         fmt::format("exiwarden evidence{} -- {}", config, id));
    return text;
  }
  if (!standing->frozen.empty()) {
    step("Look at a frozen message",
         fmt::format("{} -Mvh {}", shell_word(context.config->exim.binary),
                     printable(standing->frozen.back().id)));
    step("Copy all of them, with a manifest, into a new directory",
         fmt::format("exiwarden evidence{} --mail frozen-mail -- {}", config, id));
  }
  if (standing->listed.empty() && standing->frozen.empty()) {
    if (!dossier.decisions.empty())
      step("Block it by hand, until somebody frees it",
           fmt::format("exiwarden block{} -- {}", config, id));
    step("A page to hand on, with the checksums of the logs",
         fmt::format("exiwarden evidence{} --html evidence.html -- {}", config, id));
    return text;
  }
  step("It was a mistake: free the sender and let its mail go",
       fmt::format("exiwarden release{} --exact -- {}", config, id));
  step("It was spam: change the password, then delete the mail and free the sender",
       fmt::format("exiwarden unblock{} --delete --exact -- {}", config, id));
  return text;
}

}  // namespace agent
