// A host's part in the farm with a link that the test plays, and a Counting for an engine.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "agent/config/config_file.h"
#include "agent/farm/member.h"

namespace member_lab {

using agent::FarmMember;
using agent::FarmNews;
using agent::FarmStatement;
using agent::Instant;
using agent::NamedStatement;
using agent::Now;

struct Link : agent::FarmLink {
  std::vector<FarmNews> news;
  std::vector<agent::FarmEvent> events;
  std::vector<NamedStatement> words;
  int compared_times = 0;
  bool room = true;

  void send(std::vector<agent::FarmEvent> more) override {
    events.insert(events.end(), more.begin(), more.end());
  }
  [[nodiscard]] bool has_room(std::size_t) const override { return room; }
  void propose(std::vector<NamedStatement> more) override {
    words.insert(words.end(), more.begin(), more.end());
  }
  void compared() override { ++compared_times; }
  std::vector<FarmNews> take() override { return std::exchange(news, {}); }
  [[nodiscard]] agent::FarmStatus status() const override { return {}; }
  void configure(const agent::Config&) override {}
  [[nodiscard]] int fd() const override { return -1; }

  void say(FarmNews::Kind kind, NamedStatement word = {}) {
    FarmNews one;
    one.kind = kind;
    one.word = std::move(word);
    news.push_back(std::move(one));
  }
  void all_words(const std::vector<NamedStatement>& known) {
    say(FarmNews::Kind::all);
    for (const auto& word : known) say(FarmNews::Kind::word, word);
    say(FarmNews::Kind::that_was);
  }
};

inline NamedStatement word(bool blocked, std::int64_t stamp, const std::string& host = "mx2",
                           const std::string& key = "bob", const std::string& list = "users") {
  FarmStatement record;
  record.blocked = blocked;
  record.stamp = stamp;
  record.host = host;
  record.identity = key;
  return {{list, key}, record};
}

constexpr std::int64_t kNow =
    1'764'107'000;  // seconds; words of now are stamped with 1000 times it

// What an engine does with the orders, on a Counting alone.
struct Host {
  explicit Host(
      const std::string& name = "mx1",
      const std::function<void(agent::Config&)>& set = [](agent::Config&) {})
      : config(configured(set)), counting(config), member(config, link, name) {}

  static agent::Config configured(const std::function<void(agent::Config&)>& set) {
    auto config = agent::default_config();
    agent::Rule rule;
    rule.name = "users";
    rule.list = "/lists/users";
    config.rules = {rule};
    rule.name = "relays";
    rule.identity = agent::IdentityKind::relay;
    rule.list = "/lists/relays";
    config.rules.push_back(rule);
    set(config);
    return config;
  }
  [[nodiscard]] Now now() const { return {Instant(std::chrono::seconds(kNow)), steady}; }
  std::vector<FarmMember::Order> turn() {
    member.compare(counting, true, now());
    auto heard = member.take(counting, *agent::IdentityTables::without_files(config), now());
    for (const auto& order : heard.orders) {
      if (order.kind == FarmMember::Order::Kind::block)
        counting.set_blocked(order.list, order.word.name.key);
      if (order.kind == FarmMember::Order::Kind::free)
        counting.set_freed(order.list, order.word.name.key, std::nullopt);
    }
    if (member.take_joined()) member.compare(counting, true, now());
    member.hand_over(counting);
    return heard.orders;
  }
  [[nodiscard]] std::vector<std::string> blocked() const { return counting.blocked(0); }

  agent::Config config;
  Link link;
  agent::Counting counting;
  FarmMember member;
  std::chrono::steady_clock::time_point steady{std::chrono::hours(1)};
};

using Names = std::vector<std::string>;

}  // namespace member_lab
