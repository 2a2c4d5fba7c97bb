#include "parsers/fields/stamp.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace parsers {
namespace {

constexpr std::int64_t kDay = 86400;

// Digits at fixed places; -1 if one of them is none.
int number(std::string_view text, std::size_t at, std::size_t digits) {
  int value = 0;
  for (std::size_t i = at; i < at + digits; ++i) {
    const auto digit = static_cast<unsigned>(text[i] - '0');
    if (digit > 9) return -1;
    value = value * 10 + static_cast<int>(digit);
  }
  return value;
}

int days_in_month(int year, int month) {
  constexpr std::array<int, 12> kDays{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return month == 2 && leap ? 29 : kDays[static_cast<std::size_t>(month - 1)];
}

// "hh:mm:ss" at `at`; a leap second (60) counts as the next second.
std::optional<std::int64_t> time_of_day(std::string_view text, std::size_t at) {
  const int hour = number(text, at, 2);
  const int minute = number(text, at + 3, 2);
  const int second = number(text, at + 6, 2);
  if (text[at + 2] != ':' || text[at + 5] != ':') return std::nullopt;
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60) {
    return std::nullopt;
  }
  return hour * 3600 + minute * 60 + second;
}

// "YYYY-MM-DD?hh:mm:ss", the separator between date and time given.
std::optional<CivilSeconds> date_and_time(std::string_view text, char separator) {
  if (text.size() < 19 || text[4] != '-' || text[7] != '-' || text[10] != separator) {
    return std::nullopt;
  }
  const int year = number(text, 0, 4);
  const int month = number(text, 5, 2);
  const int day = number(text, 8, 2);
  if (year < 0 || month < 1 || month > 12 || day < 1 || day > days_in_month(year, month)) {
    return std::nullopt;
  }
  const auto time = time_of_day(text, 11);
  if (!time) return std::nullopt;
  return days_from_civil(year, static_cast<unsigned>(month), static_cast<unsigned>(day)) * kDay +
         *time;
}

// "+hhmm" or "+hh:mm".
std::optional<std::int32_t> take_offset(std::string_view& text, bool colon) {
  const std::size_t length = colon ? 6 : 5;
  if (text.size() < length || (text[0] != '+' && text[0] != '-')) return std::nullopt;
  if (colon && text[3] != ':') return std::nullopt;
  const int hours = number(text, 1, 2);
  const int minutes = number(text, colon ? 4 : 3, 2);
  if (hours < 0 || hours > 15 || minutes < 0 || minutes > 59) return std::nullopt;
  const std::int32_t seconds = hours * 3600 + minutes * 60;
  const bool west = text[0] == '-';
  text.remove_prefix(length);
  return west ? -seconds : seconds;
}

void take_fraction(std::string_view& text) {
  if (text.empty() || text[0] != '.') return;
  std::size_t end = 1;
  while (end < text.size() && text[end] >= '0' && text[end] <= '9') ++end;
  if (end > 1) text.remove_prefix(end);
}

// What follows the date and time of an Exim stamp; cuts off all of it.
Stamp take_rest(CivilSeconds civil, std::string_view& text) {
  Stamp stamp{civil, std::nullopt, text.substr(0, 19)};
  text.remove_prefix(19);
  take_fraction(text);
  if (text.size() > 1 && text[0] == ' ' && (text[1] == '+' || text[1] == '-')) {
    auto rest = text.substr(1);
    stamp.utc_offset = take_offset(rest, false);
    if (stamp.utc_offset) text = rest;
  }
  return stamp;
}

}  // namespace

std::int64_t days_from_civil(std::int64_t year, unsigned month, unsigned day) {
  // Years are counted from March, so that the leap day is the last of the year.
  year -= month <= 2 ? 1 : 0;
  const std::int64_t era = (year >= 0 ? year : year - 399) / 400;
  const auto year_of_era = static_cast<std::int64_t>(year - era * 400);
  const std::int64_t shifted = (month + 9) % 12;
  const std::int64_t day_of_year = (153 * shifted + 2) / 5 + day - 1;
  const std::int64_t day_of_era =
      year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146097 + day_of_era - 719468;
}

