// Blocks prepared ahead of their turn give what the reader makes of the same bytes without them.
#include "parsers/entries/prepared.h"

#include <random>
#include <string>
#include <vector>

#include "hostile_lines.h"
#include "parsers/fields/lines.h"
#include "tests/catch.h"

namespace parsers {
namespace {

// Writes down all that a reader hands out.
class Protocol : public EventSink {
 public:
  void on_event(const Event& event) override {
    entry(std::string(name_of(event.kind)) + " " + std::to_string(event.number) + " " +
          std::to_string(event.offset));
    stamp(event.stamp);
    for (const auto& field : {event.user, event.host, event.recipient, event.sender, event.reason,
                              event.authenticator, event.message_id, event.login, event.set_id}) {
      field_of(field);
    }
    text += std::string(event.recipient_list) + std::to_string(event.recipients.value_or(0));
    text += event.line;
    if (event.tagged == nullptr) return;
    const auto& tagged = *event.tagged;
    field_of(tagged.id);
    text += tagged.recipient + std::to_string(tagged.at_microseconds) + std::to_string(tagged.pid);
    text += std::string(tagged.signed_part) + std::string(tagged.mac);
  }
  bool needs_every_stamp(CivilSeconds first, CivilSeconds last) override {
    return repeats(first, last);
  }
  void on_arrival(std::string_view id, const Stamp& when, const Arrival& arrival) override {
    entry("arrival " + std::string(id));
    stamp(when);
    text += std::string(arrival.sender) + "|" + std::string(arrival.reference);
    for (const auto& field : {arrival.host, arrival.login, arrival.authenticator, arrival.id}) {
      field_of(field);
    }
  }
  void on_completed(std::string_view id) override { entry("completed " + std::string(id)); }
  void on_stamp(const Stamp& when) override {
    // Which others are handed out depends on the cut.
    if (!repeats(when.civil, when.civil)) return;
    entry("stamp");
    stamp(when);
  }
  // The minute in which every stamp is asked for: 10:15.
  static bool repeats(CivilSeconds first, CivilSeconds last) {
    constexpr CivilSeconds kBegin = 1763979300;
    return last >= kBegin && first < kBegin + 60;
  }

  std::string text;

 private:
  void entry(const std::string& name) { text += "\n" + name; }
  void stamp(const Stamp& when) {
    text += " " + std::to_string(when.civil) + std::string(when.text);
    if (when.utc_offset) text += std::to_string(*when.utc_offset);
  }
  template <class Text>
  void field_of(const std::optional<Text>& field) {
    text += "|";
    text += field ? "=" + std::string(*field) : std::string();
  }
};

std::string numbers_of(const ReaderCounters& counters) {
  std::string text;
  for (const auto number : counters.events) text += std::to_string(number) + " ";
  for (const auto number : counters.unreadable) text += std::to_string(number) + " ";
  for (const auto number :
       {counters.lines, counters.bytes, counters.distrusted, counters.overflowed, counters.too_long,
        counters.bad_tagged, counters.bad_arrivals, counters.copies, counters.lost_pieces}) {
    text += std::to_string(number) + " ";
  }
  return text;
}

std::string state_of(const LogReader& reader) {
  const auto state = reader.state();
  return std::to_string(state.offset) + " " + std::to_string(state.line) + " " +
         std::to_string(static_cast<int>(state.form)) + " " + std::to_string(state.junk_seen) +
         " " + std::to_string(state.distrust.in_quotes) + " " +
         std::to_string(state.distrust.reach) + " " + std::to_string(reader.pending());
}

class LogText {
 public:
  explicit LogText(unsigned seed) : random_(seed), lines_(seed) {}

  std::string text(std::size_t size, bool syslog) {
    std::string out;
    while (out.size() < size) out += (syslog ? "Nov 23 10:42:35 mx exim[77]: " : "") + line();
    return out;
  }

