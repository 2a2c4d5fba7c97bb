#include "agent/service/tamper_alarm.h"

#include "agent/config/config_file.h"
#include "agent/core/config.h"
#include "agent/core/pipeline.h"
#include "tests/catch.h"

namespace agent {
namespace {

using namespace std::chrono_literals;
using Tagged = std::array<std::uint64_t, TagCheck::kVerdicts>;

const TamperAlarm::Steady kStart{1h};

TEST_CASE("each kind of evasion is said once it is seen, with its number, and nothing else") {
  parsers::ReaderCounters counters;
  Tagged tagged{};
  tagged[0] = 9;  // good ones
  counters.lines = 1000;
  counters.events[0] = 100;
  counters.copies = 5;
  TamperAlarm evasions;
  CHECK(evasions.news(counters, tagged, kStart).empty());

  struct Case {
    const char* words;
    std::function<void()> happens;
  };
  const Case cases[] = {
      {"3 entries that overflowed", [&] { counters.overflowed = 3; }},
      {"3 lines that begin like a refused recipient",
       [&] { counters.unreadable[1] = 1, counters.unreadable[5] = 2; }},
      {"2 refusals whose sender",
       [&] { counters.events[static_cast<std::size_t>(parsers::Kind::ambiguous)] = 2; }},
      {"4 pieces of evidence inside",
       [&] {
         counters.distrusted = 4;
         counters.events[static_cast<std::size_t>(parsers::Kind::ambiguous)] = 6;
       }},
      {"7 tagged lines that are malformed",
       [&] {
         counters.bad_tagged = 3;
         for (std::size_t i = 1; i < TagCheck::kVerdicts; ++i) tagged[i] = 1;
       }},
      {"1 arriving messages", [&] { counters.bad_arrivals = 1; }},
      {"8 lines too long", [&] { counters.too_long = 8; }},
      {"2 pieces of entries in syslog", [&] { counters.lost_pieces = 2; }},
  };
  for (const auto& c : cases) {
    INFO(c.words);
    c.happens();
    const auto said = evasions.news(counters, tagged, kStart);
    REQUIRE(said.size() == 1);
    CHECK(said[0].find(c.words) != std::string::npos);
    CHECK(evasions.news(counters, tagged, kStart + 1s).empty());
  }
}

TEST_CASE("an evasion that goes on is said again after a while, with what came meanwhile") {
  parsers::ReaderCounters counters;
  const Tagged tagged{};
  TamperAlarm evasions;
  std::size_t said = 0;
  for (auto now = kStart; now < kStart + 1h; now += 1s) {
    ++counters.overflowed;
    const auto news = evasions.news(counters, tagged, now);
    if (news.empty()) continue;
    REQUIRE(news.size() == 1);
    CHECK(news[0].find(said == 0 ? " 1 entries" : " 900 entries") != std::string::npos);
    ++said;
  }
  CHECK(said == 4);
}

TEST_CASE("lines of each evasive kind get into the counters that news and metrics are made of") {
  const std::string stamp = "2026-11-23 10:42:36 ";
  const std::string fine = " F=<a@b> A=plain:bob rejected RCPT <c@d>: Unrouteable address\n";
  PipelineOptions options;
  options.reasons = parsers::Reasons::defaults();
  options.submissions = true;
  options.tag_secret = "secret";
  Pipeline pipeline(default_config(), std::move(options));
  const auto log = pipeline.add_log("log");
  const auto feed = [&](const std::string& text) { pipeline.feed(log, text); };
  feed(stamp + "**** log string overflowed log buffer ****\n\n");
  feed(stamp + "H=(two words) [192.0.2.1]" + fine);
  feed(stamp + "H=(h) [192.0.2.1] U=x F=<x@y> A=plain:eve rejected RCPT <c@d>: no such user" +
       fine);
  feed(stamp + "1xVRZY-0000mY-2f <= \"a\n" + stamp + "H=(x) [192.0.2.9]" + fine + "\"@b U=n S=1\n");
  feed(stamp + "exiwarden/1 missing-recipient auth=x\n");
  feed(stamp +
       "exiwarden/1 missing-recipient auth=plain id=Ym9i host=192.0.2.1 rcpt=eEB5 "
       "at=1795430556000000 pid=1 n=1\n");
  feed(stamp + "1xVRZY-0000mY-2g <= a@b H=(h) [192.0.2.1] nothing more\n");
  feed(std::string(70000, 'x'));
  feed("\n");

  const auto counters = pipeline.counters();
  CHECK(counters.overflowed == 1);
  CHECK(counters.unreadable[static_cast<std::size_t>(parsers::Step::host)] == 1);
  CHECK(counters.distrusted == 1);
  CHECK(counters.events[static_cast<std::size_t>(parsers::Kind::ambiguous)] == 2);
  CHECK(counters.bad_tagged == 1);
  CHECK(pipeline.tagged()[static_cast<std::size_t>(TagCheck::Verdict::no_tag)] == 1);
  CHECK(counters.bad_arrivals >= 1);
  CHECK(counters.too_long == 1);
  TamperAlarm evasions;
  CHECK(evasions.news(counters, pipeline.tagged(), kStart).size() == 7);
}

TEST_CASE("a syslog entry that loses a piece is counted") {
  PipelineOptions options;
  options.reasons = parsers::Reasons::defaults();
  Pipeline pipeline(default_config(), std::move(options));
  const auto log = pipeline.add_log("log");
  const std::string head = "2026-11-23T10:56:18+01:00 mx exim[4184]: ";
  const std::string text = head + "[1/2] 2026-11-23 10:56:18 H=(h) [192.0.2.1]\n" + head +
                           "[1/2] 2026-11-23 10:56:18 H=(h) [192.0.2.1]\n" + head +
                           "[3/3] A=plain:bob rejected RCPT <c@d>: no such user\n";
  pipeline.feed(log, text);
  CHECK(pipeline.counters().lost_pieces == 2);
  CHECK(pipeline.counters().events == std::array<std::uint64_t, parsers::kKinds>{});
}

}  // namespace
}  // namespace agent