std::optional<Stamp> take_exim_stamp(std::string_view& text) {
  const auto civil = date_and_time(text, ' ');
  if (!civil) return std::nullopt;
  return take_rest(*civil, text);
}

std::optional<Stamp> StampMemory::take_exim_stamp(std::string_view& text) {
  if (text.size() < text_.size()) return std::nullopt;
  if (std::memcmp(text.data(), text_.data(), text_.size()) != 0) {
    const auto civil = date_and_time(text, ' ');
    if (!civil) return std::nullopt;
    civil_ = *civil;
    std::copy_n(text.begin(), text_.size(), text_.begin());
  }
  return take_rest(civil_, text);
}

std::optional<Stamp> take_iso_stamp(std::string_view& text) {
  const auto civil = date_and_time(text, 'T');
  if (!civil) return std::nullopt;
  auto rest = text.substr(19);
  take_fraction(rest);
  Stamp stamp{*civil, std::nullopt, text.substr(0, 19)};
  if (!rest.empty() && rest[0] == 'Z') {
    stamp.utc_offset = 0;
    rest.remove_prefix(1);
  } else {
    stamp.utc_offset = take_offset(rest, true);
    if (!stamp.utc_offset) stamp.utc_offset = take_offset(rest, false);
    if (!stamp.utc_offset) return std::nullopt;
  }
  text = rest;
  return stamp;
}

std::optional<Stamp> take_full_stamp(std::string_view& text) {
  constexpr std::size_t kMaxWord = 12;  // of a day in any language; of a zone
  const auto day = text.substr(0, kMaxWord + 1).find(' ');
  if (day == 0 || day == std::string_view::npos || (text[0] >= '0' && text[0] <= '9'))
    return std::nullopt;
  auto rest = text.substr(day + 1);
  const auto civil = date_and_time(rest, ' ');
  if (!civil) return std::nullopt;
  Stamp stamp{*civil, std::nullopt, rest.substr(0, 19)};
  rest.remove_prefix(19);
  take_fraction(rest);
  if (!rest.starts_with(' ')) return std::nullopt;
  rest.remove_prefix(1);
  const auto zone = rest.substr(0, rest.find(' '));
  if (zone.empty() || zone.size() > kMaxWord) return std::nullopt;
  if (zone == "UTC" || zone == "GMT") stamp.utc_offset = 0;
  if (auto offset = zone; zone.size() == 5) stamp.utc_offset = take_offset(offset, false);
  rest.remove_prefix(zone.size());
  text = rest;
  return stamp;
}

std::optional<Stamp> take_bsd_stamp(std::string_view& text, CivilSeconds not_after) {
  constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";
  if (text.size() < 15 || text[3] != ' ' || text[6] != ' ') return std::nullopt;
  const auto found = kMonths.find(text.substr(0, 3));
  if (found == std::string_view::npos || found % 3 != 0) return std::nullopt;
  const int month = static_cast<int>(found / 3) + 1;
  const int day = text[4] == ' ' ? number(text, 5, 1) : number(text, 4, 2);
  const auto time = time_of_day(text, 7);
  if (day < 1 || !time) return std::nullopt;

  // Start a year late and go back: at most nine years, for 29 February.
  int year = static_cast<int>(1970 + not_after / (365 * kDay + 20952)) + 1;
  for (int tries = 0; tries < 10; ++tries, --year) {
    if (day > days_in_month(year, month)) continue;
    const CivilSeconds civil =
        days_from_civil(year, static_cast<unsigned>(month), static_cast<unsigned>(day)) * kDay +
        *time;
    if (civil > not_after + kDay) continue;
    Stamp stamp{civil, std::nullopt, text.substr(0, 15)};
    text.remove_prefix(15);
    take_fraction(text);
    return stamp;
  }
  return std::nullopt;
}

}  // namespace parsers
