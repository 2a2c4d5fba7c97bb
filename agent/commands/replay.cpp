#include <fmt/format.h>

#include <cstdio>

#include "agent/commands/command.h"
#include "agent/commands/reading.h"
#include "agent/decision_text.h"
#include "agent/printable.h"
#include "agent/surroundings.h"
#include "parsers/stamp.h"

namespace agent {
namespace {

struct Filters {
  std::optional<Instant> since, until;
  std::optional<std::string> user;  // folded

  [[nodiscard]] bool admit(const Signalled& signalled) const {
    if (since && signalled.time < *since) return false;
    if (until && signalled.time >= *until) return false;
    return !user || folded(signalled.charge.identity) == *user;
  }
};

// "2026-11-23", "2026-11-23 10:00:00" or "2026-11-23T10:00:00+01:00"
std::optional<Instant> parse_time(std::string text, const Zone& zone) {
  if (text.size() == 10) text += " 00:00:00";
  if (text.size() == 16) text += ":00";
  std::string_view rest = text;
  auto stamp = parsers::take_exim_stamp(rest);
  if (!stamp) stamp = parsers::take_iso_stamp(rest);
  if (!stamp && text.size() > 10 && text[10] == 'T') {
    text[10] = ' ';
    rest = text;
    stamp = parsers::take_exim_stamp(rest);
  }
  if (!stamp || !rest.empty()) return std::nullopt;
  return StampClock(zone).resolve(*stamp);
}

bool take_time(const Invocation& invocation, const char* name, const Zone& zone,
               std::optional<Instant>& out) {
  if (invocation.options.count(name) == 0) return true;
  const auto& text = invocation.options[name].as<std::string>();
  out = parse_time(text, zone);
  if (!out) {
    fmt::print(stderr,
               "exiwarden: --{}: no time \"{}\"; accepted: 2026-11-23, \"2026-11-23 10:00:00\"\n",
               name, printable(text));
  }
  return out.has_value();
}

}  // namespace

Exit run_replay(const Invocation& invocation) {
  auto around = surroundings(invocation.config);
  if (const auto* problem = std::get_if<std::string>(&around)) {
    fmt::print(stderr, "exiwarden: {}\n", *problem);
    return kBadConfig;
  }
  auto& options = std::get<PipelineOptions>(around);
  const Zone zone = options.zone;
  Filters filters;
  if (!take_time(invocation, "since", zone, filters.since)) return kUsage;
  if (!take_time(invocation, "until", zone, filters.until)) return kUsage;
  if (invocation.options.count("user") > 0) {
    filters.user = folded(invocation.options["user"].as<std::string>());
  }

  std::uint64_t decisions = 0;
  const auto exit = read_logs(
      invocation.arguments, invocation.config, std::move(options), [&](Pipeline& pipeline) {
        pipeline.admit([&](const Signalled& signalled) { return filters.admit(signalled); });
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
