#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iostream>
#include <map>
#include <unordered_map>

#include "agent/commands/command.h"
#include "agent/commands/reading.h"
#include "agent/commands/selection.h"
#include "agent/config/host_facts.h"
#include "agent/config/nearest_file.h"
#include "agent/config/spelling.h"
#include "agent/core/attribution.h"
#include "agent/core/explanation.h"
#include "agent/output/complain.h"
#include "agent/output/decision_text.h"
#include "agent/output/terminal.h"
#include "agent/output/text_table.h"
#include "agent/report/entries.h"
#include "agent/report/unknown_reasons.h"
#include "agent/values/network.h"
#include "agent/values/printable.h"
#include "parsers/entries/failure.h"

namespace agent {
namespace {

// The line with its fields painted, so that one sees what was taken for what.
std::string painted_line(std::string_view line, const Explanation& explanation,
                         const Terminal& terminal) {
  std::string out;
  std::size_t done = 0;
  for (const auto& field : explanation.fields) {
    if (!field.begin || *field.begin < done || field.value.empty()) continue;
    out += printable(line.substr(done, *field.begin - done));
    const bool identity = field.name == "user" || field.name == "host" || field.name == "login";
    out += terminal.painted(identity ? Paint::green : Paint::bold, printable(field.value));
    done = field.end;
  }
  return out + printable(line.substr(done));
}

void print_text(std::string_view line, const Explanation& explanation, const Zone& zone,
                const Terminal& terminal) {
  fmt::print("{}\n", terminal.wrapped(painted_line(line, explanation, terminal), 4));
  const auto row = [&](std::string_view name, std::string_view range, std::string_view value) {
    fmt::print("  {:<14}{:>9}  {}\n", name, range, terminal.wrapped(value, 27, 27));
  };
  for (const auto& field : explanation.fields) {
    const auto range =
        field.begin ? fmt::format("{}-{}", *field.begin, field.end) : std::string("-");
    row(field.name == "stamp" ? "timestamp" : field.name, range, printable(field.value));
  }
  row("kind", "", explanation.kind);
  if (explanation.reason_class) {
    const auto& pattern = explanation.reason_pattern;
    row("reason_class", "",
        fmt::format("{}{}", name_of(*explanation.reason_class),
                    pattern.empty() ? "" : fmt::format(" ({})", printable(pattern))));
  }
  if (explanation.time) row("time", "", zone.short_text(*explanation.time));
  if (const auto kind = identity_of(explanation.verdict)) {
    row("charged", "", fmt::format("{} {}", name_of(*kind), printable(explanation.identity)));
  }
  row("why", "", explanation.why);
}

void print_record(std::string_view line, const Explanation& explanation, const Zone& zone, bool csv,
                  bool& header) {
  OutputRow record;
  record.add("text", line).add("kind", explanation.kind);
  for (const std::string_view name : {"stamp", "message_id", "host", "login", "sender",
                                      "authenticator", "user", "recipient", "reason"}) {
    std::optional<std::string_view> value;
    std::optional<std::string> range;
    for (const auto& field : explanation.fields) {
      if (field.name != name) continue;
      value = field.value;
      if (field.begin) range = fmt::format("{}-{}", *field.begin, field.end);
    }
    record.add_optional(name, value);
    record.add_optional(fmt::format("{}_bytes", name), range);
  }
  std::optional<std::string> time;
  if (explanation.time) time = zone.text(*explanation.time);
  const auto kind = identity_of(explanation.verdict);
  record.add_optional("time", time);
  record.add_optional("identity_kind", kind ? std::optional(name_of(*kind)) : std::nullopt);
  record.add_optional("identity",
                      kind ? std::optional<std::string_view>(explanation.identity) : std::nullopt);
  record.add("why", explanation.why);
  std::optional<std::string_view> meaning, pattern;
  if (explanation.reason_class) meaning = name_of(*explanation.reason_class);
  if (!explanation.reason_pattern.empty()) pattern = explanation.reason_pattern;
  record.add_optional("reason_class", meaning).add_optional("reason_pattern", pattern);
  if (csv && header) fmt::print("{}\n", record.csv_header());
  header = false;
  fmt::print("{}\n", csv ? record.csv() : record.json());
}

OutputRow event_row(const Signalled& signalled, const Zone& zone) {
  const auto& event = signalled.event;
  OutputRow row;
  row.add("file", signalled.file)
      .add("line", event.number)
      .add("offset", event.offset)
      .add("time", zone.text(signalled.time))
      .add("kind", parsers::name_of(event.kind))
      .add("identity_kind", name_of(*identity_of(signalled.charge.verdict)))
      .add("identity", signalled.charge.identity)
      .add_optional("host", event.host)
      .add_optional("recipient", event.recipient)
      .add_optional("sender", event.sender)
      .add_optional("reason", event.reason);
  return row;
}

// One event about the identity.
struct Seen {
  Instant time;
  Signal signal;
  std::string host;
  std::optional<std::string> sender, set_id;
  std::string text;
  OutputRow row;  // where that is asked for
};

// Returns what the event adds to a rule that counts distinct values, for people; nullopt: nothing.
std::optional<std::string> value_of(const Rule& rule, const Seen& seen) {
  if (rule.count == CountBy::senders) return seen.sender;
  if (rule.count == CountBy::ids) return seen.set_id;
  const auto address = IpAddress::parse(seen.host);
  if (!address) return std::nullopt;
  if (rule.count == CountBy::hosts) return address->text();
  return Network::around(*address, address->v6 ? rule.network_v6 : rule.network_v4).text();
}

// The events of the window behind a decision. Where a rule counts distinct hosts, networks, senders
// or ids, the newest line of each, with the value before it.
using Evidence = std::vector<std::pair<const Seen*, std::optional<std::string>>>;
Evidence evidence_for(const Decision& decision, const std::vector<Rule>& rules,
                      const std::vector<Seen>& seen) {
  Evidence window;
  const auto rule = std::find_if(rules.begin(), rules.end(),
                                 [&](const Rule& one) { return one.name == decision.rule; });
  const bool valued = rule != rules.end() && rule->count > CountBy::recipients;
  std::unordered_map<std::string, std::size_t> places;
  for (const auto& event : seen) {
    if (event.time <= decision.time - decision.period) continue;
    if (rule != rules.end() &&
        std::find(rule->signals.begin(), rule->signals.end(), event.signal) == rule->signals.end())
      continue;
    const auto value = valued ? value_of(*rule, event) : std::nullopt;
    if (valued && !value) continue;
    const auto place = window.size();
    window.emplace_back(&event, value);
    if (!valued) continue;
    const auto [known, is_new] = places.emplace(folded(*value), place);
    if (is_new) continue;
    auto& before = window[known->second].first;
    if (before->time <= event.time) {
      before = nullptr;
      known->second = place;
    } else {
      window.back().first = nullptr;
    }
  }
  std::erase_if(window, [](const auto& one) { return one.first == nullptr; });
  return window;
}

Exit explain_decision(const Invocation& invocation) {
  auto planned = read_plan(invocation);
  if (!planned) return planned.error();
  auto& plan = planned.value();
  const auto wanted = folded(invocation.options["who"].as<std::string>());
  const Zone zone = plan.options.zone;
  const bool text = invocation.output == Output::text;
  bool header = invocation.output == Output::csv;
  constexpr std::size_t kEnds = 5;  // events shown at the beginning and the end of a window
  const bool all = invocation.options.count("all") > 0;
  std::vector<Seen> seen;
  bool any = false;
  const auto note = [&](const Signalled& signalled) {
    const auto& event = signalled.event;
    if (!identity_of(signalled.charge.verdict) || !signal_of(event.kind)) return;
    if (folded(signalled.charge.identity) != wanted) return;
    auto& one = seen.emplace_back();
    one.time = signalled.time;
    one.signal = *signal_of(event.kind);
    one.host = event.host.value_or("");
    if (event.sender) one.sender = *event.sender;
    if (event.set_id) one.set_id = *event.set_id;
    if (!text) {
      one.row = event_row(signalled, zone);
      return;
    }
    one.text =
        fmt::format("  {}  {}:{}  {}  {}  {}", zone.short_text(signalled.time),
                    printable(signalled.file), event.number, parsers::name_of(event.kind),
                    printable(event.recipient.value_or("")), printable(event.reason.value_or("")));
  };
  const auto show = [&](const Decision& decision) {
    if (folded(decision.identity) != wanted) return;
    any = true;
    const auto terminal = Terminal::standard_output();
    if (text) fmt::print("{}\n", terminal.wrapped(text_of(decision, zone), 4));
    const auto window = evidence_for(decision, plan.config.rules, seen);
    if (!text) {
      for (const auto& [event, value] : window) {
        auto row = event->row;
        row.add("rule", decision.rule)
            .add("decided", zone.text(decision.time))
            .add_optional("value", value);
        if (header) fmt::print("{}\n", row.csv_header());
        header = false;
        fmt::print("{}\n", invocation.output == Output::csv ? row.csv() : row.json());
      }
      return;
    }
    const auto left_out = all || window.size() <= 2 * kEnds ? 0 : window.size() - 2 * kEnds;
    for (std::size_t i = 0; i < window.size(); ++i) {
      if (left_out > 0 && i == kEnds) {
        fmt::print("  ... {} (--all shows them)\n", counted(left_out, "more event"));
        i += left_out;
      }
      const auto& [event, value] = window[i];
      const auto line =
          value ? fmt::format("  {:<20}{}", printable(*value), event->text) : event->text;
      fmt::print("{}\n", terminal.wrapped(line, 6));
    }
  };
  const auto prepare = [&](Pipeline& pipeline) {
    pipeline.on_signal(note);
    pipeline.on_decision([&](Decision&& decision) { show(decision); });
  };
  KnownNames names(wanted);
  ReadHooks hooks{prepare};
  hooks.names = &names;
  const auto exit = read_logs(invocation, plan, true, hooks).exit;
  if (!names.met() && exit == kDone) {
    complain(fmt::format("--who: nobody in these logs is \"{}\"{}", wanted, names.hint()));
  }
  if (exit != kDone) return exit;
  if (!any) {
    fmt::print(text ? stdout : stderr, "{}no decision about {}: {} in all\n",
               text ? "" : "exiwarden: ", printable(wanted), counted(seen.size(), "event"));
  }
  return any ? kDone : kNo;
}

// The texts of refusals and failed deliveries that no pattern knows.
Exit explain_unknown(const Invocation& invocation) {
  auto planned = read_plan(invocation);
  if (!planned) return planned.error();
  auto& plan = planned.value();
  UnknownReasons unknown;
  ReadHooks hooks;
  hooks.prepare = [&](Pipeline& pipeline) {
    pipeline.on_signal([&](const Signalled& signalled) {
      const auto& event = signalled.event;
      if (event.reason_class != parsers::Reason::unknown) return;
      unknown.add(event.reason.value_or(""), event.recipient.value_or(""),
                  event.sender.value_or(""), signalled.file, event.number);
    });
  };
  // Failed deliveries are evidence only where they are known to be.
  std::map<std::size_t, EntryReader> readers;
  const auto reader = [&](std::size_t log) -> EntryReader& {
    return readers.try_emplace(log, plan.options.not_after).first->second;
  };
  parsers::ReasonMemory reasons(plan.options.reasons);
  hooks.file = [&](std::size_t log, const std::string& name, const FilePlace& from) {
    reader(log).start_file(name, from.offset, from.line);
  };
  hooks.bytes = [&](std::size_t log, std::span<const char> bytes) {
    reader(log).feed(bytes, [&](const Entry& entry) {
      parsers::Failure failure;
      if (!parsers::scan_failure(entry.prefix.payload, failure) || failure.reason.empty()) return;
      if (reasons.of(failure.reason, failure.recipient) != parsers::Reason::unknown) return;
      unknown.add(failure.reason, failure.recipient, {}, entry.file, entry.number);
    });
  };
  const auto read = read_logs(invocation, plan, false, hooks);
  const auto exit = read.exit;
  if (exit == kUsage || read.nothing) return exit;
  bool header = true;
  for (const auto& kind : unknown.by_number()) {
    if (invocation.output == Output::text) {
      fmt::print("{:>8}  '{}'\n{:>10}{}:{}: {}\n", grouped(kind.count), kind.regex, "",
                 printable(kind.file), kind.line, printable(kind.example));
      continue;
    }
    OutputRow record;
    record.add("count", kind.count)
        .add("regex", kind.regex)
        .add("example", kind.example)
        .add("file", kind.file)
        .add("line", kind.line);
    if (header && invocation.output == Output::csv) fmt::print("{}\n", record.csv_header());
    header = false;
    fmt::print("{}\n", invocation.output == Output::csv ? record.csv() : record.json());
  }
  if (unknown.crowded_out() > 0) {
    complain(fmt::format("{} more texts, of other kinds, are not listed",
                         grouped(unknown.crowded_out())));
  }
  return exit;
}

std::optional<std::string> line_of_file(const std::string& path, std::uint64_t number) {
  std::ifstream in(path, std::ios::binary);
  std::string line;
  for (std::uint64_t i = 0; i < number; ++i) {
    if (!std::getline(in, line)) return std::nullopt;
  }
  return line;
}

}  // namespace

Exit run_explain(const Invocation& invocation) {
  auto around = pipeline_options_for(invocation.config);
  if (!around) {
    complain(around.error());
    return kBadConfig;
  }
  auto& options = around.value();
  if (invocation.options.count("who") > 0) return explain_decision(invocation);
  if (invocation.options.count("unknown") > 0) return explain_unknown(invocation);

  const Zone zone = options.zone;
  Explainer explainer(invocation.config, std::move(options));
  const auto terminal = Terminal::standard_output();
  bool header = true;
  const auto show = [&](std::string_view line) {
    const auto explanation = explainer.explain(line);
    if (invocation.output == Output::text) {
      print_text(line, explanation, zone, terminal);
    } else {
      print_record(line, explanation, zone, invocation.output == Output::csv, header);
    }
  };
  if (invocation.options.count("file") > 0) {
    const auto path = invocation.options["file"].as<std::string>();
    const auto number = invocation.options["line"].as<std::uint64_t>();
    const auto line = line_of_file(path, number);
    if (!line) {
      complain(
          fmt::format("{}: there is no line {} to read{}", path, number,
                      ::access(path.c_str(), F_OK) == 0 ? "" : did_you_mean(nearest_file(path))));
      return kNoInput;
    }
    show(*line);
    return kDone;
  }
  if (!invocation.arguments.empty()) {
    for (const auto& line : invocation.arguments) show(line);
    return kDone;
  }
  for (std::string line; std::getline(std::cin, line);) show(line);
  return kDone;
}

}  // namespace agent