 private:
  std::string line() {
    if (random_() % 40 == 0) second_ += 20;
    const auto rest = second_ % 60;
    const std::string stamp = "2025-11-24 10:" + std::to_string(10 + second_ / 60 % 50) + ":" +
                              (rest < 10 ? "0" : "") + std::to_string(rest) + " ";
    const std::string id = "1xV000-00002H-0Z ";
    switch (random_() % 60) {
      case 0:
        return stamp + id + "<= \"open H=(pc) [192.0.2.1] P=esmtpa A=plain:bob S=512\n";
      case 1:
        return stamp + id + "<= a@example.org H=(pc) [192.0.2.1] P=esmtpa A=plain:bob\n";
      case 2:
        return "a line without a stamp rejected RCPT <x@y>\n";
      case 3:
        return stamp + "**** log string overflowed log buffer ****\n";
      case 4:
        return std::string(random_() % 8 == 0 ? kMaxLine + random_() % 3 : 100, 'x') + "\n";
      case 5:
        return "\n";
      case 6:
      case 7:
        return stamp + "exiwarden/1 missing-recipient auth=plain id=Ym9iQGV4YW1wbGUub3JnLmxvbmc= " +
               "host=192.0.2.1 rcpt=bm9ib2R5LWF0LWFsbEBleGFtcGxlLm9yZw== at=1763980000000000 " +
               "pid=7 n=1\n";
      case 8:
        return stamp + "exiwarden/1 missing-recipient auth=plain id=!\n";
      case 9:
      case 10:
        return stamp + id +
               "** bob@example.net R=r T=t: SMTP error from remote mail server after " +
               "RCPT TO:<bob@example.net>: 550 no such user\n";
      case 11:
      case 12:
        return stamp + id + "Completed\n";
      case 13:
        return stamp + id + "== bob@example.net R=r T=t defer (-46): SMTP error from remote mail " +
               "server after end of data: 451 spam message rejected\n";
      case 14:
        return stamp + "plain authenticator failed for (pc) [192.0.2.1]: 535 no (set_id=bob)\n";
      case 15:
        return stamp + id +
               "<= a@example.org U=root P=local S=512 for b@example.net c@example.net\n";
      default:
        if (random_() % 2 == 0) {
          return stamp + id + "<= a@example.org H=(pc) [192.0.2.1] P=esmtpa A=plain:bob S=512\n";
        }
        for (;;) {
          const auto line = lines_.line();
          // HELO junk switches the reader over for good: seldom, so that both are met.
          if (line.junk && random_() % 20 != 0) continue;
          if (line.payload.find('\n') == std::string::npos) return stamp + line.payload + "\n";
        }
    }
  }

  std::mt19937 random_;
  hostile_lines::Generator lines_;
  unsigned second_ = 0;
};

struct Run {
  std::string protocol, numbers, state;
  int taken = 0;
};

Run run(const ReaderOptions& options, const std::string& text, unsigned seed, bool ahead) {
  std::mt19937 random(seed);
  LogReader reader(options);
  BlockPreparer preparer(options, Protocol::repeats);
  PreparedBlock block;
  Protocol protocol;
  Run run;
  bool junk = false;  // as an earlier moment knew it
  for (std::size_t at = 0; at < text.size();) {
    const auto size = std::min<std::size_t>(text.size() - at, random() % 30000);
    const std::vector<char> bytes(text.begin() + static_cast<std::ptrdiff_t>(at),
                                  text.begin() + static_cast<std::ptrdiff_t>(at + size));
    if (ahead) {
      preparer.prepare(bytes, junk, block);
      const bool usable = block.usable();
      reader.feed(bytes, block, protocol);
      run.taken += usable && !block.usable() ? 1 : 0;
    } else {
      reader.feed(bytes, protocol);
    }
    if (random() % 3 == 0) junk = reader.junk_seen();
    at += size;
  }
  run.protocol = protocol.text;
  run.numbers = numbers_of(reader.counters());
  run.state = state_of(reader);
  return run;
}

TEST_CASE("prepared blocks give the events of the plain reading, on hostile lines") {
  int taken = 0;
  for (unsigned seed = 0; seed < 40; ++seed) {
    ReaderOptions options;
    options.reasons = Reasons::defaults();
    options.submissions = seed % 2 == 1;
    options.accepted = seed % 3 == 1;
    options.deferred = options.accused = seed % 4 == 1;
    options.auth_failed = seed % 3 == 2;
    if (seed % 5 == 4) options.junk_helo = seed % 10 == 9;
    const auto text = LogText(seed).text(200000, seed % 8 == 7);
    INFO(seed);
    const auto plain = run(options, text, seed, false);
    const auto ahead = run(options, text, seed, true);
    // Not by CHECK(a == b): it would print both.
    CHECK((plain.protocol == ahead.protocol));
    CHECK(plain.numbers == ahead.numbers);
    CHECK(plain.state == ahead.state);
    if (seed % 8 == 7) CHECK(ahead.taken == 0);  // syslog is never taken
    taken += ahead.taken;
  }
  // Else the test says nothing.
  CHECK(taken > 100);
}

}  // namespace
}  // namespace parsers
