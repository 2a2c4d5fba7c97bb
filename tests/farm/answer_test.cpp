#include "agent/farm/answer.h"

#include "agent/farm/protocol.h"
#include "tests/catch.h"

using agent::Answer;
using agent::AnswerReader;

namespace {

// The first answer in the bytes, cut into pieces of this size.
std::pair<AnswerReader::Next, Answer> read(const std::string& bytes, std::size_t piece) {
  AnswerReader reader;
  Answer answer;
  auto next = AnswerReader::Next::need_more;
  for (std::size_t at = 0; at < bytes.size() && next == AnswerReader::Next::need_more;
       at += piece) {
    if (!reader.feed(std::string_view(bytes).substr(at, piece)))
      return {AnswerReader::Next::broken, {}};
    next = reader.next(answer);
  }
  return {next, answer};
}

}  // namespace

TEST_CASE("answers are read, however they are cut") {
  const std::string bytes = "*5\r\n:7\r\n$3\r\na\nb\r\n$-1\r\n*2\r\n+OK\r\n-ERR no\r\n*0\r\n";
  for (std::size_t piece = 1; piece <= bytes.size(); ++piece) {
    const auto [next, answer] = read(bytes, piece);
    REQUIRE(next == AnswerReader::Next::answer);
    REQUIRE(answer.list.size() == 5);
    CHECK(answer.list[0].number == 7);
    CHECK(answer.list[1].text == "a\nb");
    CHECK(answer.list[2].type == Answer::Type::nil);
    REQUIRE(answer.list[3].list.size() == 2);
    CHECK(answer.list[3].list[0].text == "OK");
    CHECK(answer.list[3].list[1].is_error());
    CHECK(answer.list[4].list.empty());
  }
}

TEST_CASE("what is no answer, or too large a one, breaks the connection and nothing else") {
  const std::string deep = [] {
    std::string text;
    for (int i = 0; i < 64; ++i) text += "*1\r\n";
    return text + ":1\r\n";
  }();
  for (const std::string& bytes :
       {std::string("HTTP/1.1 400 Bad Request\r\n"), std::string("*2147483647\r\n"),
        std::string("*100001\r\n"), std::string("*99999999999999999999\r\n"), deep,
        std::string("$2147483648\r\n"), std::string("\0\0\0\0", 4), std::string("*-2\r\n:1\r\n"),
        // RESP3
        std::string(",1.5\r\n"), std::string("#t\r\n"), std::string("%1\r\n+a\r\n:1\r\n"),
        std::string("~1\r\n:1\r\n"), std::string(">1\r\n:1\r\n"), std::string("(1\r\n"),
        std::string("=7\r\ntxt:abc\r\n"), std::string("*1\r\n,1.5\r\n")}) {
    INFO(bytes.substr(0, 40));
    const auto [next, answer] = read(bytes, bytes.size());
    CHECK(next != AnswerReader::Next::answer);
  }
  AnswerReader reader;
  REQUIRE(reader.feed("$1000000000\r\n"));
  const std::string more(1 << 20, 'x');
  int fed = 0;
  while (fed < 100 && reader.feed(more)) {
    Answer answer;
    REQUIRE(reader.next(answer) == AnswerReader::Next::need_more);
    ++fed;
  }
  CHECK(fed < 17);
}

TEST_CASE("nor can an answer grow without bound in many parts, or a list in lists") {
  AnswerReader strings;
  REQUIRE(strings.feed("*1000\r\n"));
  const std::string megabyte = "$1048576\r\n" + std::string(1 << 20, 'x') + "\r\n";
  int fed = 0;
  while (fed < 100 && strings.feed(megabyte)) {
    Answer answer;
    if (strings.next(answer) != AnswerReader::Next::need_more) break;
    ++fed;
  }
  CHECK(fed < 9);
  AnswerReader lists;
  Answer answer;
  CHECK(lists.feed("*60000\r\n*60000\r\n"));
  CHECK(lists.next(answer) == AnswerReader::Next::broken);
  // Many answers, each within bounds, are no fault.
  AnswerReader many;
  for (int i = 0; i < 20; ++i) {
    REQUIRE(many.feed(megabyte));
    REQUIRE(many.next(answer) == AnswerReader::Next::answer);
  }
  AnswerReader moved = std::move(many);
  REQUIRE(moved.feed("*60000\r\n"));
  CHECK(moved.next(answer) == AnswerReader::Next::need_more);
}

