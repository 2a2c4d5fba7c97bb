#include <fmt/format.h>

#include <cstdio>

#include "agent/commands/command.h"
#include "agent/commands/reading.h"
#include "agent/decision_text.h"
#include "agent/printable.h"

namespace agent {

Exit run_replay(const Invocation& invocation) {
  auto planned = read_plan(invocation);
  if (const auto* exit = std::get_if<Exit>(&planned)) return *exit;
  auto& plan = std::get<ReadPlan>(planned);
  const Zone zone = plan.options.zone;

  std::uint64_t decisions = 0;
  const auto exit = read_logs(invocation, plan, true, [&](Pipeline& pipeline) {
    pipeline.on_decision([&](Decision&& decision) {
      const auto record = record_of(decision, zone);
      if (invocation.output == Output::csv && decisions == 0)
        fmt::print("{}\n", record.csv_header());
      ++decisions;
      if (invocation.output == Output::text) {
        fmt::print("{}\n", text_of(decision, zone));
      } else {
        fmt::print("{}\n", invocation.output == Output::csv ? record.csv() : record.json());
      }
    });
  });
  if (exit != kDone) return exit;
  if (decisions == 0 && invocation.output == Output::text)
    fmt::print(stderr, "exiwarden: nobody\n");
  return decisions > 0 && invocation.options.count("fail-on-block") > 0 ? kNo : kDone;
}

}  // namespace agent
