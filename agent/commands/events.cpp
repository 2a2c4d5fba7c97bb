#include <fmt/format.h>

#include <cstdio>

#include "agent/commands/command.h"
#include "agent/commands/reading.h"
#include "agent/values/printable.h"

namespace agent {
namespace {

OutputRow row_of(const Signalled& signalled, const Zone& zone, parsers::PatternMemory& patterns) {
  const auto& event = signalled.event;
  OutputRow record;
  record.add("file", signalled.file)
      .add("line", event.number)
      .add("offset", event.offset)
      .add("ts", event.stamp.text)
      .add("time", zone.text(signalled.time))
      .add("kind", parsers::name_of(event.kind))
      .add_optional("user", event.user)
      .add_optional("host", event.host)
      .add_optional("recipient", event.recipient)
      .add_optional("sender", event.sender)
      .add_optional("reason", event.reason)
      .add_optional("authenticator", event.authenticator)
      .add_optional("message_id", event.message_id)
      .add_optional("login", event.login);
  if (event.recipients) {
    record.add("recipients", *event.recipients);
  } else {
    record.add_optional("recipients", std::nullopt);
  }
  record.add_optional("set_id", event.set_id);
  const auto charged = identity_of(signalled.charge.verdict);
  record.add_optional("identity_kind", charged ? std::optional(name_of(*charged)) : std::nullopt);
  record.add_optional("identity",
                      charged ? std::optional(signalled.charge.identity) : std::nullopt);
  std::optional<std::string_view> meaning, pattern;
  if (event.reason_class) {
    meaning = name_of(*event.reason_class);
    const auto name = patterns.of(event.reason.value_or(""), event.recipient.value_or(""),
                                  event.sender.value_or(""));
    if (!name.empty()) pattern = name;
  }
  record.add_optional("reason_class", meaning).add_optional("reason_pattern", pattern);
  return record;
}

std::string text_of(const Signalled& signalled) {
  const auto& event = signalled.event;
  std::string text = fmt::format("{}:{}: {} {}", printable(signalled.file), event.number,
                                 event.stamp.text, parsers::name_of(event.kind));
  const auto add = [&](const char* name, const std::optional<std::string_view>& value) {
    if (value) text += fmt::format(" {}={}", name, printable(*value));
  };
  add("user", event.user);
  add("host", event.host);
  add("recipient", event.recipient);
  add("reason", event.reason);
  add("login", event.login);
  if (event.recipients) text += fmt::format(" recipients={}", *event.recipients);
  add("set_id", event.set_id);
  if (event.reason_class == parsers::Reason::unknown) text += " reason_class=unknown";
  return text;
}

}  // namespace

Exit run_events(const Invocation& invocation) {
  auto planned = read_plan(invocation);
  if (!planned) return planned.error();
  auto& plan = planned.value();
  plan.options.submissions = true;
  const Zone zone = plan.options.zone;
  // Without networks of ours there is no telling who is an outsider.
  const bool all = invocation.options.count("all") > 0 || plan.config.relay.hosts.empty();
  bool header = invocation.output == Output::csv;
  parsers::PatternMemory patterns(plan.options.reasons);

  const auto prepare = [&](Pipeline& pipeline) {
    pipeline.on_signal([&](const Signalled& signalled) {
      if (!all && signalled.charge.verdict == Charged::outsider) return;
      if (invocation.output == Output::text) {
        fmt::print("{}\n", text_of(signalled));
        return;
      }
      const auto record = row_of(signalled, zone, patterns);
      if (header) fmt::print("{}\n", record.csv_header());
      header = false;
      fmt::print("{}\n", invocation.output == Output::csv ? record.csv() : record.json());
    });
  };
  return read_logs(invocation, plan, true, {prepare}).exit;
}

}  // namespace agent
