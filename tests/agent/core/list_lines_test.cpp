#include "agent/core/list_lines.h"

#include "tests/catch.h"

using agent::Instant;
using std::chrono::seconds;

namespace {

constexpr std::int64_t kAt = 1795428584, kEnd = kAt + 3600;  // 2026-11-23T11:09:44+01:00

struct Row {
  const char* data;
  std::optional<std::int64_t> since;
  std::optional<std::string> by;
  std::optional<std::uint64_t> count;
  std::optional<std::int64_t> period;
  std::optional<std::int64_t> until;
  std::optional<std::string> reason;
};

const auto kNo = std::nullopt;

}  // namespace

TEST_CASE("the data of a line is read, whoever wrote it, and nothing is made up") {
  for (const auto& row : {
           Row{"2026-11-23T11:09:44+01:00 exiwarden rule=a count=100 period=1h", kAt, "exiwarden",
               100, 3600, kNo, kNo},
           Row{"51200 2026-11-23T11:09:44+01:00 exiwarden rule=a count=7 period=1h30m "
               "until=2026-11-23T12:09:44+01:00",
               kAt, "exiwarden", 7, 5400, kEnd, kNo},
           // A rule's name may hold what looks like the rest.
           Row{"2026-11-23T11:09:44+01:00 exiwarden rule=x count=1 period=1d count=100 period=1h",
               kAt, "exiwarden", 100, 3600, kNo, kNo},
           Row{"2026-11-23T11:09:44+01:00 by-hand by=root rule=a", kAt, "root", kNo, kNo, kNo, kNo},
           Row{"2026-11-23T11:09:44+01:00 by-hand by=root rule=a until=2026-11-23T12:09:44+01:00 "
               "reason=phished, until=never count=3 period=1h",
               kAt, "root", kNo, kNo, kEnd, "phished, until=never count=3 period=1h"},
           Row{"2026-11-23T11:09:44+01:00 by-hand by=farm:mx1", kAt, "farm:mx1", kNo, kNo, kNo,
               kNo},
           Row{"2026-11-23T11:09:44+01:00 exiwarden rule=a count=99999999999999999999 period=1h",
               kAt, "exiwarden", kNo, 3600, kNo, kNo},
           Row{"2026-11-23T11:09:44+01:00 exiwarden rule=a count=1x period=soon", kAt, "exiwarden",
               kNo, kNo, kNo, kNo},
           Row{"2026-11-23T11:09:44+01:00 a note of mine", kAt, kNo, kNo, kNo, kNo, kNo},
           Row{"until=2026-11-23T12:09:44+01:00 ticket 4711", kNo, kNo, kNo, kNo, kEnd, kNo},
           Row{"51200", kNo, kNo, kNo, kNo, kNo, kNo},
           Row{"count=3 period=1h", kNo, kNo, kNo, kNo, kNo, kNo},
           Row{"", kNo, kNo, kNo, kNo, kNo, kNo},
       }) {
    CAPTURE(row.data);
    const auto line = agent::read_list_data(row.data);
    const auto number = [](std::optional<Instant> time) {
      return time ? std::optional(time->time_since_epoch().count()) : std::nullopt;
    };
    CHECK(number(line.since) == row.since);
    CHECK(line.by == row.by);
    CHECK(line.count == row.count);
    CHECK(line.period == (row.period ? std::optional(seconds(*row.period)) : std::nullopt));
    CHECK(number(line.until) == row.until);
    CHECK(line.reason == row.reason);
  }
}
