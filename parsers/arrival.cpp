#include "parsers/arrival.h"

#include <algorithm>

#include "parsers/free_text.h"
#include "parsers/host_field.h"
#include "parsers/scan.h"

namespace parsers {
namespace {

// U= shows at most 127 bytes of the ident answer, each printed as up to four (verify.c).
constexpr std::size_t kMaxIdent = 4 * 127;
// An entry with more readings than this was made to have them.
constexpr int kMaxTries = 500;

// The first blank outside quotes: where an address as Exim parsed it ends.
std::size_t address_end(std::string_view text) {
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;
    } else if (text[i] == '"') {
      quoted = !quoted;
    } else if (text[i] == ' ' && !quoted) {
      return i;
    }
  }
  return std::string_view::npos;
}

// What follows the size holds the Message-ID, the subject and addresses: all of them with their
// quotes in pairs and inner ones escaped, so a place inside one of them leaves an odd number
// behind.
bool quotes_are_paired(std::string_view text) {
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;
    } else if (text[i] == '"') {
      quoted = !quoted;
    }
  }
  return !quoted;
}

// " S=123" and what may follow it.
bool is_size_and_tail(Cursor at) {
  if (!at.eat(" S=")) return false;
  const auto size = at.token();
  const bool digits = !size.empty() && std::all_of(size.begin(), size.end(),
                                                   [](char c) { return c >= '0' && c <= '9'; });
  return digits && !at.at(" S=") && quotes_are_paired(at.rest);
}

// " PRDR", " PRX=..." and " K" stand between the id and the size.
std::string_view without_flags(std::string_view id) {
  for (;;) {
    const auto blank = id.rfind(' ');
    if (blank == std::string_view::npos) return id;
    const auto word = id.substr(blank + 1);
    if (word != "PRDR" && word != "K" && !word.starts_with("PRX=")) return id;
    id = id.substr(0, blank);
  }
}

class Readings {
 public:
  explicit Readings(const Arrival& start) : start_(start) {}

  // After the host, if there is one.
  void from_ident(Cursor at) {
    if (!start_.host) {
      Arrival found = start_;
      if (at.eat(" U=")) found.login = at.token();
      return from_protocol(at, found);
    }
    if (!at.eat(" U=")) return from_protocol(at, start_);
    constexpr std::string_view kNext[] = {" Ci=", " P="};
    for_each_end(at, at.rest.substr(0, kMaxIdent + 1), kNext, [&](const Cursor& next) {
      from_protocol(next, start_);
      return !disagree_;
    });
  }

  [[nodiscard]] const std::optional<Arrival>& first() const { return first_; }
  [[nodiscard]] bool disagree() const { return disagree_; }

 private:
  void from_protocol(Cursor at, const Arrival& found) {
    if (at.eat(" Ci=")) at.token();
    if (at.eat(" P=")) at.token();
    if (at.at(" L") && !at.at(" L=")) {  // " L", " L*", " L.-"
      at.eat(" ");
      at.token();
    }
    if (at.eat(" X=")) at.token();
    if (at.eat(" CV=")) at.token();
    if (!at.eat(" DN=\"")) return from_sni(at, found);
    constexpr std::string_view kNext[] = {" SNI=", " A=", " PRDR", " PRX=", " K", " S="};
    for_each_closing_quote(at, kNext, [&](const Cursor& next) {
      from_sni(next, found);
      return !disagree_;
    });
  }

  void from_sni(Cursor at, const Arrival& found) {
    if (at.eat(" SNI=\"")) {
      constexpr std::string_view kNext[] = {" A=", " PRDR", " PRX=", " K", " S="};
      return for_each_closing_quote(at, kNext, [&](const Cursor& next) {
        from_auth(next, found);
        return !disagree_;
      });
    }
    if (at.eat(" SNI=")) at.token();
    from_auth(at, found);
  }

