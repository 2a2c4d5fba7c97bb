#include "agent/service/metrics.h"

#include <map>
#include <regex>
#include <set>
#include <sstream>

#include "tests/catch.h"

namespace {

agent::Metrics sample() {
  agent::Metrics metrics;
  metrics.reader.lines = 12;
  metrics.reader.events[0] = 7;
  metrics.decisions = 3;
  metrics.lists = {{"/l/plain", 2, false}, {"/l/a \"b\\\n\x1b\xff", 1, true}};
  metrics.newest_event = 1795428155;
  metrics.exim_asked = true;
  metrics.silent = {{"/l/main", false}, {"/l/second", true}};
  metrics.doubtful_settings = {"log_selector"};
  metrics.actions = {{"lock \"all\"", 2, 3, 0, true}, {"exec-2", 0, 0, 0, false}};
  metrics.farm.emplace().ahead = 3;
  metrics.frozen = {3, 5120, agent::Instant(std::chrono::seconds(1795428000)), "alice"};
  metrics.frozen_until = agent::Instant(std::chrono::seconds(1796032800));
  return metrics;
}

}  // namespace

TEST_CASE("metrics are Prometheus text, each with its help and type before its values") {
  const std::regex head("# (HELP|TYPE) ([a-z_]+) (.+)");
  const std::regex value(R"re(([a-z_]+)(\{[a-z]+="([^"\\]|\\["\\n])*"\})? ([0-9]+))re");
  std::istringstream lines(agent::metrics_text(sample()));
  std::map<std::string, std::string> types;
  std::set<std::string> helped, closed, samples;
  std::string current;
  for (std::string line; std::getline(lines, line);) {
    INFO(line);
    std::smatch found;
    if (std::regex_match(line, found, head)) {
      if (found[1] == "HELP") {
        CHECK(helped.insert(found[2]).second);
        closed.insert(current);
        current = found[2];
      } else {
        CHECK(found[2] == current);
        CHECK((found[3] == "counter" || found[3] == "gauge"));
        types[found[2]] = found[3];
      }
      continue;
    }
    REQUIRE(std::regex_match(line, found, value));
    CHECK(found[1] == current);
    CHECK(types.count(found[1]) == 1);
    CHECK(closed.count(found[1]) == 0);
    CHECK(samples.insert(line.substr(0, line.rfind(' '))).second);
  }
  CHECK(types.size() > 15);
  for (const auto& [name, type] : types) {
    INFO(name);
    CHECK(name.starts_with("exiwarden_"));
    CHECK(name.ends_with("_total") == (type == "counter"));
  }
}

TEST_CASE("metrics carry what they are told") {
  const auto text = agent::metrics_text(sample());
  for (const char* line : {
           "\nexiwarden_log_lines_total 12\n",
           "\nexiwarden_events_total{kind=\"rejected_rcpt\"} 7\n",
           "\nexiwarden_decisions_total 3\n",
           "\nexiwarden_exim_settings_read 1\n",
           "\nexiwarden_doubtful_exim_setting{setting=\"log_selector\"} 1\n",
           "\nexiwarden_list_entries{list=\"/l/plain\"} 2\n",
           "\nexiwarden_list_entries{list=\"/l/a \\\"b\\\\\\\\x0a\\\\x1b\\\\xff\"} 1\n",
           "\nexiwarden_fault{part=\"list\"} 1\n",
           "\nexiwarden_log_silent{log=\"/l/main\"} 0\n",
           "\nexiwarden_log_silent{log=\"/l/second\"} 1\n",
           "\nexiwarden_fault{part=\"log\"} 0\n",
           "\nexiwarden_newest_event_timestamp_seconds 1795428155\n",
           "\nexiwarden_events_charged_total{charged=\"outsider\"} 0\n",
       }) {
    INFO(text);
    INFO(line);
    CHECK(text.find(line) != std::string::npos);
  }
}
