#include "agent/core/list_lines.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "agent/values/duration.h"
#include "agent/values/printable.h"
#include "parsers/fields/stamp.h"

namespace agent {
namespace {

constexpr std::string_view kUntil = "until=";

// Where the last word of these begins that says until when; npos: there is none.
std::size_t find_until(std::string_view data) {
  for (auto at = data.rfind(kUntil); at != std::string_view::npos;
       at = at == 0 ? std::string_view::npos : data.rfind(kUntil, at - 1)) {
    if (at == 0 || data[at - 1] == ' ') return at;
  }
  return std::string_view::npos;
}

// What an admin gives as the reason is text.
std::string_view before_reason(std::string_view data) {
  return data.starts_with("reason=") ? data.substr(0, 0) : data.substr(0, data.find(" reason="));
}

// "1234 " before the time: the spool's free space.
void skip_spool_space(std::string_view& data) {
  const auto digits = std::min(data.find_first_not_of("0123456789"), data.size());
  if (data.substr(digits).starts_with(' ')) data.remove_prefix(digits + 1);
}

}  // namespace

std::string list_data(const Decision& decision, const Zone& zone,
                      std::optional<std::uint64_t> spool_kib) {
  auto data = fmt::format("{}{} exiwarden rule={} count={} period={}",
                          spool_kib ? fmt::format("{} ", *spool_kib) : "", zone.text(decision.time),
                          printable(decision.rule), decision.count, duration_text(decision.period));
  if (decision.until) data += " until=" + zone.text(*decision.until);
  return data;
}

std::optional<Instant> ends_at(std::string_view data) {
  data = before_reason(data);
  const auto at = find_until(data);
  if (at == std::string_view::npos) return std::nullopt;
  data.remove_prefix(at + kUntil.size());
  const auto stamp = parsers::take_iso_stamp(data);
  if (!stamp || !stamp->utc_offset || !(data.empty() || data.starts_with(' '))) return std::nullopt;
  return Instant(std::chrono::seconds(stamp->civil - *stamp->utc_offset));
}

bool has_odd_end(std::string_view data) {
  return find_until(before_reason(data)) != std::string_view::npos && !ends_at(data);
}

std::string with_end(std::string_view data, std::optional<Instant> until, const Zone& zone) {
  auto head = std::string(before_reason(data));
  const auto reason = data.substr(head.size());
  if (ends_at(data)) {
    const auto at = find_until(head);
    auto rest = std::string_view(head).substr(at + kUntil.size());
    (void)parsers::take_iso_stamp(rest);
    head = head.substr(0, at == 0 ? 0 : at - 1) + std::string(rest);
  }
  if (until) head += (head.empty() ? "" : " ") + std::string(kUntil) + zone.text(*until);
  return head.append(reason);
}

ListLine read_list_data(std::string_view data) {
  ListLine line;
  line.until = ends_at(data);
  auto head = before_reason(data);
  const auto reason = data.substr(head.size());
  if (const auto at = reason.find("reason="); at != std::string_view::npos)
    line.reason = std::string(reason.substr(at + std::string_view("reason=").size()));
  if (const auto at = find_until(head); at != std::string_view::npos && at > 0)
    head = head.substr(0, at - 1);
  skip_spool_space(head);
  const auto stamp = parsers::take_iso_stamp(head);
  if (!stamp) return line;
  line.since = Instant(std::chrono::seconds(stamp->civil - stamp->utc_offset.value_or(0)));
  constexpr std::string_view kByHand = " by-hand by=";
  if (head.starts_with(kByHand)) {
    head.remove_prefix(kByHand.size());
    line.by = std::string(head.substr(0, head.find(" rule=")));
  } else if (head.starts_with(" exiwarden ")) {
    line.by = "exiwarden";
    // From the end: a rule's name may hold anything.
    const auto period = head.rfind(" period="), count = head.rfind(" count=");
    if (period == std::string_view::npos || count == std::string_view::npos || count > period)
      return line;
    line.period = parse_duration(head.substr(period + std::string_view(" period=").size()));
    const auto begin = count + std::string_view(" count=").size();
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(head.data() + begin, head.data() + period, number);
    if (error == std::errc() && end == head.data() + period) line.count = number;
  }
  return line;
}

bool is_ours(const std::string& data) {
  auto rest = std::string_view(data);
  return decided_at(data) ||
         (parsers::take_iso_stamp(rest) && rest.starts_with(" by-hand by=farm:"));
}

std::optional<Instant> decided_at(const std::string& data) {
  std::string_view rest = data;
  skip_spool_space(rest);
  const auto stamp = parsers::take_iso_stamp(rest);
  if (!stamp || !rest.starts_with(" exiwarden ")) return std::nullopt;
  return Instant(std::chrono::seconds(stamp->civil - stamp->utc_offset.value_or(0)));
}

}  // namespace agent
