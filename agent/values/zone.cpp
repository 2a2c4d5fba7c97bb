#include "agent/values/zone.h"

#include <cctz/civil_time.h>
#include <cctz/time_zone.h>

#include <algorithm>

namespace agent {
namespace {

using CctzTime = cctz::time_point<cctz::seconds>;

constexpr std::int64_t kQuarter = 900;
constexpr std::int64_t kDay = 86400;
// Concurrent writers put lines a little out of order; the second pass starts about an hour back.
constexpr std::chrono::seconds kDisorder{600};

cctz::civil_second civil_time(parsers::CivilSeconds civil) {
  return cctz::civil_second(1970, 1, 1) + civil;
}
parsers::CivilSeconds civil_seconds(const cctz::civil_second& civil) {
  return civil - cctz::civil_second(1970, 1, 1);
}

}  // namespace

struct Zone::Impl {
  cctz::time_zone zone;
};

std::optional<Zone> Zone::named(const std::string& name) {
  Zone zone;
  auto impl = std::make_shared<Impl>();
  if (name == "local") {
    impl->zone = cctz::local_time_zone();
  } else if (!cctz::load_time_zone(name, &impl->zone)) {
    return std::nullopt;
  }
  zone.impl_ = std::move(impl);
  return zone;
}

Zone Zone::utc() {
  Zone zone;
  zone.impl_ = std::make_shared<Impl>(Impl{cctz::utc_time_zone()});
  return zone;
}

std::chrono::seconds Zone::offset_at(Instant time) const {
  return std::chrono::seconds(impl_->zone.lookup(CctzTime(time.time_since_epoch())).offset);
}

std::string Zone::text(Instant time) const {
  return cctz::format("%Y-%m-%dT%H:%M:%S%Ez", CctzTime(time.time_since_epoch()), impl_->zone);
}

std::string Zone::short_text(Instant time) const {
  const CctzTime at(time.time_since_epoch());
  const bool twice = impl_->zone.lookup(cctz::convert(at, impl_->zone)).kind ==
                     cctz::time_zone::civil_lookup::REPEATED;
  return cctz::format(twice ? "%Y-%m-%d %H:%M:%S%Ez" : "%Y-%m-%d %H:%M:%S", at, impl_->zone);
}

bool Zone::is_repeated(parsers::CivilSeconds civil) const {
  return impl_->zone.lookup(civil_time(civil)).kind == cctz::time_zone::civil_lookup::REPEATED;
}

Instant StampClock::resolve(const parsers::Stamp& stamp) {
  const auto time = stamp.utc_offset
                        ? Instant(std::chrono::seconds(stamp.civil - *stamp.utc_offset))
                        : resolve_local(stamp.civil);
  note(time);
  return time;
}

Instant StampClock::resolve_local(parsers::CivilSeconds civil) {
  const auto quarter = civil / kQuarter;
  if (quarter == quarter_) return Instant(std::chrono::seconds(civil - quarter_offset_));

  const auto found = zone_.impl_->zone.lookup(civil_time(civil));
  const Instant pre(std::chrono::seconds(found.pre.time_since_epoch()));
  if (found.kind == cctz::time_zone::civil_lookup::UNIQUE) {
    quarter_ = quarter;
    quarter_offset_ = civil - pre.time_since_epoch().count();
    return pre;
  }
  // A time that spring skips is nobody's stamp; the old offset keeps it in order.
  if (found.kind == cctz::time_zone::civil_lookup::SKIPPED) return pre;

  const Instant post(std::chrono::seconds(found.post.time_since_epoch()));
  const bool first_pass_is_over = newest_ && *newest_ - kDisorder > pre;
  const bool ahead_of_both =
      newest_ && *newest_ > post + kDisorder;  // a stray stamp from the future
  return first_pass_is_over && !ahead_of_both ? post : pre;
}

void StampClock::note(Instant time) {
  // A single stamp far ahead must not settle what the following ones mean.
  if (!newest_ || time > *newest_ || *newest_ - time > std::chrono::hours(2)) newest_ = time;
}

bool StampClock::repeats_between(parsers::CivilSeconds first, parsers::CivilSeconds last) {
  const auto from = first - kDay / 8;
  const auto to = last + kDay / 8;
  if (from < known_from_ || to > known_to_) {
    known_from_ = from - kDay;
    known_to_ = to + 100 * kDay;
    folds_.clear();
    const auto& zone = zone_.impl_->zone;
    auto at = zone.lookup(civil_time(known_from_ - 2 * kDay)).pre;
    cctz::time_zone::civil_transition transition;
    while (zone.next_transition(at, &transition)) {
      const auto begin = civil_seconds(transition.to);
      const auto end = civil_seconds(transition.from);
      if (begin > known_to_ + kDay) break;
      if (begin < end) folds_.emplace_back(begin, end);
      at = zone.lookup(transition.to).trans;
    }
  }
  return std::any_of(folds_.begin(), folds_.end(),
                     [&](const auto& fold) { return fold.first <= to && fold.second >= from; });
}

}  // namespace agent
