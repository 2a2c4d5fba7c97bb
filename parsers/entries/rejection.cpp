#include "parsers/entries/rejection.h"

#include <algorithm>
#include <array>

#include "parsers/fields/argument.h"
#include "parsers/fields/check_results.h"
#include "parsers/fields/host_field.h"
#include "parsers/scan/byte_set.h"
#include "parsers/scan/scan.h"

namespace parsers {
namespace {

constexpr std::string_view kVerb = kRejectedRcpt.text;
constexpr std::string_view kTemporarily = " temporarily";
using AuthenticatorEnd = ByteSet<' ', ':'>;
// U= shows at most 127 bytes of the ident answer, each printed as up to four (verify.c).
constexpr std::size_t kMaxIdent = std::size_t{4} * 127;
// parse.c EXIM_EMAILADDR_MAX is 256; rewriting may lengthen an address.
constexpr std::size_t kMaxSender = 512;
// A line with more possible ends of its free text was made to have them.
constexpr int kMaxTries = 200;

// What stands right behind U= or DN= in entries about something else than a refused RCPT, in every
// version read (smtp_in.c, acl.c, verify.c; the words of acl_wherenames). Message ids stand before
// the entries about DATA.
constexpr std::string_view kOtherEntries[] = {" Warning: ",
                                              " incomplete transaction (",
                                              " dropped by ",
                                              " sender verify fail for <",
                                              " sender verify defer for <",
                                              ": discarded by ",
                                              " rejected MAIL",
                                              " rejected EHLO or HELO ",
                                              " rejected AUTH ",
                                              " rejected DATA",
                                              " rejected after DATA",
                                              " rejected during MIME ACL checks",
                                              " rejected STARTTLS",
                                              " rejected VRFY ",
                                              " rejected EXPN ",
                                              " rejected ETRN ",
                                              " rejected ATRN",
                                              " rejected QUIT",
                                              " rejected NOTQUIT",
                                              " rejected connection in ",
                                              " rejected PREDATA",
                                              " rejected WELLKNOWN",
                                              " rejected unknown "};

bool same_outcome(const Rejection& a, const Rejection& b) {
  return a.temporary == b.temporary && a.authenticator == b.authenticator && a.id == b.id &&
         a.argument == b.argument && a.text == b.text;
}

// All ways to read the part after the host. Only free text (U=, DN=, the quoted SNI= of before
// 4.95) makes more than one; what differs then is not decidable.
class Readings {
 public:
  Readings(const Rejection& host, bool escaped) : host_(host), escaped_(escaped) {}

  void from_ident(Cursor at) {
    if (!at.eat(" U=")) return from_connection_id(at);
    free_text_ = true;
    each_end(at, at.rest.substr(0, kMaxIdent + 1),
             {" Ci=", " X=", " CV=", " DN=\"", " SNI=", " F=<"},
             [&](Cursor next) { from_connection_id(next); });
  }

  // The first reading and whether another one disagrees.
  [[nodiscard]] const std::optional<Rejection>& first() const { return first_; }
  [[nodiscard]] bool disagree() const { return disagree_; }
  // Was a field met whose end is not certain?
  [[nodiscard]] bool free_text() const { return free_text_; }
  [[nodiscard]] Step furthest() const { return furthest_; }

 private:
  template <std::size_t N, class Continue>
  void each_end(Cursor at, std::string_view within, const std::string_view (&starts)[N],
                Continue&& go_on) {
    for (std::size_t i = 0; i <= within.size() && !disagree_; ++i) {
      if (i < at.rest.size() && at.rest[i] != ' ') continue;
      const Cursor next{at.rest.substr(std::min(i, at.rest.size()))};
      for (const auto start : starts) {
        if (next.at(start)) go_on(next);
      }
    }
  }

  void from_connection_id(Cursor at) {
    if (at.eat(" Ci=")) at.token();
    if (at.eat(" X=")) at.token();
    if (at.eat(" CV=")) at.token();
    from_dn(at);
  }

