#include "hostile_lines.h"

#include <algorithm>
#include <initializer_list>
#include <vector>

namespace hostile_lines {
namespace {

const std::vector<std::string> kHostile{
    "\"",
    "\\",
    "<",
    ">",
    "(",
    ")",
    "[",
    "]",
    "=",
    ":",
    ": ",
    "@",
    ",",
    " ",
    "a",
    "bob",
    "victim",
    "x.y",
    "\\\"",
    " rejected RCPT ",
    " rejected RCPT <",
    " temporarily rejected RCPT <",
    " A=plain:victim",
    " A=plain:victim rejected RCPT <c@d>: Unrouteable address",
    ") [9.9.9.9]",
    ") [9.9.9.9] F=<> rejected RCPT <c@d>",
    ") [9.9.9.9] U=",
    " F=<",
    " F=<a@b>",
    "F=<>",
    " U=",
    " DN=\"",
    " DN=\"/",
    "\" F=<a@b> A=plain:victim rejected RCPT <c@d>",
    "\" SNI=",
    " SNI=\"",
    " X=a:b",
    " Ci=1",
    " I=[9.9.9.9]:25",
    "@d>: relay not permitted",
    ": mailbox full",
    " : SMTP error from remote mail server after RCPT TO:<x@y>: 550 ",
    "<a@b>",
    "\t",
    "\001",
    "\033[31m",
    "\303\251",
    "\r",
    "**** log string overflowed log buffer ****"};

class Writer {
 public:
  explicit Writer(std::mt19937& random) : random_(random) {}

  Line line() {
    Line line;
    auto& truth = line.truth;
    std::string& out = line.payload;
    truth.host = pick({"192.0.2.1", "127.0.0.1", "2001:db8::1", "::1", "255.255.255.255"});
    out = odds(50) ? " DSH=" : "H=";
    if (odds(4) || out != "H=") out += pick({"mail.example", "a_b.c-d", "x/y"}) + " ";
    if (!odds(5)) out += "(" + helo(line) + ") ";
    out += "[" + truth.host + "]" + (odds(3) ? ":45118" : "");
    if (odds(4)) out += odds(2) ? " I=[127.0.0.1]:25" : " I=[127.0.0.1]";
    if (odds(20)) {
      out += " U=" + free_text(60, false);
      line.undecidable = true;
    }
    if (odds(6)) out += " Ci=2635";
    if (odds(4)) tls(line);
    truth.sender = sender();
    out += " F=<" + truth.sender + ">";
    if (!odds(3)) login(line);
    if (odds(20)) out += pick({" SPF=pass", " SPF", " DMARC=none", " SPF=fail DMARC=reject"});
    truth.temporary = odds(8);
    out += truth.temporary ? " temporarily rejected RCPT " : " rejected RCPT ";
    const auto whole = argument();
    truth.argument = whole.substr(0, 100);
    out += truth.argument;
    text(line, whole);
    return line;
  }

 private:
  bool odds(unsigned one_in) { return random_() % one_in == 0; }
  std::string pick(std::initializer_list<const char*> choices) {
    return *(choices.begin() + random_() % choices.size());
  }
  std::string hostile(unsigned most) {
    std::string text;
    for (auto count = random_() % (most + 1); count > 0; --count) {
      text += kHostile[random_() % kHostile.size()];
    }
    return text;
  }
  // string_printing: control bytes and bytes over 126 as escapes; the tab stays.
  static std::string printed(const std::string& text) {
    std::string out;
    for (const char c : text) {
      const auto byte = static_cast<unsigned char>(c);
      if ((byte >= ' ' && byte < 0x7f) || byte == '\t') {
        out += c;
      } else {
        out += '\\';
        for (const int shift : {6, 3, 0}) out += static_cast<char>('0' + (byte >> shift & 7));
      }
    }
    return out;
  }
  std::string free_text(std::size_t most, bool whole_line) {
    std::string text = whole_line ? "u F=<a@b> A=plain:victim rejected RCPT <c@d>: x" : hostile(4);
    return printed(text).substr(0, most);
  }

  std::string helo(Line& line) {
    if (!odds(12)) return pick({"client.test", "h", "[127.0.0.5]", "a-b.c", "[IPv6:2001:db8::1]"});
    line.junk = true;
    std::string text;
    do {
      text = "x" + hostile(4);
    } while (text.find('\n') != std::string::npos);
    return text;
  }

