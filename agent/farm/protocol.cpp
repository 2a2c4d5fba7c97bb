#include "agent/farm/protocol.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <unordered_map>

#include "agent/values/printable.h"

namespace agent {
namespace {

using Type = Answer::Type;

constexpr std::size_t kMaxHosts = 1000;
constexpr std::size_t kMaxWord = 200;
constexpr std::int64_t kMaxTime = 253402300799;  // 9999-12-31

bool is_list(const Answer& answer, std::size_t size) {
  return answer.type == Type::list && answer.list.size() == size;
}

bool all_digits(std::string_view text) {
  return !text.empty() && text.size() <= 20 &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

std::optional<std::int64_t> number_in(const Answer& answer) {
  if (answer.type == Type::number) return answer.number;
  if (answer.type != Type::text || !all_digits(answer.text) || answer.text.size() > 18)
    return std::nullopt;
  return std::stoll(answer.text);
}

std::optional<NamedStatement> word_in(const Answer& name, const Answer& value) {
  if (name.type != Type::text || value.type != Type::text) return std::nullopt;
  auto decoded = decode_farm_name(name.text);
  if (!decoded) return std::nullopt;
  auto record = decode_farm_statement(*decoded, value.text);
  if (!record) return std::nullopt;
  return NamedStatement{std::move(*decoded), std::move(*record)};
}

// "redis_version:7.0.15" of INFO; nullopt: no such line.
std::optional<std::string> line_of(std::string_view info, std::string_view key) {
  while (!info.empty()) {
    auto line = info.substr(0, info.find('\n'));
    info.remove_prefix(std::min(info.size(), line.size() + 1));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.size() <= key.size() || !line.starts_with(key) || line[key.size()] != ':') continue;
    line.remove_prefix(key.size() + 1);
    return line.size() > kMaxWord ? std::nullopt : std::optional(printable(line));
  }
  return std::nullopt;
}

}  // namespace

std::vector<std::string> farm_rules(const std::vector<Rule>& rules) {
  std::vector<std::string> words{std::to_string(rules.size())};
  for (const auto& rule : rules) {
    words.push_back(farm_encoded(rule.name));
    words.push_back(farm_encoded(farm_list_name(rule.list)));
    words.push_back(std::to_string(rule.period.count()));
    words.emplace_back(rule.count != CountBy::attempts ? "r" : "a");
    std::string steps;
    for (const auto step : rule.block_for) steps += fmt::format("{} ", step.count());
    words.push_back(std::move(steps));
    words.push_back(std::to_string(rule.repeat_within.count()));
  }
  return words;
}

std::vector<std::string> count_arguments(const std::string& prefix, const std::string& epoch,
                                         const std::string& host,
                                         const std::vector<std::string>& rules,
                                         std::span<const FarmEvent> events) {
  std::vector<std::string> words{"1", prefix, epoch, host};
  words.insert(words.end(), rules.begin(), rules.end());
  std::unordered_map<std::string, std::size_t> group_of;
  std::vector<std::vector<const FarmEvent*>> groups;
  for (const auto& event : events) {
    const auto [at, is_new] =
        group_of.emplace(fmt::format("{} {}", event.rule, event.key), groups.size());
    if (is_new) groups.emplace_back();
    groups[at->second].push_back(&event);
  }
  for (const auto& group : groups) {
    const auto& last = *group.back();
    words.push_back(std::to_string(last.rule + 1));
    words.push_back(farm_encoded(last.key));
    words.push_back(farm_encoded(last.identity));
    words.push_back(std::to_string(last.limit));
    words.push_back(std::to_string(group.size()));
    for (const auto* event : group) {
      words.push_back(std::to_string(event->time));
      words.push_back(std::to_string(event->member));
    }
  }
  return words;
}

std::optional<CountAnswer> read_count(const Answer& answer) {
  if (!is_list(answer, 7) || answer.list[6].type != Type::list) return std::nullopt;
  CountAnswer read;
  auto& counts = read.counts;
  std::uint64_t* const numbers[] = {&counts.added, &counts.again, &counts.blocked,
                                    &counts.late,  &counts.ahead, &counts.crowded};
  for (std::size_t i = 0; i < 6; ++i) {
    if (answer.list[i].type != Type::number || answer.list[i].number < 0) return std::nullopt;
    *numbers[i] = static_cast<std::uint64_t>(answer.list[i].number);
  }
  const auto& decided = answer.list[6].list;
  if (decided.size() % 2 != 0) return std::nullopt;
  for (std::size_t i = 0; i < decided.size(); i += 2) {
    auto word = word_in(decided[i], decided[i + 1]);
    if (word && word->record.blocked) {
      read.decided.push_back(std::move(*word));
    } else {
      ++read.strange;
    }
  }
  return read;
}

std::optional<std::vector<ChangeAnswer>> read_changes(const Answer& answer,
                                                      std::span<const NamedStatement> proposed) {
  if (!is_list(answer, proposed.size() * 2)) return std::nullopt;
  std::vector<ChangeAnswer> read;
  for (std::size_t i = 0; i < proposed.size(); ++i) {
    const auto& holds = answer.list[2 * i];
    const auto& before = answer.list[2 * i + 1];
    if (holds.type != Type::text || before.type != Type::number) return std::nullopt;
    read.push_back({decode_farm_statement(proposed[i].name, holds.text), holds.text.empty(),
                    before.number != 0});
  }
  return read;
}

std::optional<PullAnswer> read_pull(const Answer& answer) {
  if (!is_list(answer, 2) || answer.list[0].type != Type::text ||
      answer.list[1].type != Type::list || !all_digits(answer.list[0].text) ||
      answer.list[1].list.size() % 2 != 0) {
    return std::nullopt;
  }
  PullAnswer read;
  read.cursor = answer.list[0].text;
  const auto& entries = answer.list[1].list;
  for (std::size_t i = 0; i < entries.size(); i += 2) {
    if (auto word = word_in(entries[i], entries[i + 1])) {
      read.words.push_back(std::move(*word));
    } else {
      ++read.strange;
    }
  }
  return read;
}

bool is_feed_position(std::string_view text) {
  const auto dash = text.find('-');
  return dash != std::string_view::npos && all_digits(text.substr(0, dash)) &&
         all_digits(text.substr(dash + 1));
}

std::optional<FeedAnswer> read_feed(const Answer& answer) {
  FeedAnswer read;
  if (answer.type == Type::nil) return read;
  // One stream: its name, and its entries, each an id and its fields.
  if (!is_list(answer, 1) || !is_list(answer.list[0], 2) ||
      answer.list[0].list[1].type != Type::list) {
    return std::nullopt;
  }
  for (const auto& entry : answer.list[0].list[1].list) {
    if (!is_list(entry, 2) || entry.list[0].type != Type::text ||
        !is_feed_position(entry.list[0].text)) {
      return std::nullopt;
    }
    read.position = entry.list[0].text;
    const auto& fields = entry.list[1];
    auto word = is_list(fields, 4) && fields.list[0].text == "n" && fields.list[2].text == "v"
                    ? word_in(fields.list[1], fields.list[3])
                    : std::nullopt;
    if (word) {
      read.words.push_back(std::move(*word));
    } else {
      ++read.strange;
    }
  }
  return read;
}

std::optional<FarmWindow> read_window(const Answer& events, const Answer* senders,
                                      std::chrono::seconds period) {
  if (events.type != Type::list || events.list.size() % 2 != 0) return std::nullopt;
  const auto size = events.list.size() / 2;
  if (senders != nullptr && !is_list(*senders, size)) return std::nullopt;
  FarmWindow window;
  for (std::size_t i = 0; i < size; ++i) {
    const auto time = number_in(events.list[2 * i + 1]);
    if (!time || *time < 0 || *time > kMaxTime) return std::nullopt;
    if (i == 0) window.last = *time;
    if (*time > window.last || *time <= window.last - period.count()) break;
    window.first = *time;
    const auto& name = events.list[2 * i].text;
    auto host = senders == nullptr ? name.substr(0, name.find(':')) : senders->list[i].text;
    if (!is_farm_host(host)) host = '?';
    auto known = std::find_if(window.hosts.begin(), window.hosts.end(),
                              [&](const HostCount& count) { return count.host == host; });
    if (known == window.hosts.end()) {
      if (window.hosts.size() >= kMaxHosts) continue;
      known = window.hosts.insert(known, {std::move(host), 0});
    }
    ++known->count;
  }
  std::sort(window.hosts.begin(), window.hosts.end(), [](const auto& a, const auto& b) {
    return a.count != b.count ? a.count > b.count : a.host < b.host;
  });
  return window;
}

std::optional<FarmServer> read_info(const Answer& answer) {
  if (answer.type != Type::text) return std::nullopt;
  const auto version = line_of(answer.text, "redis_version");
  const auto run_id = line_of(answer.text, "run_id");
  if (!version || !run_id || run_id->empty()) return std::nullopt;
  return FarmServer{*version, *run_id, line_of(answer.text, "maxmemory_policy").value_or("")};
}

std::optional<std::int64_t> read_time(const Answer& answer) {
  if (!is_list(answer, 2)) return std::nullopt;
  const auto seconds = number_in(answer.list[0]), micros = number_in(answer.list[1]);
  if (!seconds || !micros || *seconds < 1'000'000'000 || *seconds > 100'000'000'000 ||
      *micros < 0 || *micros > 999'999) {
    return std::nullopt;
  }
  return *seconds * 1000 + *micros / 1000;
}

std::optional<std::vector<FarmHost>> read_hosts(const Answer& answer) {
  if (answer.type != Type::list || answer.list.size() % 2 != 0) return std::nullopt;
  std::map<std::string, FarmHost> hosts;
  for (std::size_t i = 0; i < answer.list.size(); i += 2) {
    const auto& field = answer.list[i].text;
    const auto slash = field.rfind('/');
    const auto value = number_in(answer.list[i + 1]);
    if (slash == std::string::npos || !value || *value < 0) continue;
    const auto name = field.substr(0, slash), what = field.substr(slash + 1);
    if (!is_farm_host(name) || (hosts.size() >= kMaxHosts && hosts.count(name) == 0)) continue;
    auto& host = hosts[name];
    host.name = name;
    if (what == "seen") host.seen = *value;
    if (what == "refused") host.refused = *value;
    if (what == "ahead") host.ahead = static_cast<std::uint64_t>(*value);
    if (what == "late") host.late = static_cast<std::uint64_t>(*value);
  }
  std::vector<FarmHost> out;
  for (auto& [name, host] : hosts) out.push_back(std::move(host));
  return out;
}

Refusal refusal_of(const Answer& error) {
  const auto code = std::string_view(error.text).substr(0, error.text.find(' '));
  if (code == "EPOCH") return Refusal::other_epoch;
  if (code == "OOM" || code == "MISCONF") return Refusal::full;
  if (code == "NOPERM" || code == "NOAUTH" || code == "WRONGPASS") return Refusal::not_permitted;
  if (code == "NOSCRIPT") return Refusal::no_script;
  if (code == "LOADING" || code == "BUSY" || code == "READONLY" || code == "MASTERDOWN")
    return Refusal::busy;
  return Refusal::other;
}

std::string refusal_text(const Answer& error) {
  return printable(std::string_view(error.text).substr(0, kMaxWord));
}

}  // namespace agent
