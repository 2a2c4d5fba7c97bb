#include "actions/send/mail.h"

#include <algorithm>
#include <sstream>

#include "tests/catch.h"

using actions::compose;
using actions::is_mail_address;
using actions::Mail;

namespace {

Mail sample() {
  return {"exiwarden@example.org",
          {"abuse@example.org"},
          "a subject",
          std::chrono::sys_seconds(std::chrono::seconds(1795426955)),
          "id.1@example.org",
          "text\n"};
}

std::string composed(const Mail& mail) {
  const auto text = compose(mail);
  REQUIRE(text);
  return text.value();
}

std::vector<std::string> header_lines(const std::string& message) {
  std::istringstream in(message.substr(0, message.find("\n\n") + 1));
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

std::string decode64(std::string_view text) {
  const std::string digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  unsigned bits = 0, have = 0;
  for (const char c : text) {
    const auto value = digits.find(c);
    if (value == std::string::npos) continue;
    bits = bits << 6 | static_cast<unsigned>(value);
    have += 6;
    if (have >= 8) out.push_back(static_cast<char>(bits >> (have -= 8) & 255));
  }
  return out;
}

// The subject as a reader sees it: unfolded, encoded words decoded.
std::string subject_of(const std::string& message) {
  std::string raw;
  bool inside = false;
  for (const auto& line : header_lines(message)) {
    inside = line.starts_with("Subject: ") || (inside && line.starts_with(" "));
    if (inside) raw += line.starts_with("Subject: ") ? line.substr(9) : line;
  }
  if (raw.find("=?utf-8?B?") == std::string::npos) return raw;
  std::string out;
  for (std::size_t at = 0; (at = raw.find("=?utf-8?B?", at)) != std::string::npos;) {
    const auto end = raw.find("?=", at + 10);
    out += decode64(std::string_view(raw).substr(at + 10, end - at - 10));
    at = end;
  }
  return out;
}

}  // namespace

TEST_CASE("a plain mail, byte for byte") {
  auto mail = sample();
  mail.to = {"abuse@example.org", "second@example.net"};
  CHECK(composed(mail) ==
        "Date: Mon, 23 Nov 2026 09:42:35 +0000\n"
        "From: exiwarden@example.org\n"
        "To: abuse@example.org,\n second@example.net\n"
        "Subject: a subject\n"
        "Message-ID: <id.1@example.org>\n"
        "Auto-Submitted: auto-generated\n"
        "MIME-Version: 1.0\n"
        "Content-Type: text/plain; charset=utf-8\n"
        "Content-Transfer-Encoding: 7bit\n"
        "\n"
        "text\n");
}

TEST_CASE("a subject comes out as it went in, on lines that are allowed") {
  const std::string subjects[] = {
      "",
      "short",
      "[mx1.example.org] user somebody.with.a.long.name@a-long-domain.example.org blocked: 100 "
      "refused",
      std::string(300, 'x'),
      "words " + std::string(90, 'y') + " more words and more words and more words and more words",
      "J\xc3\xbcrgen",
      std::string(40, 'a') +
          "\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac and so on \xf0\x9f\x98\x80 until it is long "
          "\xc3\xbc",
      "=?utf-8?B?c3Bvb2Y=?=",
      "two  blanks" + std::string(70, 'x') + "  two  again  " + std::string(70, 'z'),
      " leading",
  };
  for (const auto& subject : subjects) {
    auto mail = sample();
    mail.subject = subject;
    const auto message = composed(mail);
    INFO(message);
    CHECK(subject_of(message) == subject);
    for (const auto& line : header_lines(message)) {
      CHECK(line.size() <= 998);
      if (line.find("=?") != std::string::npos) CHECK(line.size() <= 76);
      CHECK(line.find_first_not_of(' ') != std::string::npos);
      CHECK(std::all_of(line.begin(), line.end(),
                        [](char c) { return static_cast<unsigned char>(c) < 0x80; }));
    }
    CHECK(header_lines(message).size() >= 9);
  }
}

TEST_CASE("nothing in a subject can begin another header") {
  auto mail = sample();
  for (const char* nasty : {"x\r\nBcc: victim@example.net", "x\nBcc: victim@example.net\n\nbody",
                            "x\rBcc: y", "a\tb\x1b"}) {
    mail.subject = nasty;
    const auto lines = header_lines(composed(mail));
    CHECK(lines.size() == 9);
    for (const auto& line : lines) {
      CHECK_FALSE(line.starts_with("Bcc"));
      CHECK(line.find_first_of("\r\t\x1b") == std::string::npos);
    }
  }
  mail.subject = std::string(5000, 'x') + "\xc3\xbc";
  CHECK(composed(mail).size() < 2500);
  mail.subject = std::string(799, 'x') + "\xc3\xbc and more";
  CHECK(subject_of(composed(mail)) == std::string(799, 'x'));
}

TEST_CASE("bodies: ASCII, UTF-8, and lines too long for SMTP") {
  auto mail = sample();
  mail.body =
      "Gr\xc3\xbc\xc3\x9f"
      "e\n.\n..dots\n";
  auto message = composed(mail);
  CHECK(message.find("Content-Transfer-Encoding: 8bit\n") != std::string::npos);
  CHECK(message.ends_with("\n\n" + mail.body));
  mail.body = "short\n" + std::string(2000, 'x') + "\nend\n";
  message = composed(mail);
  CHECK(message.find("Content-Transfer-Encoding: base64\n") != std::string::npos);
  std::istringstream lines(message);
  for (std::string line; std::getline(lines, line);) CHECK(line.size() <= 78);
  CHECK(decode64(message.substr(message.find("\n\n"))) ==
        "short\r\n" + std::string(2000, 'x') + "\r\nend\r\n");
}

TEST_CASE("a page is attached beside the text, and no text ends it early") {
  auto mail = sample();
  mail.body = "Gr\u00fc\u00dfe\n--=_exiwarden--\n--=_exiwarden_\n";
  mail.page = "<!doctype html>\n" + std::string(200, 'x') + "\n";
  const auto message = composed(mail);
  const auto line = std::string("Content-Type: multipart/mixed; boundary=\"");
  const auto begin = message.find(line) + line.size();
  REQUIRE(begin > line.size());
  const auto boundary = message.substr(begin, message.find('"', begin) - begin);
  CHECK(mail.body.find(boundary) == std::string::npos);
  // As a reader takes it apart: the parts between the lines of the boundary.
  std::vector<std::string> parts;
  for (auto at = message.find("\n--" + boundary + "\n"); at != std::string::npos;) {
    at += boundary.size() + 4;
    auto next = message.find("\n--" + boundary + "\n", at);
    const auto end =
        next != std::string::npos ? next : message.find("\n--" + boundary + "--\n", at);
    REQUIRE(end != std::string::npos);
    parts.push_back(message.substr(at, end - at));
    at = next;
  }
  REQUIRE(parts.size() == 2);
  CHECK(parts[0] ==
        "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n" + mail.body);
  CHECK(parts[1].starts_with(
      "Content-Type: text/html; charset=utf-8\nContent-Disposition: attachment; "
      "filename=\"report.html\"\nContent-Transfer-Encoding: base64\n\n"));
  CHECK(decode64(parts[1].substr(parts[1].find("\n\n"))) ==
        "<!doctype html>\r\n" + std::string(200, 'x') + "\r\n");
  CHECK(message.ends_with("\n--" + boundary + "--\n"));
}

TEST_CASE("what can't be a mail is an error") {
  const auto fails = [](const Mail& mail) { return !compose(mail); };
  auto mail = sample();
  mail.to.clear();
  CHECK(fails(mail));
  for (const char* bad : {"", "x", "a@b@c", "a b@c", "a@b\nBcc: x@y", "<a@b>", "a@", "@b"}) {
    mail = sample();
    mail.to = {"good@example.org", bad};
    CHECK(fails(mail));
    mail = sample();
    mail.from = bad;
    CHECK(fails(mail));
    mail = sample();
    mail.message_id = bad;
    CHECK(fails(mail));
  }
  mail = sample();
  mail.body = "a\rb";
  CHECK(fails(mail));
  mail.body = std::string("a\0b", 3);
  CHECK(fails(mail));
}

TEST_CASE("addresses that may go into an envelope") {
  for (const char* good :
       {"a@b", "first.last@example.org", "a+b=c{d}@sub.example.org", "x@a-b.example", "o'hara@x.y"})
    CHECK(is_mail_address(good));
  for (const char* bad :
       {"",        "a",     "@b",    "a@",     "-a@b",       ".a@b",          "a.@b",
        "a..b@c",  "a@.b",  "a@b.",  "a@b..c", "a@b_c",      "a@[192.0.2.1]", "a@b@c",
        "\"a\"@b", "a b@c", "a@b c", "a@b\n",  "\xc3\xbc@b", "a@\xc3\xbc",    "a,b@c",
        "a;b@c",   "a@b>",  "a@b!c"}) {
    INFO(bad);
    CHECK_FALSE(is_mail_address(bad));
  }
  CHECK_FALSE(is_mail_address(std::string(250, 'a') + "@b.example"));
}
