#include "agent/core/submissions.h"

#include <string>

#include "tests/catch.h"

namespace agent {
namespace {

parsers::Arrival from_user(std::string_view id) {
  parsers::Arrival arrival;
  arrival.sender = "x@y";
  arrival.host = "192.0.2.1";
  arrival.authenticator = "plain";
  arrival.id = id;
  return arrival;
}

TEST_CASE("a failed delivery is its submitter's, each recipient of a message once") {
  Submissions submissions;
  submissions.arrived("1xVRai-0000ps-0R", from_user("bob"));
  const auto* message = submissions.failed("1xVRai-0000ps-0R", "a@dead.test");
  REQUIRE(message);
  CHECK(message->user == "bob");
  CHECK(message->host == "192.0.2.1");
  CHECK_FALSE(submissions.failed("1xVRai-0000ps-0R", "A@dead.test"));
  CHECK(submissions.failed("1xVRai-0000ps-0R", "b@dead.test"));
  CHECK_FALSE(submissions.failed("1xVRai-0000ps-0S", "c@dead.test"));
  submissions.completed("1xVRai-0000ps-0R");
  CHECK_FALSE(submissions.failed("1xVRai-0000ps-0R", "d@dead.test"));
  CHECK(submissions.size() == 0);
}

TEST_CASE("bounces are nobody's, but who authenticates can't hide behind the empty sender") {
  Submissions submissions;
  parsers::Arrival bounce;
  bounce.reference = "1xVRai-0000ps-0R";
  bounce.login = "Debian-exim";
  submissions.arrived("a", bounce);
  parsers::Arrival vacation;
  vacation.login = "bob";
  submissions.arrived("b", vacation);
  parsers::Arrival relay;
  relay.host = "192.0.2.1";
  submissions.arrived("c", relay);
  CHECK(submissions.size() == 0);
  auto hidden = from_user("bob");
  hidden.sender = {};
  submissions.arrived("d", hidden);
  CHECK(submissions.failed("d", "x@dead.test"));
}

TEST_CASE("what is remembered is bounded, and the oldest goes first") {
  Submissions submissions;
  const auto many = Submissions::kMaxMessages + 500;
  for (std::size_t i = 0; i < many; ++i)
    submissions.arrived("m" + std::to_string(i), from_user("bob"));
  CHECK(submissions.size() == Submissions::kMaxMessages);
  CHECK(submissions.forgotten() == 500);
  CHECK_FALSE(submissions.failed("m499", "x@y"));
  CHECK(submissions.failed("m500", "x@y"));
  for (std::size_t i = 0; i < many; ++i) submissions.completed("m" + std::to_string(i));
  CHECK(submissions.size() == 0);
}

TEST_CASE("saved and restored, it knows the same messages and failures, in the same order") {
  Submissions submissions;
  submissions.arrived("a", from_user("bob"));
  submissions.arrived("b", from_user("eve"));
  submissions.arrived("c", from_user(""));
  submissions.completed("b");
  REQUIRE(submissions.failed("a", "x@y"));
  Submissions again;
  again.restore(submissions.all());
  CHECK(again.all() == submissions.all());
  CHECK_FALSE(again.failed("a", "x@y"));
  CHECK(again.failed("a", "z@y"));
  CHECK_FALSE(again.failed("b", "z@y"));
}

}  // namespace
}  // namespace agent
