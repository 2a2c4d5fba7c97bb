// Entries that outgrew Exim's buffer hide evidence: they are counted as such, and nothing that a
// client writes can make a whole entry pass for one.
#include <string>

#include "parsers/entries/reader.h"
#include "tests/catch.h"

namespace parsers {
namespace {

const std::string kMarker = "**** log string overflowed log buffer ****";
const std::string kStamp = "2026-11-23 10:42:36 ";

struct Kinds : EventSink {
  void on_event(const Event& event) override { kinds += std::string(name_of(event.kind)) + " "; }
  std::string kinds;
};

struct Result {
  std::string kinds;
  ReaderCounters counters;
};

Result read(const std::string& text) {
  ReaderOptions options;
  options.reasons = Reasons::defaults();
  LogReader reader(options);
  Kinds sink;
  reader.feed(text, sink);
  return {sink.kinds, reader.counters()};
}

TEST_CASE("an overflowed entry is counted, as old and new versions leave it") {
  CHECK(read(kStamp + kMarker + "\n\n").counters.overflowed == 1);
  const auto cut = kStamp + "H=(" + std::string(8100, 'a') + kMarker + "\n";
  const auto got = read(cut);
  CHECK(got.counters.overflowed == 1);
  CHECK(got.kinds.empty());
}

TEST_CASE("the marker as text of a client hides nothing") {
  const auto in_sender = kStamp + "H=(h) [192.0.2.1] F=<\"" + kMarker +
                         "\"@b> A=plain:bob rejected RCPT <c@d>: no such user ****\n";
  const auto got = read(in_sender);
  CHECK(got.counters.overflowed == 0);
  CHECK(got.kinds == "rejected_rcpt ");
}

TEST_CASE(
    "an entry as long as Exim's buffer is read like any other; a longer line than can be is "
    "counted") {
  const auto entry = [](std::size_t helo) {
    return kStamp + "H=(" + std::string(helo, 'a') +
           ") [192.0.2.1] F=<a@b> A=plain:bob rejected RCPT <c@d>: Unrouteable address\n";
  };
  for (const std::size_t helo : {1U, 4000U, 8050U, 20000U}) {
    CHECK(read(entry(helo)).kinds == "rejected_rcpt ");
  }
  const auto got = read(entry(kMaxLine));
  CHECK(got.kinds.empty());
  CHECK(got.counters.too_long == 1);
}

TEST_CASE("a forged line can't make the reader believe that junk passes in HELO") {
  const std::string arrival = kStamp + "1xVRZY-0000mY-2f <= \"a\n";
  const std::string forged = kStamp + "H=(two words) [9.9.9.9] F=<> rejected RCPT <c@d>: x\n";
  const std::string end = "\"@b U=nobody P=local S=547\n";
  const std::string later = kStamp +
                            "H=(h) [192.0.2.1] F=<\"x) [9.9.9.9] F=<> rejected RCPT <y\"@z> "
                            "A=plain:bob rejected RCPT <c@d>: Unrouteable address\n";
  CHECK(read(arrival + forged + end + later).kinds == "rejected_rcpt ");
  // The same HELO in a line that is no forgery: now the later line is in doubt.
  CHECK(read(forged + later).kinds == "ambiguous ");
}

}  // namespace
}  // namespace parsers
