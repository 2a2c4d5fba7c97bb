// Entries made to be read in as many ways as there are: each costs about as much as its length.
#include <chrono>
#include <string>

#include "parsers/entries/reader.h"
#include "tests/catch.h"

namespace parsers {
namespace {

constexpr std::size_t kEntry = 8100;  // nearly what fits into Exim's buffer

struct Hostile {
  std::string begin, unit, end;  // the unit as often as there is room
};

const Hostile kHostile[] = {
    {"ID <= a@b H=(h) [192.0.2.1] P=esmtpa A=plain:x", " S=1 x", "\""},
    {"ID <= a\"b H=(h) [192.0.2.1] P=esmtpa A=plain:x", " U=x A=a:b S=1", ""},
    {"ID <= a@b H=(h) [192.0.2.1] P=esmtpa A=plain:x S=5 T=\"", " U=x A=a:b S=1", "\""},
    {"ID <= a@b H=(h) [192.0.2.1] P=esmtps X=T DN=\"", "\" SNI=\"\" A=a:b S=1", "\""},
    {"ID <= ", " U=x A=a:b S=1 ", "\""},
    {"ID <= ", " H=(h) [192.0.2.1] P=x DN=\"\" SNI=\"\" A=a:b S=1", "\""},
    {"ID <= a@b H=(h) [192.0.2.1] U= P=x DN=\" P=x DN=\" P=x DN=\" P=x DN=\"",
     "\" SNI=\" A=", "\""},
    {"ID ** a b", " <", ""},
    {"ID ** ", " <x", "@>"},
    {"ID ** a@b.example: 550 user unknown ", "<x@y.example", ""},
    {"H=(h) [192.0.2.1] U=x", " SNI=\"\" F=<a> A=a:b", " rejected RCPT <x@y>: no such user"},
    {"H=(h) [192.0.2.1] X=T DN=\"/", "\" SNI=\"\" F=<a> A=a:b",
     "\" F=<> A=plain:bob rejected RCPT <x@y>: no such user"},
    {"H=(h) [192.0.2.1] X=T DN=\"/", ") [192.0.2.1] U= F=< F=<",
     "\" F=<> A=plain:bob rejected RCPT <x@y>: no such user"},
    {"H=(h) [192.0.2.1] F=<a@b> A=plain:b rejected RCPT <x@y>: ",
     ") [192.0.2.1] U=x DN=\"/\" F=<a>", " rejected RCPT <x@y>: no such user"},
    {"H=(h) [192.0.2.1] F=<a@b> A=plain:b rejected RCPT <x@y>: ", " rejected RCPT <a>: ", ""},
    {"H=(h) [192.0.2.1] F=<a@b> A=plain:b rejected RCPT <x@y>: ", "<\"", ""},
    {"H=(h) [192.0.2.1] F=<a@b> A=plain:b rejected RCPT <x@y>: ", "@", ""},
    {"H=(h) [192.0.2.1] F=<a@b> A=plain:b rejected RCPT <x@y>: ", "(a.b", ""},
    {"H=(h) [192.0.2.1] F=<a@b> A=plain:b rejected RCPT <x@y>: ", "\\n550 5.1.1 ", ""},
    {"H=(h) [192.0.2.1] F=<a@b> A=plain:b rejected RCPT <x@y>: ", "a://b.c www.", ""},
    {"H=(h) [192.0.2.1] F=<a@b> A=plain:b rejected RCPT <x@y>: ", "mailbox user ", ""},
    {"H=(h) [192.0.2.1] F=<a@b> A=plain:b rejected RCPT <x@y>: ", "response to \"", ""},
};

struct Nobody : EventSink {
  void on_event(const Event&) override {}
};

TEST_CASE("no entry takes long to read, whatever is in it") {
  for (const bool junk_helo : {false, true}) {
    for (const auto& hostile : kHostile) {
      INFO(hostile.begin << "..." << hostile.unit << "..." << hostile.end);
      std::string line = hostile.begin;
      if (line.starts_with("ID ")) line.replace(0, 2, "1xVRqH-0001Nb-2t");
      line.insert(0, "2026-11-23 10:42:36 ");
      while (line.size() + hostile.unit.size() + hostile.end.size() < kEntry) line += hostile.unit;
      line += hostile.end + "\n";
      ReaderOptions options;
      options.reasons = Reasons::defaults();
      options.submissions = true;
      options.junk_helo = junk_helo;
      LogReader reader(options);
      Nobody nobody;
      const auto start = std::chrono::steady_clock::now();
      for (int i = 0; i < 10; ++i) reader.feed(line, nobody);
      // Far more than it takes under sanitizers, far less than to try everything with everything.
      CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(10));
    }
  }
}

}  // namespace
}  // namespace parsers