  void from_auth(Cursor at, Arrival found) {
    if (!at.eat(" A=")) return at_size(at, found);
    const auto name_end = at.rest.find_first_of(" :");
    if (name_end == 0 || name_end == std::string_view::npos) return;
    found.authenticator = at.rest.substr(0, name_end);
    at.rest.remove_prefix(name_end);
    if (!at.eat(":")) return at_size(at, found);
    // A login may hold anything, " S=1" too: every size that could be the entry's own.
    for (auto size = at.rest.find(" S="); size != std::string_view::npos && !disagree_;
         size = at.rest.find(" S=", size + 1)) {
      if (!is_size_and_tail({at.rest.substr(size)})) continue;
      found.id = without_flags(at.rest.substr(0, size));
      add(found);
    }
  }

  void at_size(Cursor at, const Arrival& found) {
    at.eat(" PRDR");
    if (at.eat(" PRX=")) at.token();
    at.eat(" K");
    if (is_size_and_tail(at)) add(found);
  }

  void add(const Arrival& found) {
    if (!first_) {
      first_ = found;
    } else if (found.authenticator != first_->authenticator || found.id != first_->id ||
               found.login != first_->login) {
      disagree_ = true;
    }
    if (++tries_ > kMaxTries) disagree_ = true;
  }

  Arrival start_;
  std::optional<Arrival> first_;
  bool disagree_ = false;
  int tries_ = 0;
};

// From the blank after the sender on.
ArrivalScan read_from(Cursor at, bool junk_helo, Arrival start, Arrival& arrival) {
  if (at.eat(" R=")) start.reference = at.token();
  at.eat(" DS");
  bool has_helo = false;
  if (at.eat(" H=")) {
    const auto host = take_full_host(at);
    if (!host) return ArrivalScan::unreadable;
    start.host = host->ip;
    has_helo = !host->helo.empty();
    if (at.eat(" I=") && !take_bracketed_ip(at)) return ArrivalScan::unreadable;
    if (at.eat(" TFO")) at.eat("*");
  }
  // Every message came from a host or from a login.
  if (!start.host && !at.at(" U=")) return ArrivalScan::unreadable;
  Readings readings(start);
  readings.from_ident(at);
  if (!readings.first()) return ArrivalScan::unreadable;
  if (readings.disagree()) return ArrivalScan::ambiguous;
  arrival = *readings.first();
  if (!junk_helo || !has_helo) return ArrivalScan::read;
  // Where a HELO may hold anything, all up to a later "(...) [ip]" may be HELO.
  for (auto later = at.rest.find(") ["); later != std::string_view::npos;
       later = at.rest.find(") [", later + 1)) {
    Cursor host{at.rest.substr(later + 2)};
    const auto ip = take_bracketed_ip(host);
    if (!ip) continue;
    Arrival other = start;
    other.host = *ip;
    Readings again(other);
    again.from_ident(host);
    if (again.first()) return ArrivalScan::ambiguous;
  }
  return ArrivalScan::read;
}

}  // namespace

ArrivalScan scan_arrival(std::string_view payload, bool junk_helo, Arrival& arrival) {
  if (!payload.starts_with("<= ") && !payload.starts_with("(= "))
    return ArrivalScan::not_an_arrival;
  const auto entry = payload.substr(3);
  const auto end = address_end(entry);
  Arrival start;
  auto result = ArrivalScan::unreadable;
  if (end != std::string_view::npos) {
    start.sender = entry.substr(0, end);
    if (start.sender == "<>") start.sender = {};
    result = read_from({entry.substr(end)}, junk_helo, start, arrival);
  }
  if (result == ArrivalScan::read) return result;
  // control = submission makes the login the sender, as it is: it may hold blanks and single
  // quotes. Then the same text stands at A=, which only Exim can write after a whole host.
  for (auto blank = entry.find(' '); blank != std::string_view::npos;
       blank = entry.find(' ', blank + 1)) {
    if (blank == end || blank == 0) continue;
    start.sender = entry.substr(0, blank);
    Arrival found;
    if (read_from({entry.substr(blank)}, junk_helo, start, found) != ArrivalScan::read) continue;
    const auto id = found.id.value_or("");
    const bool same = !id.empty() && start.sender.starts_with(id) &&
                      (start.sender.size() == id.size() || start.sender[id.size()] == '@');
    if (!same) continue;
    arrival = found;
    return ArrivalScan::read;
  }
  return result;
}

}  // namespace parsers
