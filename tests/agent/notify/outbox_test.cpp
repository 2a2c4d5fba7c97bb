#include "agent/notify/outbox.h"

#include <algorithm>
#include <map>

#include "tests/catch.h"

using namespace agent;
using namespace std::chrono_literals;

namespace {

// Takes every mail but those that tell of a poisoned notice.
struct Picky : NoticeSender {
  void send(const Notice& mail) override {
    const bool poisoned = mail.subject.find("poison") != std::string::npos ||
                          mail.body.find("poison") != std::string::npos;
    if (!poisoned) taken += mail.body + mail.subject;
    done.push_back({mail.message_id, poisoned ? "refused" : ""});
    ++sent;
  }
  std::vector<Outcome> outcomes() override { return std::exchange(done, {}); }

  std::string taken;
  int sent = 0;
  std::vector<Outcome> done;
};

Notice notice(const std::string& name) {
  Notice notice;
  notice.message_id = "<" + name + "@here>";
  notice.subject = "about " + name + ";";
  notice.body = "of " + name + ";\n";
  return notice;
}

}  // namespace

TEST_CASE("a notice that nobody takes holds up no other, alone or in a mail of many") {
  for (const int others : {5, 200}) {
    INFO(others);
    Picky mailer;
    Outbox outbox(mailer, "here", 1000, [](const std::string&) {});
    Outbox::Steady now{1h};
    for (int i = 0; i < others / 2; ++i) outbox.add(notice("first" + std::to_string(i)));
    outbox.add(notice("poison"));
    for (int i = others / 2; i < others; ++i) outbox.add(notice("later" + std::to_string(i)));
    const auto end = now + 5min;
    while (now < end && outbox.size() > 1) {
      outbox.collect(now);
      if (outbox.prepare(now)) outbox.release();
      outbox.collect(now);
      now += 1s;
    }
    CHECK(outbox.size() == 1);
    CHECK(outbox.waiting().front().notice.message_id == "<poison@here>");
    for (int i = 0; i < others; ++i) {
      const auto name = (i < others / 2 ? "first" : "later") + std::to_string(i) + ";";
      CHECK(mailer.taken.find(name) != std::string::npos);
    }
    // Those that come later go by themselves at once, and it is tried at its own pace.
    const auto sent = mailer.sent;
    outbox.add(notice("new"));
    for (int i = 0; i < 10 && outbox.size() > 1; ++i, now += 1s) {
      if (outbox.prepare(now)) outbox.release();
      outbox.collect(now);
    }
    CHECK(outbox.size() == 1);
    CHECK(mailer.sent <= sent + 2);
  }
}

TEST_CASE("a notice that is known is not added twice, until it was taken") {
  Picky mailer;
  Outbox outbox(mailer, "here", 1000, [](const std::string&) {});
  outbox.add(notice("one"));
  outbox.add(notice("one"));
  CHECK(outbox.size() == 1);
  REQUIRE(outbox.prepare(Outbox::Steady{1h}));
  outbox.release();
  outbox.collect(Outbox::Steady{1h});
  CHECK(outbox.size() == 0);
  outbox.add(notice("one"));
  CHECK(outbox.size() == 1);
}

TEST_CASE("single hand-overs go alone, and none before an earlier one about the same identity") {
  Picky mailer;
  Outbox outbox(mailer, "here", 2, [](const std::string&) {}, {true, 3, 1000});
  Outbox::Steady now{1h};
  const auto about = [](const std::string& name, const std::string& identity) {
    auto one = notice(name);
    one.data = R"({"event":"x","identity_kind":"user","identity":")" + identity + "\"}";
    return one;
  };
  outbox.add(about("poison block", "bob"));
  outbox.add(about("release", "BOB"));
  outbox.add(about("other", "carol"));
  outbox.add(about("too many", "dave"));
  CHECK(outbox.dropped() == 1);
  for (int i = 0; i < 20; ++i, now += 1s) {
    if (outbox.prepare(now)) outbox.release();
    outbox.collect(now);
  }
  CHECK(mailer.taken == "of other;\nabout other;");
  REQUIRE(outbox.size() == 2);
  REQUIRE(outbox.next_due());
  CHECK(*outbox.next_due() > now - 1s);  // what waits behind the other does not keep it awake
  // Far more than two an hour, and none together.
  for (int i = 0; i < 50; ++i, now += 1s) {
    outbox.add(about("n" + std::to_string(i), "u" + std::to_string(i)));
    if (outbox.prepare(now)) outbox.release();
    outbox.collect(now);
  }
  CHECK(mailer.taken.find("of n49;") != std::string::npos);
}