  void from_dn(Cursor at) {
    if (!at.eat(" DN=\"")) return from_sni(at);
    // OpenSSL writes "/C=.../CN=..." with quotes as they are; GnuTLS puts a backslash before them.
    free_text_ = free_text_ || at.at("/");
    if (at.at("/")) return each_quote(at, [&](Cursor next) { from_sni(next); });
    while (!at.rest.empty() && !at.at("\"")) {
      at.rest.remove_prefix(at.at("\\") ? std::min<std::size_t>(2, at.rest.size()) : 1);
    }
    if (at.eat("\"")) from_sni(at);
  }

  void from_sni(Cursor at) {
    // In quotes and with its blanks before 4.95; since then a blank is printed as \040, but a name
    // may begin with a quote.
    if (at.at(" SNI=\"")) {
      free_text_ = true;
      const Cursor quoted{at.rest.substr(6)};
      each_quote(quoted, [&](Cursor next) { from_sender(next); });
    }
    if (at.eat(" SNI=")) at.token();
    from_sender(at);
  }

  // Every closing quote that another field follows.
  template <class Continue>
  void each_quote(Cursor at, Continue&& go_on) {
    for (std::size_t quote = at.rest.find('"'); quote != std::string_view::npos && !disagree_;
         quote = at.rest.find('"', quote + 1)) {
      const Cursor next{at.rest.substr(quote + 1)};
      if (next.at(" SNI=") || next.at(" F=<")) go_on(next);
    }
  }

  void from_sender(Cursor at) {
    if (++tries_ > kMaxTries) {
      disagree_ = true;
      return;
    }
    Rejection found = host_;
    const std::string_view rest = at.rest;
    if (!at.eat(" F=<")) return fail(Step::sender);
    const auto length = address_length(at.rest.substr(0, kMaxSender));
    if (!length) return fail(Step::sender);
    found.sender = at.rest.substr(0, *length);
    at.rest.remove_prefix(*length + 1);
    from_auth(at, found);
    if (first_ && may_be_other_entry(rest)) disagree_ = true;
  }

  void from_auth(Cursor at, Rejection& found) {
    if (at.eat(" A=")) {
      const auto name_end = AuthenticatorEnd::first_in(at.rest);
      if (name_end == 0 || name_end == at.rest.size()) return fail(Step::auth);
      found.authenticator = at.rest.substr(0, name_end);
      at.rest.remove_prefix(name_end);
      found.id = std::string_view{};
      if (at.eat(":")) {
        // The id is Exim's own printing of a checked login, and what a client writes (the RCPT
        // argument) comes after the verb: so the first verb ends the id.
        const auto end = id_end(at.rest);
        if (end == WordFinder::kNone) return fail(Step::verb);
        found.id = without_results(at.rest.substr(0, end));
        at.rest.remove_prefix(end);
      }
    }
    skip_check_results(at);
    found.temporary = at.eat(kTemporarily);
    if (!at.eat(kVerb)) return fail(Step::verb);
    auto length = argument_length(at.rest);
    const auto ends_it = [&] {
      return length == at.rest.size() || begins(at.rest.substr(length), ": ");
    };
    if (escaped_ && !ends_it()) length = escaped_argument_length(at.rest);
    const bool whole = ends_it();
    found.argument = at.rest.substr(0, length);
    at.rest.remove_prefix(length);
    if (length == 0 || !whole) {
      // No argument ends here: if this is a reading at all, then the words are the login's.
      disagree_ = disagree_ || found.id.has_value();
      return fail(Step::verb);
    }
    if (at.eat(": ")) found.text = at.rest;
    add(found);
  }

  // Where the first verb begins, its " temporarily" before it; kNone: nowhere.
  static std::size_t id_end(std::string_view rest) {
    // A verb begins with a blank, and nearly all ids have none.
    const auto blank = std::min(find_near(rest, ' '), rest.size());
    const auto from = rest.substr(blank);
    if (begins(from, kVerb) ||
        (begins(from, kTemporarily) && begins(from.substr(kTemporarily.size()), kVerb))) {
      return blank;
    }
    const auto verb = kFindRejectedRcpt.find(rest, blank);
    const bool temporary =
        verb != WordFinder::kNone && rest.substr(0, verb).ends_with(kTemporarily);
    return temporary ? verb - kTemporarily.size() : verb;
  }