  void tls(Line& line) {
    auto& out = line.payload;
    out += " X=TLS1.3:ECDHE_X25519__AES_256_GCM:256";
    if (odds(5)) out += "*";
    if (odds(2)) out += odds(2) ? " CV=no" : " CV=yes";
    if (odds(3)) {
      if (odds(4)) {
        out += " DN=\"/O=" + printed(hostile(3)) + "\"";  // OpenSSL escapes nothing
        line.undecidable = true;
      } else {
        std::string name;
        for (const char c : printed(hostile(3))) {
          if (c == '"' || c == '<' || c == '>' || c == '\\') name += '\\';
          name += c;
        }
        out += " DN=\"CN=" + name + "\"";
      }
    }
    if (odds(3)) {
      std::string name;
      for (const char c : printed(hostile(3))) {
        name += c == ' ' ? "\\040" : c == '\t' ? "\\t" : std::string(1, c);
      }
      if (name.empty()) name = "sni.example";
      if (name[0] == '"') line.undecidable = true;
      out += " SNI=" + name;
    }
  }

  std::string quoted(const std::string& text) {
    std::string out = "\"";
    for (const char c : text) {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
    return out + "\"";
  }
  std::string local_part() {
    switch (random_() % 5) {
      case 0:
      case 1:
        return pick({"nobody", "a=b", "x+y=z", "rejected", "u\\ v", "a\\\"b", "\303\251t\303\251"});
      case 2:
        return pick({"a", "b"}) + "." + quoted(hostile(3)) + "." + pick({"c", "d"});
      default:
        return quoted(hostile(4));
    }
  }
  std::string sender() {
    if (odds(6)) return "";
    if (odds(3)) return "bob@example.com";
    return local_part() + "@" + pick({"example.com", "[127.0.0.1]", "b"});
  }

  void login(Line& line) {
    auto& truth = line.truth;
    truth.authenticated = true;
    truth.authenticator = pick({"plain", "login_server", "dovecot-plain"});
    line.payload += " A=" + truth.authenticator;
    if (odds(15)) return;  // sets no id
    truth.id = odds(2) ? "bob@example.com" : printed(hostile(3));
    // A login that ends like Exim's own words is not told from them.
    if (truth.id.find("SPF") != std::string::npos || truth.id.ends_with(" temporarily")) {
      truth.id = "bob";
    }
    if (truth.id.find(" rejected RCPT") != std::string::npos) line.undecidable = true;
    line.payload += ":" + truth.id;
  }

  std::string comment() { return "(" + hostile(2) + (odds(4) ? "" : ")"); }
  // Anything that Exim takes for an address and prints as it is; found by trying.
  std::string argument() {
    for (int tries = 0; tries < 20; ++tries) {
      std::string text;
      if (odds(6)) text += comment();
      const bool angle = !odds(5);
      if (angle && odds(3)) {
        text += pick({"Foo Bar ", "a rejected RCPT b ", "x\\: y ", "a"});
        if (odds(2)) text += quoted(hostile(3));
      }
      if (angle) text += "<";
      if (odds(8)) text += pick({"@a:", "@a: ", "@a,@b:"});
      if (odds(10)) text += comment();
      text += local_part() + "@" + pick({"example.com", "d"});
      if (odds(10)) text += comment();
      if (angle) text += ">";
      if (odds(8)) text += comment();
      text = second_reading::as_logged(text);
      if (text.find('\n') == std::string::npos && second_reading::exim_accepts(text)) return text;
    }
    return "<nobody@example.com>";
  }

  void text(Line& line, const std::string& whole_argument) {
    auto& text = line.truth.text;
    // Exim asks the server about the address alone; an argument in other dress is not it.
    const bool same = whole_argument[0] == '<' && whole_argument[1] != '@' &&
                      whole_argument.find('(') == std::string::npos;
    switch (random_() % 8) {
      case 0:
        return;
      case 1:
        text = "mx.example [192.0.2.9] : SMTP error from remote mail server after RCPT TO:" +
               (same ? whole_argument : "<a@b>") + ": 550 no such user" + printed(hostile(4));
        if (!same && looks_like_entry(text)) line.undecidable = true;
        break;
      case 2:  // an ACL's or a router's text that repeats what the client wrote
        text = "no such user " + hostile(3);
        if (looks_like_entry(text)) line.undecidable = true;
        break;
      default:
        text = "Unrouteable address";
    }
    line.payload += ": " + text;
  }

  static bool looks_like_entry(const std::string& text) {
    return text.find("rejected RCPT ") != std::string::npos ||
           text.find(") [") != std::string::npos;
  }

  std::mt19937& random_;
};

}  // namespace

Line Generator::line() {
  return Writer(random_).line();
}

}  // namespace hostile_lines
