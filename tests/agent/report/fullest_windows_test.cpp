#include "agent/report/fullest_windows.h"

#include "agent/config/config_file.h"
#include "tests/catch.h"

using namespace agent;

namespace {

Instant at(std::int64_t seconds) {
  return Instant(std::chrono::seconds(seconds));
}

Window window(std::vector<std::int64_t> times) {
  Window out;
  out.restore(std::move(times), {});
  return out;
}

Config config() {
  auto parsed = parse_config(R"(
[[rule]]
name = "many"
identity = "user"
limit = 10
period = "100s"
list = "/l/users"
[[rule]]
name = "fast"
identity = "user"
limit = 4
period = "10s"
list = "/l/fast"
[[rule]]
name = "relay"
identity = "relay"
limit = 10
list = "/l/relays"
)",
                             "");
  return parsed.value();
}

}  // namespace

TEST_CASE("windows are matched to today's rules by kind and name, the fullest first") {
  Checkpoint state;
  state.newest = at(1000);
  // Another order than the config's, and a rule that is gone.
  state.layout.rules = {{IdentityKind::relay, "relay"},
                        {IdentityKind::user, "gone"},
                        {IdentityKind::user, "fast"},
                        {IdentityKind::user, "many"}};
  state.layout.lists = {"/l/fast", "/l/users"};
  auto& ann = state.subjects[{IdentityKind::user, "ann"}];
  ann.windows = {window({999}), window({985, 995, 999, 1000}), window({899, 900, 901, 999, 1000})};
  auto& bob = state.subjects[{IdentityKind::user, "bob"}];
  bob.blocked = 2;  // in /l/users
  bob.windows = {window({}), window({1000}), window({1000})};
  state.subjects[{IdentityKind::relay, "192.0.2.1"}].windows = {window({998, 999})};

  const auto levels = fullest_windows(state, config(), 10);
  REQUIRE(levels.size() == 4);
  CHECK(levels[0].identity == "ann");
  CHECK(levels[0].rule == "fast");
  CHECK(levels[0].count == 3);
  CHECK(levels[0].newest == at(1000));
  CHECK_FALSE(levels[0].undecided);
  CHECK(levels[1].identity == "ann");
  CHECK(levels[1].rule == "many");
  CHECK(levels[1].count == 3);  // 900 is just over
  CHECK(levels[2].identity == "bob");
  CHECK(levels[2].rule == "fast");
  CHECK(levels[3].identity == "192.0.2.1");
  CHECK(levels[3].kind == IdentityKind::relay);

  CHECK(fullest_windows(state, config(), 1).size() == 1);
  CHECK(fullest_windows(Checkpoint(), config(), 10).empty());
}

TEST_CASE("a full window of a log that is read for the first time is undecided if it is old") {
  struct Row {
    std::vector<std::int64_t> times;
    std::optional<std::int64_t> first_start;
    bool undecided;
  };
  const std::vector<std::int64_t> full{991, 992, 993, 994}, nearly{991, 992, 993};
  const Row rows[] = {
      {full, 1004, true},   // a period old to the second
      {full, 1003, false},  // it could decide
      {full, std::nullopt, false},
      {nearly, 1004, false},
  };
  for (const auto& row : rows) {
    Checkpoint state;
    state.newest = at(1000);
    state.layout.rules = {{IdentityKind::user, "fast"}};
    state.layout.lists = {"/l/fast"};
    state.positions.resize(2);
    if (row.first_start) state.positions[1].first_start = at(*row.first_start);
    state.subjects[{IdentityKind::user, "ann"}].windows = {window(row.times)};
    const auto levels = fullest_windows(state, config(), 10);
    REQUIRE(levels.size() == 1);
    CHECK(levels[0].undecided == row.undecided);
  }
}