  // 4.100 prints " SPF=pass" and " DMARC=none" between the id and the verb (receive.c).
  static std::string_view without_results(std::string_view id) {
    for (;;) {
      const auto blank = id.rfind(' ');
      if (blank == std::string_view::npos) return id;
      const auto word = id.substr(blank + 1);
      if (!(word.starts_with("SPF=") || word.starts_with("DMARC=") || word == "SPF" ||
            word == "DMARC")) {
        return id;
      }
      id = id.substr(0, blank);
    }
  }
  // Where free text stands, all that was read may be that text, if the rest can be another entry's.
  [[nodiscard]] bool may_be_other_entry(std::string_view rest) const {
    return free_text_ &&
           std::any_of(std::begin(kOtherEntries), std::end(kOtherEntries),
                       [&](auto words) { return rest.find(words) != std::string_view::npos; });
  }

  void add(const Rejection& found) {
    if (!first_) {
      first_ = found;
    } else if (!same_outcome(*first_, found)) {
      disagree_ = true;
    }
  }
  void fail(Step step) { furthest_ = std::max(furthest_, step); }

  Rejection host_;
  bool escaped_;
  std::optional<Rejection> first_;
  bool disagree_ = false;
  bool free_text_ = false;  // ident, or a name as OpenSSL prints it
  Step furthest_ = Step::sender;
  int tries_ = 0;
};

bool same_letters(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [&](char x, char y) { return lower(x) == lower(y); });
}

// The part of the text that is not a remote server's answer to this recipient: in an answer
// anything may stand. "host [ip] : SMTP error from remote mail server after RCPT TO:<...>: "
std::string_view before_reply(const Rejection& rejection) {
  constexpr std::string_view kReply = "] : SMTP error from remote mail server after RCPT TO:";
  constexpr WordFinder kFindReply{{kReply, 5}};
  const auto text = rejection.text;
  const auto at = kFindReply.find(text);
  if (at == std::string_view::npos) return text;
  const auto recipient = text.substr(at + kReply.size(), rejection.argument.size());
  return same_letters(recipient, rejection.argument) ? text.substr(0, at) : text;
}

// Is there an end of the argument so that Exim can have printed it, and nothing of a kind is found
// behind it? More than one end is possible where a comment is left open (argument.h).
template <class FoundFrom>
bool is_all_argument(const Rejection& rejection, FoundFrom&& found_from) {
  const auto argument = rejection.argument;
  for (auto end = std::min(argument.find(": "), argument.size());;
       end = std::min(argument.find(": ", end + 1), argument.size())) {
    if (could_be_argument(argument.substr(0, end)) && !found_from(end)) return true;
    if (end == argument.size()) return false;
  }
}

// Could a login that holds " rejected RCPT " have made this line? Then what we took for argument
// and text is still the login's. A client can put the words into an argument that Exim accepts and
// prints as it is; if that were a doubt, every spammer could make its lines doubtful. So only an
// argument that Exim can't have printed raises it, and words in a text that is Exim's own. What
// this leaves: a login that holds the words and so much of an address that its rest and the
// argument used with it are one, or one that holds a whole entry with a server's answer, is taken
// for the shorter login in it.
bool has_second_verb(const Rejection& rejection, std::string_view rest) {
  if (!rejection.id || kFindRejectedRcpt.find(rest) == WordFinder::kNone) return false;
  const auto reply = rest.size() - rejection.text.size() + before_reply(rejection).size();
  return kFindRejectedRcpt.find(rest) < reply &&
         !is_all_argument(
             rejection, [&](std::size_t end) { return kFindRejectedRcpt.find(rest, end) < reply; });
}

// Another "(...) [ip]" further on, beginning within `length`. Then everything before may be HELO;
// with `whole`, only if the rest of the line reads as a whole entry from there.
bool has_later_host(std::string_view rest, std::size_t length, bool whole, bool escaped) {
  for (auto at = rest.find(") ["); at < length; at = rest.find(") [", at + 1)) {
    Cursor cursor{rest.substr(at + 2)};
    if (!take_bracketed_ip(cursor)) continue;
    if (!whole) return true;
    Cursor interface = cursor;
    if (interface.eat(" I=") && take_bracketed_ip(interface)) cursor = interface;
    Readings readings{Rejection{}, escaped};
    readings.from_ident(cursor);
    if (readings.first() || readings.disagree()) return true;
  }
  return false;
}

// Where junk is known to pass, all that follows the host may still be HELO. Elsewhere only free
// text before the sender raises the question, what Exim itself wrote after the argument, and an
// argument that can't be one: to ask it of F= or of any argument would let a spammer make its own
// lines doubtful.
bool may_be_helo(const Rejection& rejection, std::string_view after_host, bool free_text,
                 bool junk_helo, bool escaped) {
  if (after_host.find(") [") == std::string_view::npos) return false;  // as in nearly all
  if (junk_helo) return has_later_host(after_host, after_host.size(), false, escaped);
  const auto place = [&](std::string_view field) {
    return static_cast<std::size_t>(field.data() - after_host.data());
  };
  if (free_text && has_later_host(after_host, place(rejection.sender), true, escaped)) return true;
  const auto argument = after_host.substr(place(rejection.argument));
  const auto host_from = [&](std::size_t begin) {
    return has_later_host(argument.substr(begin), rejection.argument.size() - begin, true, escaped);
  };
  if (host_from(0) && !is_all_argument(rejection, host_from)) return true;
  return has_later_host(rejection.text, before_reply(rejection).size(), true, escaped);
}

// Argument and text together, as they stand in the line, and the blank before them.
std::string_view from_argument(const Rejection& rejection, std::string_view line) {
  return line.substr(static_cast<std::size_t>(rejection.argument.data() - line.data()) - 1);
}

Scan failed(Step step) {
  return {std::nullopt, Doubt::none, step};
}

// "U=LOGIN F=<...": a message handed in by exim -bs, without any host.
Scan scan_local(std::string_view payload, bool escaped) {
  Cursor cursor{payload};
  cursor.eat("U=");
  cursor.token();
  Readings readings{Rejection{}, escaped};
  readings.from_ident(cursor);
  if (!readings.first()) return failed(Step::not_ours);
  return {readings.first(), Doubt::none, Step::not_ours};
}

}  // namespace

