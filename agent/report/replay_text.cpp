#include "agent/report/replay_text.h"

#include <fmt/format.h>

#include <algorithm>

#include "agent/output/text_table.h"
#include "agent/values/duration.h"
#include "agent/values/printable.h"

namespace agent {
namespace {

using Align = TextTable::Align;

struct Line {
  const Decision* decision;
  std::size_t number;
};

std::string pair(const BlockEffect::Figures& figures) {
  return grouped(figures.messages) + "/" + grouped(figures.recipients);
}

std::string table_of(const std::vector<Line>& lines, const BlockEffect* outflow, const Zone& zone) {
  const auto& rule = *lines.front().decision;
  std::string out =
      fmt::format("Rule {} ({}{}): {} reached {}{} in {}\n\n", printable(rule.rule),
                  name_of(rule.identity_kind), rule.mode == RuleMode::trial ? ", on trial" : "",
                  grouped(lines.size()), rule.limit, rule.refusals ? "" : " " + rule.what,
                  duration_text(rule.period));
  std::vector<TextTable::Column> columns{{std::string(name_of(rule.identity_kind)), Align::left},
                                         {"would block at", Align::left}};
  if (outflow != nullptr) {
    columns.push_back({"sent before", Align::right});
    columns.push_back({"after", Align::right});
    columns.push_back({"refused after", Align::right});
  }
  TextTable table(std::move(columns), 2);
  for (const auto& line : lines) {
    const auto& decision = *line.decision;
    std::vector<std::string> cells{printable(decision.identity), zone.short_text(decision.time)};
    if (outflow != nullptr) {
      const auto account = outflow->account(line.number);
      cells.push_back(pair(account.before));
      cells.push_back(pair(account.after));
      cells.push_back(grouped(account.refused_after));
    }
    table.row(std::move(cells));
    table.note(fmt::format("since {} from {}; {}:{}", zone.short_text(decision.first),
                           hosts_text(decision, 3), printable(decision.place.file),
                           decision.place.line));
  }
  return out + table.text();
}

}  // namespace

std::string hosts_text(const Decision& decision, std::size_t most) {
  auto hosts = decision.hosts;
  std::stable_sort(hosts.begin(), hosts.end(),
                   [](const HostCount& a, const HostCount& b) { return a.count > b.count; });
  std::string out;
  for (std::size_t i = 0; i < std::min(most, hosts.size()); ++i) {
    out +=
        fmt::format("{}{} ({})", i > 0 ? ", " : "",
                    hosts[i].host.empty() ? "no host" : printable(hosts[i].host), hosts[i].count);
  }
  const auto more =
      hosts.size() - std::min(most, hosts.size()) + (decision.other_hosts > 0 ? 1 : 0);
  if (more > 0) out += decision.other_hosts > 0 ? " and others" : fmt::format(" and {} more", more);
  return out;
}

std::string replay_text(const std::vector<Decision>& decisions, const BlockEffect* outflow,
                        const Zone& zone) {
  if (decisions.empty()) return "No limit was reached.\n";
  std::string out;
  std::vector<bool> shown(decisions.size());
  for (std::size_t i = 0; i < decisions.size(); ++i) {
    std::vector<Line> lines;
    for (std::size_t j = i; j < decisions.size(); ++j) {
      if (shown[j] || decisions[j].rule != decisions[i].rule ||
          decisions[j].identity_kind != decisions[i].identity_kind) {
        continue;
      }
      shown[j] = true;
      lines.push_back({&decisions[j], j});
    }
    if (!lines.empty()) out += (out.empty() ? "" : "\n") + table_of(lines, outflow, zone);
  }
  if (outflow == nullptr) return out;
  return out + "\n" +
         wrapped(
             "sent: messages/recipients accepted from it before and after that moment. What came "
             "after, a block at that moment would have stopped.");
}

void add_account(OutputRow& record, const Decision& decision, const BlockEffect::Account& account) {
  std::vector<std::string> hosts;
  for (const auto& host : decision.hosts) hosts.push_back(host.host);
  record.add("hosts", hosts)
      .add("messages_before", account.before.messages)
      .add("recipients_before", account.before.recipients)
      .add("messages_after", account.after.messages)
      .add("recipients_after", account.after.recipients)
      .add("refused_after", account.refused_after);
}

}  // namespace agent