TEST_CASE("answers of another form than ours are not believed") {
  const auto parsed = [](const std::string& bytes) {
    auto [next, answer] = read(bytes, bytes.size());
    REQUIRE(next == AnswerReader::Next::answer);
    return answer;
  };
  const std::string good_count = "*7\r\n:1\r\n:0\r\n:0\r\n:0\r\n:0\r\n:0\r\n*0\r\n";
  CHECK(agent::read_count(parsed(good_count)));
  for (const char* bytes : {":1\r\n", "*0\r\n", "*-1\r\n", "+OK\r\n",
                            "*7\r\n:-1\r\n:0\r\n:0\r\n:0\r\n:0\r\n:0\r\n*0\r\n",
                            "*7\r\n:1\r\n:0\r\n:0\r\n:0\r\n:0\r\n:0\r\n:0\r\n",
                            "*7\r\n:1\r\n:0\r\n:0\r\n:0\r\n:0\r\n:0\r\n*1\r\n$1\r\nx\r\n"}) {
    INFO(bytes);
    auto [next, answer] = read(bytes, std::string_view(bytes).size());
    if (next == AnswerReader::Next::answer) CHECK_FALSE(agent::read_count(answer));
  }
  // No word of ours, a decision that frees: left out, and the rest is heard.
  const auto partly =
      agent::read_count(parsed("*7\r\n:1\r\n:0\r\n:0\r\n:0\r\n:0\r\n:0\r\n*6\r\n"
                               "$3\r\nl|k\r\n$8\r\nop=block\r\n"
                               "$3\r\nl|k\r\n$32\r\nop=free t=1 host=a why=hand id=k\r\n"
                               "$3\r\nl|k\r\n$33\r\nop=block t=1 host=a why=hand id=k\r\n"));
  REQUIRE(partly);
  CHECK(partly->strange == 2);
  CHECK(partly->decided.size() == 1);
  const agent::NamedStatement proposed{{"l", "k"}, {}};
  const auto changes = agent::read_changes(parsed("*4\r\n$0\r\n\r\n:0\r\n$1\r\nx\r\n:1\r\n"),
                                           std::vector{proposed, proposed});
  REQUIRE(changes);
  CHECK_FALSE(changes->at(0).holds);
  CHECK(changes->at(0).no_room);
  CHECK_FALSE(changes->at(1).holds);
  CHECK_FALSE(changes->at(1).no_room);
  CHECK(agent::read_feed(parsed("*-1\r\n")));
  CHECK_FALSE(agent::read_feed(parsed("*2\r\n:1\r\n:2\r\n")));
  CHECK_FALSE(agent::read_feed(parsed("*1\r\n*2\r\n$1\r\nf\r\n*1\r\n*2\r\n$3\r\n$ x\r\n*0\r\n")));
  const auto strange = agent::read_feed(
      parsed("*1\r\n*2\r\n$1\r\nf\r\n*1\r\n*2\r\n$3\r\n1-0\r\n*2\r\n$1\r\nn\r\n$1\r\nx\r\n"));
  REQUIRE(strange);
  CHECK(strange->strange == 1);
  CHECK(strange->position == "1-0");
  CHECK_FALSE(agent::read_pull(parsed("*2\r\n$1\r\nx\r\n*0\r\n")));
  CHECK(agent::read_pull(parsed("*2\r\n$1\r\n0\r\n*0\r\n")));
  CHECK_FALSE(agent::read_time(parsed("*2\r\n$1\r\n1\r\n$1\r\n0\r\n")));
  CHECK(agent::read_time(parsed("*2\r\n$10\r\n1764107055\r\n$6\r\n123456\r\n")) ==
        1'764'107'055'123);
  CHECK_FALSE(agent::read_info(parsed("$3\r\nabc\r\n")));
  // Names from the server reach a screen: nothing but what we would have written.
  const auto hosts = agent::read_hosts(
      parsed("*4\r\n$8\r\nmx1/seen\r\n$1\r\n5\r\n$9\r\na\x1b[1/seen\r\n$1\r\n5\r\n"));
  REQUIRE(hosts);
  REQUIRE(hosts->size() == 1);
  CHECK(hosts->front().name == "mx1");
}

TEST_CASE("a window says who counted what within a period of its newest event", "[answer]") {
  const auto list = [](std::initializer_list<const char*> words) {
    agent::Answer answer;
    answer.type = agent::Answer::Type::list;
    for (const auto* word : words) {
      agent::Answer text;
      text.type = agent::Answer::Type::text;
      text.text = word;
      answer.list.push_back(std::move(text));
    }
    return answer;
  };
  using Hosts = std::vector<agent::HostCount>;
  const auto attempts = list({"mx2:1000:1", "1000", "mx1:990:2", "990", "mx1:990:1", "990",
                              "m\x1b:980:1", "980", "mx3:900:1", "900"});
  const auto by_attempt = agent::read_window(attempts, nullptr, std::chrono::seconds(100));
  REQUIRE(by_attempt);
  CHECK(by_attempt->hosts == Hosts{{"mx1", 2}, {"?", 1}, {"mx2", 1}});
  CHECK(by_attempt->first == 980);
  CHECK(by_attempt->last == 1000);

  const auto recipients = list({"123", "1000", "456", "999"});
  const auto senders = list({"mx7", "mx7"});
  const auto by_recipient = agent::read_window(recipients, &senders, std::chrono::seconds(100));
  REQUIRE(by_recipient);
  CHECK(by_recipient->hosts == Hosts{{"mx7", 2}});

  CHECK(agent::read_window(list({}), nullptr, std::chrono::seconds(1))->hosts.empty());
  CHECK_FALSE(agent::read_window(list({"a"}), nullptr, std::chrono::seconds(1)));
  CHECK_FALSE(agent::read_window(list({"a", "x"}), nullptr, std::chrono::seconds(1)));
  CHECK_FALSE(agent::read_window(list({"a", "253402300800"}), nullptr, std::chrono::seconds(1)));
  const auto one_sender = list({"mx1"});
  CHECK_FALSE(agent::read_window(recipients, &one_sender, std::chrono::seconds(1)));
}