std::string_view name_of(Step step) {
  constexpr std::array<std::string_view, kSteps> kNames{"not_ours", "host", "interface",
                                                        "sender",   "auth", "verb"};
  return kNames[static_cast<std::size_t>(step)];
}

Scan scan_rejection(std::string_view payload, bool junk_helo, bool escaped) {
  Cursor cursor{payload};
  if (!cursor.eat("H=") && !cursor.eat(" DSH=")) {
    return payload.starts_with("U=") ? scan_local(payload, escaped) : failed(Step::not_ours);
  }
  const auto host = take_full_host(cursor);
  if (!host) return failed(Step::host);
  if (cursor.eat(" I=") && !take_bracketed_ip(cursor)) return failed(Step::interface);

  const std::string_view after_host = cursor.rest;
  Rejection start;
  start.host = host->ip;
  start.helo = host->helo;
  Readings readings{start, escaped};
  readings.from_ident(cursor);
  if (!readings.first()) return failed(readings.furthest());

  Scan scan{readings.first(), Doubt::none, Step::not_ours};
  if (!host->helo.empty() && may_be_helo(*scan.rejection, after_host, readings.free_text(),
                                         junk_helo || is_scoped_literal(host->helo), escaped)) {
    scan.doubt = Doubt::helo;
  } else if (readings.disagree()) {
    scan.doubt = Doubt::ident_or_dn;
  } else if (has_second_verb(*scan.rejection, from_argument(*scan.rejection, payload))) {
    scan.doubt = Doubt::second_verb;
  }
  return scan;
}

std::string_view without_brackets(std::string_view argument) {
  if (argument.size() >= 2 && argument.front() == '<' && argument.back() == '>') {
    return argument.substr(1, argument.size() - 2);
  }
  return argument;
}

}  // namespace parsers
