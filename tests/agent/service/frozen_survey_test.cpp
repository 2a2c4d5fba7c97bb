#include "agent/service/frozen_survey.h"

#include "agent/config/config_file.h"
#include "tests/catch.h"

using namespace agent;

namespace {

Instant at(std::int64_t seconds) {
  return Instant(std::chrono::seconds(seconds));
}

actions::QueuedMessage from(const char* user, const char* host, std::int64_t received,
                            bool frozen = true) {
  actions::QueuedMessage message;
  message.id = "1xW26y-0008Hf-2v";
  message.frozen = frozen;
  message.received = received;
  message.size = 100;
  message.host = host;
  message.user = user;
  if (*user != '\0') message.authenticator = "plain";
  return message;
}

}  // namespace

TEST_CASE("what is frozen of those that are listed") {
  const std::vector<actions::QueuedMessage> queue{
      from("alice", "203.0.113.7", 3000),
      from("Alice", "203.0.113.8", 2000),
      from("bob", "203.0.113.7", 1000),
      from("alice", "203.0.113.7", 500, false),
      from("", "192.0.2.70", 2500),
      from("", "2001:db8::9", 2600),
      from("", "", 100),
  };
  struct Case {
    ListedSenders listed;
    std::uint64_t messages;
    std::optional<Instant> oldest;
    const char* sender;
  };
  const Case cases[] = {
      {{}, 0, {}, ""},
      {{{IdentityKind::user, {}}}, 0, {}, ""},
      {{{IdentityKind::user, {"ALICE"}}}, 2, at(2000), "Alice"},
      {{{IdentityKind::user, {"carol", "bob", "alice"}}}, 3, at(1000), "bob"},
      {{{IdentityKind::relay, {"alice", "192.0.2.70"}}}, 1, at(2500), "192.0.2.70"},
      {{{IdentityKind::relay, {"2001:db8::/64"}}}, 1, at(2600), "2001:db8::/64"},
      {{{IdentityKind::relay, {"203.0.113.7"}}}, 0, {}, ""},  // it has authenticated
      {{{IdentityKind::user, {"bob"}}, {IdentityKind::user, {"bob"}}}, 1, at(1000), "bob"},
  };
  const auto tables = IdentityTables::without_files(default_config());
  for (const auto& one : cases) {
    CAPTURE(one.sender);
    const auto found = survey_frozen(queue, one.listed, tables->identities);
    CHECK(found == FrozenSurvey{one.messages, one.messages * 100, one.oldest, one.sender});
  }
}

TEST_CASE("the warning comes a day before the evidence goes") {
  constexpr std::chrono::days kWeek{7}, kDay{1};
  const FrozenSurvey survey{3, 300, at(0), "ali\nce"};
  struct Case {
    FrozenSurvey survey;
    std::optional<std::chrono::seconds> cancelled;
    Instant now;
    const char* said;
  };
  const Case cases[] = {
      {{}, kWeek, at(0) + kWeek, ""},
      {survey, {}, at(0) + kWeek, ""},
      {survey, kWeek, at(-1) + kWeek - kDay, ""},
      {survey, kWeek, at(0) + kWeek - kDay, "within a day"},
      {survey, kWeek, at(0) + kWeek, "next queue run"},
      {survey, kWeek, at(0) + 2 * kWeek, "next queue run"},
      {survey, std::chrono::seconds(20), at(0), "frozen mail of ali\\x0ace, and"},
  };
  for (const auto& one : cases) {
    FrozenKeeping keeping;
    keeping.cancelled = one.cancelled;
    const auto said = frozen_warning(one.survey, keeping, one.now);
    CHECK(said.empty() == std::string_view(one.said).empty());
    CHECK(said.find(one.said) != std::string::npos);
  }
}
