// The small parts that every line goes through: stamps, prefixes, hosts, syslog, our own ACL's
// line, and entries that hold a newline. One table each.
#include <string>
#include <string_view>

#include "parsers/entries/distrust.h"
#include "parsers/entries/tagged.h"
#include "parsers/fields/host_field.h"
#include "parsers/fields/prefix.h"
#include "parsers/fields/stamp.h"
#include "parsers/fields/syslog.h"
#include "tests/catch.h"

namespace parsers {
namespace {

CivilSeconds civil(int year, unsigned month, unsigned day, int seconds = 0) {
  return days_from_civil(year, month, day) * 86400 + seconds;
}

TEST_CASE("days are counted by the calendar, leap days too") {
  CHECK(days_from_civil(1970, 1, 1) == 0);
  CHECK(days_from_civil(1969, 12, 31) == -1);
  CHECK(days_from_civil(2000, 2, 29) + 1 == days_from_civil(2000, 3, 1));
  CHECK(days_from_civil(2100, 2, 28) + 1 == days_from_civil(2100, 3, 1));
  CHECK(days_from_civil(2026, 11, 23) == 20780);
  // Each day once, in order, for 800 years.
  std::int64_t expected = days_from_civil(1600, 1, 1);
  for (int year = 1600; year < 2400; ++year) {
    const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    const unsigned lengths[] = {31, leap ? 29U : 28U, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    for (unsigned month = 1; month <= 12; ++month) {
      for (unsigned day = 1; day <= lengths[month - 1]; ++day) {
        if (days_from_civil(year, month, day) != expected++)
          FAIL(year << "-" << month << "-" << day);
      }
    }
  }
}

struct StampCase {
  const char* text;
  CivilSeconds civil;
  std::optional<std::int32_t> offset;
  const char* rest;
};

TEST_CASE("Exim's stamps: plain, with milliseconds, with a zone") {
  const auto noon = civil(2026, 11, 23, 12 * 3600);
  const StampCase cases[] = {
      {"2026-11-23 12:00:00 x", noon, std::nullopt, " x"},
      {"2026-11-23 12:00:00.564 x", noon, std::nullopt, " x"},
      {"2026-11-23 12:00:00 +0100 x", noon, 3600, " x"},
      {"2026-11-23 12:00:00.001 -0330 x", noon, -12600, " x"},
      {"2026-11-23 12:00:00 +0545", noon, 20700, ""},
      {"2026-11-23 12:00:00", noon, std::nullopt, ""},
      {"2026-11-23 12:00:00 +x", noon, std::nullopt, " +x"},
      {"2024-02-29 23:59:60 x", civil(2024, 3, 1), std::nullopt, " x"},
  };
  for (const auto& c : cases) {
    INFO(c.text);
    std::string_view text = c.text;
    const auto stamp = take_exim_stamp(text);
    REQUIRE(stamp);
    CHECK(stamp->civil == c.civil);
    CHECK(stamp->utc_offset == c.offset);
    CHECK(stamp->text == std::string_view(c.text).substr(0, 19));
    CHECK(text == c.rest);
  }
  for (const char* wrong : {"", "2026", "2026-11-23", "2026-11-23T12:00:00", "2026-13-23 12:00:00",
                            "2026-00-23 12:00:00", "2023-02-29 12:00:00", "2026-11-31 12:00:00",
                            "2026-11-23 24:00:00", "2026-11-23 12:60:00", "2026-11-23 12:00:61",
                            "2026-11-23 12.00.00", "2O26-11-23 12:00:00", " 2026-11-23 12:00:00",
                            "2026-11-23 12:00:0", "2026/11/23 12:00:00", "2026-11-23 -1:00:00"}) {
    INFO(wrong);
    std::string_view text = wrong;
    CHECK_FALSE(take_exim_stamp(text));
    CHECK(text == wrong);
  }
}

TEST_CASE("a memory of stamps says what decoding each line says") {
  const std::string lines[] = {std::string(40, '\0'),  // as a crash leaves them in a file
                               "2026-11-23 10:42:35 a",
                               "2026-11-23 10:42:35.123 +0100 b",
                               "2026-11-23 10:42:3x c",
                               "2026-11-23 10:42:36 d",
                               "",
                               "2026-11-23 10:42:3",
                               std::string(19, '\0') + " e",
                               "2026-02-30 10:42:35 f",
                               "2026-11-23 10:42:35 g"};
  StampMemory memory;
  for (const auto& line : lines) {
    INFO(line);
    std::string_view plain = line, remembered = line;
    const auto expected = take_exim_stamp(plain);
    const auto found = memory.take_exim_stamp(remembered);
    REQUIRE(found.has_value() == expected.has_value());
    CHECK(remembered == plain);
    if (!expected) continue;
    CHECK(found->civil == expected->civil);
    CHECK(found->utc_offset == expected->utc_offset);
    CHECK(found->text == expected->text);
  }
}

TEST_CASE("syslog's ISO stamps always say their zone") {
  std::string_view utc = "2026-11-23T12:00:00.123456Z x";
  CHECK(take_iso_stamp(utc)->utc_offset == 0);
  CHECK(utc == " x");
  std::string_view journal = "2026-11-23T12:00:00.1-0130 x";
  CHECK(take_iso_stamp(journal)->utc_offset == -5400);
  CHECK(journal == " x");
  std::string_view east = "2026-11-23T12:00:00+01:30 x";
  CHECK(take_iso_stamp(east)->utc_offset == 5400);
  for (const char* wrong :
       {"2026-11-23T12:00:00 x", "2026-11-23T12:00:00+013", "2026-11-23 12:00:00Z"}) {
    std::string_view text = wrong;
    CHECK_FALSE(take_iso_stamp(text));
    CHECK(text == wrong);
  }
}

TEST_CASE("journalctl's full stamps name a zone, but few zones say what they mean") {
  struct Case {
    const char* zone;
    std::optional<std::int32_t> offset;
  };
  for (const auto& [zone, offset] : {Case{"CET", std::nullopt}, Case{"IST", std::nullopt},
                                     Case{"UTC", 0}, Case{"+0130", 5400}}) {
    for (const auto* fraction : {"", ".123456"}) {
      const auto line = std::string("Mon 2026-11-23 10:56:18") + fraction + " " + zone + " mx";
      INFO(line);
      std::string_view text = line;
      const auto stamp = take_full_stamp(text);
      REQUIRE(stamp);
      CHECK(stamp->civil == civil(2026, 11, 23, 39378));
      CHECK(stamp->utc_offset == offset);
      CHECK(text == " mx");
    }
  }
  for (const char* wrong :
       {"2026-11-23 10:56:18 CET mx", "Mon 2026-11-23 10:56:18", "Mon 2026-11-23T10:56:18 CET x",
        "Somewhatlongerday 2026-11-23 10:56:18 CET x", " 2026-11-23 10:56:18 CET x"}) {
    std::string_view text = wrong;
    INFO(wrong);
    CHECK_FALSE(take_full_stamp(text));
    CHECK(text == wrong);
  }
}

TEST_CASE("a stamp without a year is the latest that is not in the future") {
  struct Case {
    const char* text;
    CivilSeconds not_after, expected;
  };
  const Case cases[] = {
      {"Nov 23 10:56:18 x", civil(2026, 11, 23, 40000), civil(2026, 11, 23, 39378)},
      {"Nov 23 10:56:18 x", civil(2026, 11, 22, 40000),
       civil(2026, 11, 23, 39378)},  // a day of grace
      {"Nov 23 10:56:18 x", civil(2026, 11, 20), civil(2025, 11, 23, 39378)},
      {"Dec 31 23:59:59 x", civil(2027, 1, 1, 60), civil(2026, 12, 31, 86399)},
      {"Jan  1 00:00:01 x", civil(2026, 12, 31, 86399), civil(2027, 1, 1, 1)},
      {"Feb 29 12:00:00 x", civil(2027, 6, 1), civil(2024, 2, 29, 43200)},
      {"Feb 29 12:00:00 x", civil(2103, 6, 1), civil(2096, 2, 29, 43200)},
  };
  for (const auto& c : cases) {
    INFO(c.text);
    std::string_view text = c.text;
    const auto stamp = take_bsd_stamp(text, c.not_after);
    REQUIRE(stamp);
    CHECK(stamp->civil == c.expected);
    CHECK(text == " x");
  }
  for (const char* wrong : {"", "Nov 23", "Nox 23 10:56:18", "ovD 23 10:56:18", "Nov 31 10:56:18",
                            "Nov 00 10:56:18", "Nov 23 25:56:18", "Nov23  10:56:18"}) {
    INFO(wrong);
    std::string_view text = wrong;
    CHECK_FALSE(take_bsd_stamp(text, civil(2026, 12, 1)));
    CHECK(text == wrong);
  }
}

TEST_CASE("the prefix: process and message id, if they are there") {
  struct Case {
    const char* line;
    const char* id;
    const char* payload;
  };
  const Case cases[] = {
      {"2026-11-23 10:42:35 H=x", "", "H=x"},
      {"2026-11-23 10:42:35 [177] H=x", "", "H=x"},
      {"2026-11-23 10:42:35.123 +0100 [177] 1xVRUA-00002H-0Z <= a", "1xVRUA-00002H-0Z", "<= a"},
      {"2026-11-23 10:42:35 1xVRZz-000000000nG-2T1U ** a", "1xVRZz-000000000nG-2T1U", "** a"},
      {"2026-11-23 10:42:35 1xVRUA-00002H-0Z", "1xVRUA-00002H-0Z", ""},
      {"2026-11-23 10:42:35  DSH=x", "", " DSH=x"},
      {"2026-11-23 10:42:35 [x] H=x", "", "[x] H=x"},
      {"2026-11-23 10:42:35 1xVRUA-00002H-0 <= a", "", "1xVRUA-00002H-0 <= a"},
      {"2026-11-23 10:42:35 1xVRUA-00002H-0Za", "", "1xVRUA-00002H-0Za"},
      {"2026-11-23 10:42:35 1xVR_A-00002H-0Z a", "", "1xVR_A-00002H-0Z a"},
      {"2026-11-23 10:42:35 ", "", ""},
  };
  for (const auto& c : cases) {
    INFO(c.line);
    const auto prefix = parse_prefix(c.line);
    REQUIRE(prefix);
    CHECK(prefix->message_id == c.id);
    CHECK(prefix->payload == c.payload);
  }
  for (const char* wrong : {"", " Suggested action: use keep_environment.", "2026-11-23 10:42:35",
                            "2026-11-23 10:42:35H=x", "Exim configuration error in line 3"}) {
    INFO(wrong);
    CHECK_FALSE(parse_prefix(wrong));
  }
}

TEST_CASE("addresses as Exim prints them, and nothing else") {
  for (const char* ip : {"0.0.0.0", "192.0.2.1", "255.255.255.255", "::", "::1", "2001:db8::25",
                         "2001:db8:1:2:3:4:5:6"}) {
    CHECK(is_ip_address(ip));
  }
  for (const char* wrong : {"", "1", "1.2.3", "1.2.3.4.5", "1.2.3.256", "01.2.3.4", "1..2.3",
                            ".1.2.3", "1.2.3.", "1.2.3.4 ", ":", ":::", "2001:db8::1::2", "g::1",
                            "1.2.3.4:25", "2001:db8::1%eth0", "::1 "}) {
    INFO(wrong);
    CHECK_FALSE(is_ip_address(wrong));
  }
  CHECK_FALSE(is_ip_address(std::string_view("::1\0", 4)));
}

TEST_CASE("syslog lines of Exim, and of nobody else") {
  struct Case {
    const char* line;
    const char* pid;
    const char* message;
  };
  const Case cases[] = {
      {"Nov 23 10:56:18 mx exim[4184]: H=x", "4184", "H=x"},
      {"<22>Nov 23 10:56:18 exim[4184]: 2026-11-23 10:56:18 H=x", "4184",
       "2026-11-23 10:56:18 H=x"},
      {"2026-11-23T10:56:18.123456+01:00 mx exim4[1]: [1/3] a", "1", "[1/3] a"},
      // journalctl -o short-precise, short-iso, short-iso-precise, short-full
      {"Nov 23 10:56:18.123456 mx exim4[4184]: H=x", "4184", "H=x"},
      {"2026-11-23T10:56:18+0100 mx exim[4184]: H=x", "4184", "H=x"},
      {"2026-11-23T10:56:18.123456+0100 mx exim[4184]: H=x", "4184", "H=x"},
      {"Mon 2026-11-23 10:56:18 CET mx exim[4184]: H=x", "4184", "H=x"},
      // BusyBox
      {"Nov 23 10:56:18 mx mail.info exim[4184]: H=x", "4184", "H=x"},
      {"Nov 23 10:56:18 mail.notice exim[4184]: H=x", "4184", "H=x"},
      // RFC 5424
      {"<22>1 2026-11-23T10:56:18.123456+01:00 mx exim 4184 - - H=x", "4184", "H=x"},
      {"1 2026-11-23T10:56:18Z mx exim4 4184 - - [1/3] a", "4184", "[1/3] a"},
      {R"(<22>1 2026-11-23T10:56:18+01:00 mx exim 1 ID [a b="]\"c"][d] H=x)", "1", "H=x"},
      {"1 2026-11-23T10:56:18Z mx exim 7 - - \xEF\xBB\xBFH=x", "7", "H=x"},
  };
  for (const auto& c : cases) {
    INFO(c.line);
    const auto line = parse_syslog(c.line, civil(2026, 12, 1));
    REQUIRE(line);
    CHECK(line->pid == c.pid);
    CHECK(line->message == c.message);
  }
  for (const char* wrong :
       {"Nov 23 10:56:18 mx sshd[4184]: exim[1]: H=x", "Nov 23 10:56:18 mx exim: H=x",
        "Nov 23 10:56:18 mx exim[]: H=x", "Nov 23 10:56:18 mx exim[1x]: H=x",
        "Nov 23 10:56:18 mx exim[1] H=x", "mx exim[1]: H=x", "<999999>Nov 23 10:56:18 exim[1]: x",
        "Nov 23 10:56:18 mx other exim[1]: H=x", "Nov 23 10:56:18 mx mail.info x exim[1]: H=x",
        "1 2026-11-23T10:56:18Z mx sshd 7 - - exim[1]: H=x",
        "1 2026-11-23T10:56:18Z mx exim - - - H=x", "1 2026-11-23T10:56:18Z mx exim 7 - H=x",
        "1 2026-11-23T10:56:18Z mx exim 7 - [a H=x", "1 Nov 23 10:56:18 mx exim 7 - - H=x",
        "2 2026-11-23T10:56:18Z mx exim 7 - - H=x"}) {
    INFO(wrong);
    CHECK_FALSE(parse_syslog(wrong, civil(2026, 12, 1)));
  }
  const Stamp outer{5, std::nullopt, "outer"};
  CHECK(parse_syslog_message(outer, "2026-11-23 10:56:18 [7] H=x")->payload == "H=x");
  CHECK(parse_syslog_message(outer, "2026-11-23 10:56:18 H=x")->stamp.civil ==
        civil(2026, 11, 23, 39378));
  CHECK(parse_syslog_message(outer, "[7] H=x")->payload == "H=x");
  CHECK(parse_syslog_message(outer, "1xVRUA-00002H-0Z <= a")->message_id == "1xVRUA-00002H-0Z");
  CHECK(parse_syslog_message(outer, "H=x")->stamp.text == "outer");
}

TEST_CASE("pieces of a long entry: joined in order, never read alone, however they begin") {
  using Result = SyslogPieces::Result;
  SyslogPieces pieces;
  std::string_view entry;
  const std::string hostile = "2026-11-23 10:00:00 H=(x) [9.9.9.9] F=<> rejected RCPT <c@d>: x";
  CHECK(pieces.add("1", "[1/2] begin ", entry) == Result::held);
  CHECK(pieces.add("2", "H=whole", entry) == Result::whole);
  CHECK(pieces.add("1", "[2/2] " + hostile, entry) == Result::joined);
  CHECK(entry == "begin " + hostile);
  // The first one is missing, or one in the middle, or it belongs to another process.
  CHECK(pieces.add("1", "[2/2] " + hostile, entry) == Result::held);
  CHECK(pieces.add("1", "[1/3] a", entry) == Result::held);
  CHECK(pieces.add("1", "[3/3] " + hostile, entry) == Result::held);
  CHECK(pieces.add("3", "[2/3] " + hostile, entry) == Result::held);
  CHECK(pieces.lost() == 3);
  // A cut at a newline ends the entry: what follows is no part of its first line.
  CHECK(pieces.add("1", "[1\\2] first", entry) == Result::held);
  CHECK(pieces.add("1", "[2/2] " + hostile, entry) == Result::joined);
  CHECK(entry == "first");
  // Not pieces.
  for (const char* message : {"[0/3] a", "[4/3] a", "[1/3]a", "[177] a", "[1/] a", "x [1/2] a"}) {
    INFO(message);
    CHECK(pieces.add("9", message, entry) == Result::whole);
    CHECK(entry == message);
  }
}

TEST_CASE(
    "the second copy of a refusal in syslog is told, a repeated refusal is not lost for ever") {
  SyslogCopies copies;
  for (int i = 0; i < 50; ++i) {
    const auto message = "entry " + std::to_string(i);
    CHECK_FALSE(copies.is_copy("1", message));
    CHECK_FALSE(copies.is_copy("2", message));
    CHECK(copies.is_copy("1", message));
    CHECK(copies.is_copy("2", message));
  }
  SyslogCopies none(false);
  CHECK_FALSE(none.is_copy("1", "same"));
  CHECK_FALSE(none.is_copy("1", "same"));
  // Without word from the config, single entries show that there are no copies.
  SyslogCopies learned;
  for (int i = 0; i < 50; ++i) learned.is_copy("1", "entry " + std::to_string(i));
  CHECK_FALSE(learned.is_copy("1", "same"));
  CHECK_FALSE(learned.is_copy("1", "same"));
}

TEST_CASE("our ACL's line is taken strictly: one deviation and it is none") {
  const std::string good =
      "exiwarden/1 missing-recipient auth=plain id=Ym9i host=127.0.0.1 "
      "rcpt=bm9ib2R5QGV4YW1wbGUuY29t "
      "at=1795000000000000 pid=12 n=3";
  const auto tagged = parse_tagged(good);
  REQUIRE(tagged);
  CHECK(tagged->id == "bob");
  CHECK(tagged->authenticator == "plain");
  CHECK(tagged->host == "127.0.0.1");
  CHECK(tagged->recipient == "nobody@example.com");
  CHECK(tagged->at_microseconds == 1795000000000000);
  CHECK(tagged->pid == 12);
  CHECK(tagged->count == 3);
  CHECK(tagged->mac.empty());
  CHECK(parse_tagged(good + " mac=00ff")->mac == "00ff");
  CHECK(parse_tagged(good + " mac=00ff")->signed_part == good);
  CHECK(
      parse_tagged("exiwarden/1 missing-recipient auth=- id=- host=::1 rcpt=YQ== at=1 pid=1 n=1"));
  const auto replaced = [&](const std::string& from, const std::string& to) {
    auto text = good;
    return text.replace(text.find(from), from.size(), to);
  };
  const std::string wrong[] = {good + " ",
                               good + " x",
                               " " + good,
                               replaced("auth=plain ", ""),
                               replaced("auth=plain", "auth="),
                               replaced("Ym9i", "Ym9"),
                               replaced("Ym9i", "Ym9="),
                               replaced("Ym9i", "-"),
                               replaced("Ym9i", "YR=="),
                               replaced("Ym9i", "Y m9i"),
                               replaced("127.0.0.1", "127.0.0.x"),
                               replaced("at=1795000000000000", "at=-1"),
                               replaced("at=1795000000000000", "at=99999999999999999999"),
                               replaced("pid=12", "pid="),
                               replaced(" host", "  host"),
                               good + " mac=",
                               good + " mac=XY",
                               good + " mac=00ff x"};
  for (const auto& text : wrong) {
    INFO(text);
    CHECK_FALSE(parse_tagged(text));
  }
}

bool covers(Distrust& distrust, const std::string& line) {
  return distrust.covers(line, parse_prefix(std::string_view(line).substr(0, line.size() - 1)));
}

TEST_CASE("lines behind an arrival entry that is not finished are evidence against nobody") {
  const std::string stamp = "2026-11-23 10:46:56 ";
  const std::string forged =
      stamp + "H=(x) [9.9.9.9] F=<a@b> A=plain:victim rejected RCPT <c@d>: x";
  // A quoted sender with a newline in it; the quote closes later on the forged line.
  Distrust local;
  local.pass_over(stamp + "1xVRZY-0000mY-2f <= \"a\n");
  CHECK(covers(local, forged + "\"@example.com U=nobody P=local S=547\n"));
  CHECK_FALSE(covers(local, forged + "\n"));
  // MAIL's AUTH= with a newline: no size on the arrival's line.
  Distrust remote;
  remote.pass_over(
      stamp + "1xVRqH-0001Nb-2t <= ok@example.com H=(h) [127.0.0.1] P=esmtpa A=plain:bob:x@y\n");
  CHECK(covers(remote, forged + "\n"));
  remote.pass_over("z S=205\n");
  CHECK_FALSE(covers(remote, forged + "\n"));
  // The same sender where its message is refused or its receiving crashes.
  for (const auto* begin :
       {"1xVRZY-0000mY-2f F=<\"a\n", "F=<\"a\n", "1xVRZY-0000mY-2f rejected from <\"a\n",
        "1xVRZY-0000mY-2f SIGSEGV (130 accepting a local non-SMTP message from <\"a\n"}) {
    INFO(begin);
    for (const auto* end :
         {"\"@example.com> rejected by non-SMTP ACL: no\n", "\nz\"@example.com>\n"}) {
      Distrust refused;
      refused.pass_over(stamp + begin);
      const auto lines = forged + end;
      const auto first = lines.find('\n') + 1;
      CHECK(covers(refused, lines.substr(0, first)));
      refused.pass_over(std::string_view(lines).substr(first));
      CHECK_FALSE(covers(refused, forged + "\n"));
    }
  }
  Distrust closed;
  closed.pass_over(stamp + "F=<\"a b\"@example.com> rejected by non-SMTP ACL: no\n");
  CHECK_FALSE(covers(closed, forged + "\n"));
  // Only at the beginning of the entry: elsewhere it may be a client's text.
  Distrust elsewhere;
  elsewhere.pass_over(stamp + "H=(F=<\"a) [192.0.2.1] rejected from <\"a\n");
  CHECK_FALSE(covers(elsewhere, forged + "\n"));
  // A finished entry, quotes and all, casts no doubt on its neighbours.
  Distrust finished;
  finished.pass_over(stamp +
                     "1xVRZY-0000mY-2f <= \"a b\\\"\"@example.com H=(h) [127.0.0.1] P=esmtp S=5\n");
  CHECK_FALSE(covers(finished, forged + "\n"));
  // A blank behind a backslash ends no sender: what looks like the size is still in it.
  Distrust escaped;
  escaped.pass_over(stamp + "1xVRZY-0000mY-2f <= a\\ S=1\n");
  CHECK(covers(escaped, forged + "\n"));
  // It does not reach further than one entry can.
  Distrust far;
  far.pass_over(stamp + "1xVRZY-0000mY-2f <= \"a\n" + std::string(Distrust::kQuotedReach, 'x') +
                "\n");
  CHECK_FALSE(covers(far, forged + "\n"));
}

}  // namespace
}  // namespace parsers
