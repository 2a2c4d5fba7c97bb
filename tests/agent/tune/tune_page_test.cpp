#include "agent/tune/tune_page.h"

#include <algorithm>

#include "agent/tune/tune_chart.h"
#include "tests/catch.h"

using namespace agent;
using namespace std::chrono_literals;

namespace {

const Instant kBegin(std::chrono::seconds(1795392000));

std::size_t times(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

// spam: 20 events in 20 s; many: 12 in 12 s; slow: 4, one each 20 minutes; own: 4, by an override;
// good: 2. Messages accepted before, then after.
struct Five {
  Rule rule;
  std::optional<Peaks> peaks;
  Labels labels;
  Zone zone = Zone::utc();

  Five() {
    rule.name = "us<ers";
    rule.overrides.push_back({{"own"}, {}, {}, 50});
    peaks.emplace(rule, 128, Grid{{3, 5, 10}, {600s, 3600s}}, true);
    send("spam", 20, 1s, 2, 5);
    send("many", 12, 1s, 1, 1);
    send("slow", 4, 1200s, 0, 4);
    send("own", 4, 1s, 0, 0);
    send("good", 2, 1s, 30, 0);
  }
  void send(const char* who, int events, std::chrono::seconds apart, int before, int after) {
    for (int i = 0; i < before; ++i) peaks->accepted(IdentityKind::user, who);
    for (int i = 0; i < events; ++i) {
      Occurrence event;
      event.time = kBegin + apart * i;
      event.identity = who;
      peaks->add(event);
    }
    for (int i = 0; i < after; ++i) peaks->accepted(IdentityKind::user, who);
  }
  // Advised: 5 in 10 minutes, which blocks spam and many.
  [[nodiscard]] Tuning tuning() const {
    Tuning tuning;
    tuning.peaks = &*peaks;
    tuning.limits = {0, 1, 2};
    tuning.advice = Advice{0, 5, 2, 12, 2, 0, 0, std::nullopt};
    return tuning;
  }
  [[nodiscard]] std::string page(TunePageContext context = {}) const {
    context.zone = &zone;
    context.labels = &labels;
    return tune_page({tuning()}, context);
  }
};

}  // namespace

TEST_CASE("the page of tune says which senders a setting blocks, and what it would have stopped") {
  const Five sample;
  const auto page = sample.page();
  for (const char* part : {
           "Rule us&lt;ers",
           "<b>5 in 10m</b><span>suggested limit and period</span>",
           "<b>2</b><span>identities blocked by it</span>",
           "<b>3</b><span>left alone</span>",
           "<b>3</b><span>messages out before</span>",
           "<b>6</b><span>messages stopped</span>",
           // All of those that it blocks, and each with its figures.
           "<span class=\"m id\">spam</span>",
           "<span class=\"m id\">many</span>",
           "<td class=\"n\">5</td><td class=\"n\">20</td><td class=\"n\">2</td><td "
           "class=\"n\">5</td>",
           "<td class=\"n\">5</td><td class=\"n\">12</td><td class=\"n\">1</td><td "
           "class=\"n\">1</td>",
       }) {
    INFO(page);
    INFO(part);
    CHECK(page.find(part) != std::string::npos);
  }
  // One cell is the suggested one; the darker, the more it blocks (of five).
  CHECK(times(page, " best\"") == 1);
  CHECK(page.find("class=\"n h4 best\"><b>2</b><span>3 out, 6 stopped</span>") !=
        std::string::npos);
  CHECK(page.find("class=\"n h4\"><b>3</b><span>3 out, 10 stopped</span>") != std::string::npos);
  // Nothing is said of parts where all was read.
  CHECK(page.find("Not all logs could be read") == std::string::npos);
  CHECK(page.find("Only a part was looked at") == std::string::npos);
}

TEST_CASE("the page says what it does not know, and where the rest is") {
  const Five sample;
  TunePageContext context;
  context.partial = true;
  context.selection = "--since 2026-<b>";
  context.csv = "tune.csv";
  const auto page = sample.page(context);
  CHECK(page.find("Not all logs could be read to their end") != std::string::npos);
  CHECK(page.find("--since 2026-&lt;b&gt;") != std::string::npos);
  CHECK(page.find("tune.csv") != std::string::npos);
}

TEST_CASE("a sender with a limit of its own is not what nearly was blocked") {
  const Five sample;
  const auto near = nearest_below(*sample.peaks, 5, 0, {}, 10);
  std::vector<std::string> names;
  for (const auto& one : near) names.push_back(one.identity);
  CHECK(names == std::vector<std::string>{"good", "slow"});
}

TEST_CASE("labels on the page, and where only spammers are known") {
  Five sample;
  sample.labels.spammers = {"spam", "slow"};
  auto page = sample.page();
  CHECK(page.find("<b>1</b><span>spammers hit</span>") != std::string::npos);
  CHECK(page.find("<b>1</b><span>spammers missed</span>") != std::string::npos);
  CHECK(page.find("<b>1</b><span>false alarms</span>") != std::string::npos);
  sample.labels.honest = {"good"};
  page = sample.page();
  CHECK(page.find("<b>0</b><span>false alarms</span>") != std::string::npos);
}

TEST_CASE("the tables beside it: who, when, and the messages before and after") {
  const Five sample;
  TunePageContext context{&sample.zone, &sample.labels, "", "", false};
  const auto csv = tune_csv({sample.tuning()}, context);
  INFO(csv);
  CHECK(csv.find("\"us<ers\",600,5,\"spam\",\"\",\"2026-11-23T00:00:04+00:00\",5,2,5\r\n") !=
        std::string::npos);
  CHECK(csv.find("\"us<ers\",600,10,\"many\",\"\",\"2026-11-23T00:00:09+00:00\",10,1,1\r\n") !=
        std::string::npos);
  CHECK(csv.find("\"us<ers\",3600,3,\"slow\",\"\",\"2026-11-23T00:40:00+00:00\",3,0,4\r\n") !=
        std::string::npos);
  CHECK(times(csv, "\r\n") == 1 + 2 + 2 + 2 + 3 + 2 + 2);
}

TEST_CASE("in the chart no bar stands on both sides of the limit") {
  const Five sample;
  struct Case {
    std::uint32_t limit;
    std::size_t accepted, refused;  // bars
    std::vector<const char*> ranges;
  };
  // Most in 10 minutes: 20, 12, 4, 2, 1.
  const Case cases[] = {
      {0, 5, 0, {">1<", ">2<", ">3\u20134<", ">10\u201319<", ">20\u201349<"}},
      {5, 3, 2, {">3\u20134<", ">5\u20139<"}},
      {4, 2, 3, {">3<", ">4<"}},
      {15, 4, 1, {">10\u201314<", ">15\u201319<"}},
      {13, 4, 1, {">10\u201312<", ">13\u201319<"}},
      {12, 3, 2, {">10\u201311<", ">12\u201319<"}},
  };
  for (const auto& one : cases) {
    CAPTURE(one.limit);
    const auto svg = peaks_svg(sample.tuning(), 0, one.limit);
    INFO(svg);
    CHECK(times(svg, "<rect class=\"accepted\"") == one.accepted);
    CHECK(times(svg, "<rect class=\"refused\"") == one.refused);
    for (const auto* range : one.ranges) CHECK(svg.find(range) != std::string::npos);
    CHECK(times(svg, "class=\"limit\"") == (one.limit == 0 ? 0U : 1U));
  }
}
