#include "agent/notify/action_notices.h"

#include "agent/notify/notice_json.h"
#include "tests/catch.h"

using namespace agent;

namespace {

Decision decision_about(IdentityKind kind, const std::string& identity) {
  Decision decision;
  decision.rule = "secret rule";
  decision.identity_kind = kind;
  decision.identity = identity;
  decision.list = "/lists/users";
  decision.time = Instant(std::chrono::seconds(1795426955));
  decision.first = Instant(std::chrono::seconds(1795426855));
  decision.count = decision.limit = 100;
  decision.period = std::chrono::hours(1);
  decision.place = {"/var/log/exim4/mainlog", 4711, 99};
  decision.hosts = {{"192.0.2.7", 3}};
  decision.samples = {{1795426900, "192.0.2.7", "dead@example.net", "Unrouteable address"}};
  return decision;
}

NoticeContext context() {
  NoticeContext context;
  context.host = "mx1.inside.example";
  context.list_line = "bob: exiwarden";
  context.exim_binary = "/usr/sbin/exim4";
  return context;
}

}  // namespace

TEST_CASE("a customer reads of the own account, and of nothing inside the server") {
  struct Case {
    Edge edge;
    bool refusals;
    std::optional<Instant> until;
    const char *subject, *text;
  };
  const Instant later(std::chrono::seconds(1795513355));
  const Case cases[] = {
      {Edge::blocked,
       true,
       {},
       "Mail from your account bob is held back",
       "100 recipients that do not exist"},
      {Edge::blocked, true, later, "Mail from your account bob is held back",
       "Sending works again from 2026-11-24"},
      {Edge::blocked,
       false,
       {},
       "Mail from your account bob is held back",
       "as if somebody else used it"},
      {Edge::watched, true, {}, "Please check the mail from your account bob", "If that goes on"},
      {Edge::watched, false, {}, "Please check the mail from your account bob", "somebody else"},
      {Edge::freed,
       true,
       {},
       "Your account bob can send mail again",
       "can send mail again since 2026-11-23"},
      {Edge::ended,
       true,
       {},
       "Your account bob can send mail again",
       "can send mail again since 2026-11-23"},
  };
  for (const auto& one : cases) {
    INFO(name_of(one.edge) << " " << one.refusals);
    auto decision = decision_about(IdentityKind::user, "bob");
    decision.refusals = one.refusals;
    decision.until = one.until;
    Notice staff;
    staff.message_id = "id@mx1";
    staff.data = R"({"event":"x"})";
    const auto notice = compose_for_customer(decision, one.edge, Zone::utc(), context(), staff);
    CHECK(notice.message_id == staff.message_id);
    CHECK(notice.data == staff.data);
    CHECK(notice.subject == one.subject);
    CHECK(notice.body.find(one.text) != std::string::npos);
    if (!one.refusals) CHECK(notice.body.find("exist") == std::string::npos);
    for (const char* inside :
         {"mx1", "secret rule", "/lists", "mainlog", "192.0.2.7", "dead@", "exim"})
      CHECK((notice.subject + notice.body).find(inside) == std::string::npos);
  }
}

TEST_CASE("ids are printable in every notice of actions") {
  const auto decision = decision_about(IdentityKind::relay, "x\r\nBcc: y\x1b[31m\xff");
  for (const auto& notice :
       {compose_release(decision, Edge::freed, Zone::utc(), context()),
        compose_trial(decision, Zone::utc(), decision.time, context()),
        compose_for_customer(decision, Edge::blocked, Zone::utc(), context(), {})}) {
    INFO(notice.subject << "\n" << notice.body);
    CHECK(notice.subject.find_first_of("\r\n\x1b\xff") == std::string::npos);
    CHECK(notice.body.find_first_of("\r\x1b\xff") == std::string::npos);
    CHECK(notice.body.find("\nBcc") == std::string::npos);
  }
}

TEST_CASE("a release has the words of the site, and JSON of what it has") {
  auto with = context();
  with.subject = "{identity} {event} {count}{limit}{period}{first}";
  auto decision = decision_about(IdentityKind::user, "bob");
  decision.count = 0;
  const auto ended = compose_release(decision, Edge::ended, Zone::utc(), with);
  CHECK(ended.subject == "bob ended ");
  CHECK(ended.data ==
        R"({"event":"ended","server":"mx1.inside.example","time":"2026-11-23T09:42:35+00:00",)"
        R"("rule":"secret rule","identity_kind":"user","identity":"bob","list":"/lists/users"})");
  decision.rule.clear();
  const auto freed = compose_release(decision, Edge::freed, Zone::utc(), context());
  CHECK(freed.data.find(R"("rule":null)") != std::string::npos);
  CHECK(freed.message_id !=
        compose_release(decision, Edge::ended, Zone::utc(), context()).message_id);
  CHECK(subject_of(freed).identity == "bob");
  CHECK(subject_of(freed).kind == "user");
  CHECK(subject_of(Notice{}).identity.empty());
}
