#include "agent/farm/statement.h"

#include "agent/config/farm_address.h"
#include "tests/catch.h"

using agent::decode_farm_name;
using agent::decode_farm_statement;
using agent::FarmName;
using agent::FarmStatement;

namespace {

FarmStatement decision() {
  FarmStatement record;
  record.blocked = true;
  record.stamp = 1'764'107'055'123;
  record.host = "mx1";
  record.why = FarmStatement::Why::count;
  record.identity = "Bob";
  record.rule = "a rule";
  record.time = 1'764'107'055;
  record.first = 1'764'107'000;
  record.count = record.limit = 100;
  record.period = 3600;
  record.hosts = {{"mx1", 60}, {"mx2", 40}};
  return record;
}

}  // namespace

TEST_CASE("a record and its name come back from their text as they were") {
  auto record = decision();
  const FarmName name{"blocked users", "bob"};
  CHECK(decode_farm_name(encode(name)) == name);
  CHECK(decode_farm_statement(name, encode(record)) == record);
  record.until = 1'764'107'999;
  record.times = 3;
  record.teller = "mx2";
  CHECK(decode_farm_statement(name, encode(record)) == record);
  CHECK(record.told_by() == "mx2");

  FarmStatement freed;
  freed.stamp = 1;
  freed.host = "b";
  freed.identity = "o'brien %=|,\xff@example.org";
  const FarmName odd{"list", freed.identity};
  CHECK(decode_farm_name(encode(odd)) == odd);
  CHECK(decode_farm_statement(odd, encode(freed)) == freed);
  CHECK(encode(freed).find('\xff') == std::string::npos);
}

TEST_CASE("what is no record of ours is none") {
  const FarmName name{"l", "bob"};
  const auto good = encode(decision());
  REQUIRE(decode_farm_statement(name, good));
  const auto with = [&](const std::string& from, const std::string& to) {
    auto text = good;
    const auto at = text.find(from);
    REQUIRE(at != std::string::npos);
    return text.replace(at, from.size(), to);
  };
  const std::string bad[] = {
      "",
      "op=block",
      good + " ",
      good + " t=1",
      good.substr(0, good.size() - 3) + ",x",
      with("op=block", "op=blocked"),
      with("t=1764107055123", "t=-1"),
      with("t=1764107055123", "t=99999999999999999999"),
      with("t=1764107055123", "t=0x10"),
      with("host=mx1", "host="),
      with("host=mx1", "host=a/b"),
      with("why=count", "why=because"),
      with("id=Bob", "id=Alice"),
      with("id=Bob", "id=Bo%62"),
      with("id=Bob", "id=Bob%0A"),
      with("count=100", "count=1000001"),
      with("count=100", "count=0"),
      with("period=3600", "period=0"),
      with("rule=a%20rule", "rule=a%1Brule"),
      with("rule=a%20rule", "rule=a rule"),
      with("hosts=mx1:60", "hosts=mx1"),
      with("hosts=mx1:60", "hosts=m%78:60"),
      with("op=block", "op=free until=5 times=1") + "",
      std::string(20'000, 'x'),
  };
  for (const auto& text : bad) {
    INFO(text);
    CHECK_FALSE(decode_farm_statement(name, text));
  }
  // A count without what was counted.
  CHECK_FALSE(decode_farm_statement(name, "op=block t=1 host=a why=count id=bob"));
  CHECK(decode_farm_statement(name, "op=block t=1 host=a why=hand id=bob"));
  const std::string names[] = {"",
                               "|",
                               "l|",
                               "|k",
                               "l",
                               "l|k|x",
                               "l|K",
                               "l|k\n",
                               "l|%",
                               "l|%0a",
                               "l|%0A",
                               "l|k%41",
                               "l|" + std::string(600, 'k')};
  for (const auto& text : names) {
    INFO(text);
    CHECK_FALSE(decode_farm_name(text));
  }
}

TEST_CASE("of two words the later holds, and of two at once that of the later name") {
  auto one = decision(), other = decision();
  CHECK_FALSE(one.newer_than(other));
  other.host = "mx2";
  CHECK(other.newer_than(one));
  CHECK_FALSE(one.newer_than(other));
  ++one.stamp;
  CHECK(one.newer_than(other));
  CHECK_FALSE(other.newer_than(one));
}

TEST_CASE("farm.url") {
  struct Row {
    const char *url, *path, *host;
    int port, database;
  };
  for (const auto& row :
       {Row{"redis://127.0.0.1:6379/0", "", "127.0.0.1", 6379, 0},
        Row{"redis://redis.example.org", "", "redis.example.org", 6379, 0},
        Row{"redis://[2001:db8::1]:7000/3", "", "2001:db8::1", 7000, 3},
        Row{"redis://h/", "", "h", 6379, 0},
        Row{"redis+unix:///run/redis/redis.sock", "/run/redis/redis.sock", "", 6379, 0},
        Row{"redis+unix:///r.sock?db=2", "/r.sock", "", 6379, 2}}) {
    INFO(row.url);
    const auto parsed = agent::parse_farm_url(row.url);
    REQUIRE(parsed);
    const auto& address = parsed.value();
    CHECK(address.path == row.path);
    CHECK(address.host == row.host);
    CHECK(address.port == row.port);
    CHECK(address.database == row.database);
  }
  for (const char* url :
       {"", "redis:", "redis://", "redis://:6379", "redis://h:0", "redis://h:65536", "redis://h:x",
        "redis://h/x", "redis://[::1", "redis://h h", "redis+unix://run/x", "redis+unix:///",
        "redis+unix:///x?db=", "redis+unix:///x?y", "http://h", "rediss://h",
        "redis://user:secret@h", "redis://:secret@h"}) {
    INFO(url);
    const auto parsed = agent::parse_farm_url(url);
    REQUIRE(!parsed);
    CHECK(parsed.error().find("secret") == std::string::npos);
  }
}
