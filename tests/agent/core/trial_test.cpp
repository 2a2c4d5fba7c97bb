#include <random>

#include "agent/config/config_file.h"
#include "agent/core/counting.h"
#include "agent/notify/trial_digest.h"
#include "agent/report/trial_entries.h"
#include "agent/state/checkpoint.h"
#include "tests/agent/core/restart.h"
#include "tests/catch.h"

namespace agent {
namespace {

using std::chrono::seconds;

Instant at(std::int64_t second) {
  return Instant(seconds(second));
}

Rule rule(std::string name, RuleMode mode, std::uint32_t limit, int period) {
  Rule made;
  made.list = "/lists/" + name;
  made.name = std::move(name);
  made.mode = mode;
  made.limit = limit;
  made.period = seconds(period);
  return made;
}

Config with(std::vector<Rule> rules) {
  Config config = default_config();
  config.rules = std::move(rules);
  return config;
}

// Times at which a rule decided on bob, with the ends.
using Told = std::vector<std::pair<std::int64_t, std::optional<std::int64_t>>>;

void refuse(Counting& counting, std::int64_t second, const std::string& who,
            std::map<std::string, Told>& told) {
  Occurrence event;
  event.time = at(second);
  event.identity = who;
  event.recipient = "dead@example.net";
  event.host = "198.51.100.7";
  counting.add(event, [&](Decision&& decision) {
    CHECK(decision.list.empty() == (decision.mode == RuleMode::trial));
    std::optional<std::int64_t> until;
    if (decision.until) until = decision.until->time_since_epoch().count();
    told[decision.rule + " " + decision.identity].emplace_back(
        decision.time.time_since_epoch().count(), until);
  });
}

TEST_CASE("a rule on trial decides, and again once it has stood for a day and its window is full") {
  Counting counting(with({rule("t", RuleMode::trial, 3, 60)}));
  CHECK(counting.lists().empty());
  std::map<std::string, Told> told;
  for (int second = 0; second < 10; ++second) refuse(counting, second, "bob", told);
  CHECK(told["t bob"] == Told{{2, 2 + 86400}});
  for (int second = 86400; second < 86405; ++second) refuse(counting, second, "bob", told);
  CHECK(told["t bob"].size() == 2);
  // Three events of the new window: at 86402, 86403 and 86404.
  CHECK(told["t bob"].back().first == 86404);
  CHECK(counting.is_trial(Counting::End{at(0), 0, "bob"}));
}

TEST_CASE("a trial stands as long as the block would last, and forever is a day") {
  auto made = rule("t", RuleMode::trial, 1, 60);
  made.block_for = {seconds(10), kForever};
  Counting counting(with({made}));
  std::map<std::string, Told> told;
  for (const int second : {0, 5, 10, 20, 86410}) refuse(counting, second, "bob", told);
  CHECK(told["t bob"] == Told{{0, 10}, {10, 10 + 86400}, {86410, 86410 + 86400}});
}

TEST_CASE("a rule on trial changes nothing that another rule decides") {
  std::size_t decided = 0, on_trial = 0;
  for (unsigned seed = 0; seed < 200; ++seed) {
    std::mt19937 random(seed);
    const auto pick = [&](int low, int high) {
      return std::uniform_int_distribution<int>(low, high)(random);
    };
    std::vector<Rule> blocking, all;
    for (int i = 0, count = pick(1, 4); i < count; ++i) {
      auto made = rule("rule" + std::to_string(i), RuleMode::block,
                       static_cast<std::uint32_t>(pick(1, 6)), pick(1, 60));
      if (pick(0, 1) == 0) made.list = "/lists/shared";
      if (pick(0, 2) == 0) made.block_for = {seconds(pick(1, 90)), kForever};
      if (pick(0, 1) == 0) {
        auto trial = made;
        trial.mode = RuleMode::trial;
        trial.name = "trial" + std::to_string(i);
        all.insert(all.begin() + pick(0, static_cast<int>(all.size())), trial);
      }
      blocking.push_back(made);
      all.push_back(made);
    }
    auto config = with(all);
    Counting alone(with(blocking)), together(config);
    std::map<std::string, Told> one, other;
    std::int64_t now = 1000;
    for (int i = 0; i < 200; ++i) {
      INFO("seed " << seed << " event " << i);
      now += pick(0, 20);
      const auto second = now - pick(0, 5);
      const std::string who = pick(0, 1) == 0 ? "bob" : "eve";
      refuse(alone, second, who, one);
      refuse(together, second, who, other);
      if (pick(0, 20) == 0) {
        together = restarted(together, config);
      }
      for (std::size_t list = 0; list < alone.lists().size(); ++list)
        REQUIRE(alone.blocked(list) == together.blocked(list));
    }
    std::erase_if(other, [&](const auto& entry) {
      if (!entry.first.starts_with("trial")) return false;
      on_trial += entry.second.size();
      return true;
    });
    REQUIRE(one == other);
    for (const auto& [name, times] : one) decided += times.size();
  }
  CHECK(decided > 500);
  CHECK(on_trial > 200);
}

TEST_CASE("a rule that leaves its trial blocks with the next event of a window that is full") {
  Counting trial(with({rule("t", RuleMode::trial, 3, 60)}));
  std::map<std::string, Told> told;
  for (int second = 0; second < 4; ++second) refuse(trial, second, "bob", told);
  Counting block(with({rule("t", RuleMode::block, 3, 60)}));
  block.restore(trial.take_subjects(), trial.layout(), trial.newest());
  CHECK(block.blocked(0).empty());
  refuse(block, 5, "bob", told);
  CHECK(block.blocked(0) == std::vector<std::string>{"bob"});
}

TEST_CASE("who stands on trial is read from a checkpoint") {
  const auto config = with({rule("b", RuleMode::block, 2, 60), rule("t", RuleMode::trial, 3, 60)});
  Counting counting(config);
  std::map<std::string, Told> told;
  for (int second = 0; second < 4; ++second) refuse(counting, second, "Bob", told);
  for (int second = 0; second < 2; ++second) refuse(counting, second, "eve", told);
  Checkpoint state;
  state.layout = counting.layout();
  const auto decoded = decode_checkpoint(encode_checkpoint(state, counting.subjects()));
  REQUIRE(decoded);
  const auto entries = trial_entries(decoded.value(), config);
  REQUIRE(entries.size() == 1);
  CHECK(entries[0].rule == "t");
  CHECK(entries[0].identity == "bob");
  CHECK(entries[0].time == at(2));
  CHECK(entries[0].first == at(0));
  CHECK(entries[0].count == 3);
  CHECK(entries[0].until == at(2 + 86400));
}

TEST_CASE("decisions on trial are told once a day, however many, also over a restart") {
  TrialDigest digest;
  const auto zone = Zone::utc();
  NoticeContext context;
  context.host = "mx.test";
  Decision decision;
  decision.mode = RuleMode::trial;
  decision.rule = "forty hosts";
  decision.identity = "bob\x1b[31m";
  CHECK_FALSE(digest.due());
  for (std::size_t i = 0; i < TrialDigest::kMaxLines + 5; ++i)
    digest.add(decision, zone, at(100 + static_cast<std::int64_t>(i)), context.host);
  CHECK_FALSE(digest.take(zone, at(100 + 86399), context));
  Checkpoint state;
  state.trials = digest.state();
  auto decoded = decode_checkpoint(encode_checkpoint(state));
  REQUIRE(decoded);
  CHECK(decoded.value().trials == state.trials);
  digest.restore(decoded.value().trials);
  const auto notice = digest.take(zone, at(100 + 86400), context);
  REQUIRE(notice);
  CHECK(notice->subject.find("205 senders on trial") != std::string::npos);
  CHECK(notice->body.find("and 5 more") != std::string::npos);
  CHECK(notice->body.find('\x1b') == std::string::npos);
  CHECK(notice->data.starts_with(R"({"event":"trial")"));
  CHECK_FALSE(digest.due());
}

}  // namespace
}  // namespace agent
