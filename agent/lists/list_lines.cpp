#include "agent/lists/list_lines.h"

#include <fmt/format.h>

#include <algorithm>

#include "agent/core/duration.h"
#include "agent/core/printable.h"
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

// The time that a line begins with, after the spool's space if that is there; takes both.
std::optional<Instant> take_time(std::string_view& rest) {
  const auto digits = std::min(rest.find_first_not_of("0123456789"), rest.size());
  if (rest.substr(digits).starts_with(' ')) rest.remove_prefix(digits + 1);
  const auto stamp = parsers::take_iso_stamp(rest);
  if (!stamp) return std::nullopt;
  return Instant(std::chrono::seconds(stamp->civil - stamp->utc_offset.value_or(0)));
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

bool is_ours(const std::string& data) {
  auto rest = std::string_view(data);
  return decided_at(data) ||
         (parsers::take_iso_stamp(rest) && rest.starts_with(" by-hand by=farm:"));
}

std::optional<Instant> decided_at(const std::string& data) {
  std::string_view rest = data;
  const auto time = take_time(rest);
  return rest.starts_with(" exiwarden ") ? time : std::nullopt;
}

std::optional<Instant> listed_at(const std::string& data) {
  std::string_view rest = data;
  const auto time = take_time(rest);
  return rest.starts_with(" exiwarden ") || rest.starts_with(" by-hand ") ? time : std::nullopt;
}

}  // namespace agent
