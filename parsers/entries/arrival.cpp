#include "parsers/entries/arrival.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <vector>

#include "parsers/fields/check_results.h"
#include "parsers/fields/free_text.h"
#include "parsers/fields/host_field.h"
#include "parsers/scan/scan.h"

namespace parsers {
namespace {

// U= shows at most 127 bytes of the ident answer, each printed as up to four (verify.c).
constexpr std::size_t kMaxIdent = std::size_t{4} * 127;
// Beyond this an entry was made to have many readings: nobody can be told from it.
constexpr int kMaxTries = 500;
// A login that control = submission made the sender, and a domain.
constexpr std::size_t kMaxSender = 512;

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

// Where the entry's own size " S=123" can be. What follows it holds the Message-ID, the subject and
// addresses: all of them with their quotes in pairs and inner ones escaped, so a place inside one
// of them leaves an odd number behind. Places are told by the length of the rest from there on.
class Sizes {
 public:
  explicit Sizes(std::string_view entry) {
    constexpr auto kNone = std::string_view::npos;
    if (entry.find('"') == kNone && entry.find('\\') == kNone) {
      without_quotes(entry);
    } else {
      with_quotes(entry);
    }
  }
  [[nodiscard]] bool is_at(const Cursor& at) const {
    return std::binary_search(rests_.begin(), rests_.end(), at.rest.size());
  }
  // Calls go_on(cursor) for each place from here on, while it returns true.
  template <class GoOn>
  void each_from(const Cursor& at, GoOn&& go_on) const {
    for (auto rest = std::upper_bound(rests_.begin(), rests_.end(), at.rest.size());
         rest != rests_.begin();) {
      --rest;
      if (!go_on(Cursor{at.rest.substr(at.rest.size() - *rest)})) return;
    }
  }

 private:
  void with_quotes(std::string_view entry) {
    std::size_t word_end = entry.size();
    bool odd = false;  // quotes from here on, and from the next byte on
    bool odd_next = false;
    bool odd_at_word_end = false;
    for (auto i = entry.size(); i-- > 0;) {
      const bool here = entry[i] == '\\' ? odd_next : odd != (entry[i] == '"');
      odd_next = odd;
      odd = here;
      if (entry[i] != ' ') continue;
      if (!odd_at_word_end) word(entry, i, word_end);
      word_end = i;
      odd_at_word_end = odd;
    }
  }
  // The same, from blank to blank.
  void without_quotes(std::string_view entry) {
    for (auto end = entry.size();;) {
      const void* blank = ::memrchr(entry.data(), ' ', end);
      if (blank == nullptr) return;
      const auto begin = static_cast<std::size_t>(static_cast<const char*>(blank) - entry.data());
      word(entry, begin, end);
      end = begin;
    }
  }
  void word(std::string_view entry, std::size_t begin, std::size_t end) {
    if (is_size(entry.substr(begin, end - begin)) && !begins(entry.substr(end), " S=")) {
      rests_.push_back(entry.size() - begin);
    }
  }
  static bool is_size(std::string_view text) {
    return begins(text, " S=") && text.size() > 3 &&
           std::all_of(text.begin() + 3, text.end(), [](char c) { return c >= '0' && c <= '9'; });
  }
  std::vector<std::size_t> rests_;  // in rising order
};

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
  // `tries`: what is left for this entry.
  Readings(const Arrival& start, const Sizes& sizes, int& tries)
      : start_(start), sizes_(sizes), tries_(tries) {}

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
    if (!try_one()) return;
    if (at.eat(" Ci=")) at.token();
    if (at.eat(" P=")) at.token();
    skip_check_results(at);
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
    if (!try_one()) return;
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
    if (!try_one()) return;
    if (!at.eat(" A=")) return at_size(at, found);
    const auto name_end = at.rest.find_first_of(" :");
    if (name_end == 0 || name_end == std::string_view::npos) return;
    found.authenticator = at.rest.substr(0, name_end);
    at.rest.remove_prefix(name_end);
    if (!at.eat(":")) return at_size(at, found);
    // A login may hold anything, " S=1" too: every size that could be the entry's own.
    sizes_.each_from(at, [&](const Cursor& size) {
      found.id = without_flags(at.rest.substr(0, at.rest.size() - size.rest.size()));
      found.measures = size.rest;
      add(found);
      return !disagree_;
    });
  }

  void at_size(Cursor at, Arrival found) {
    at.eat(" PRDR");
    if (at.eat(" PRX=")) at.token();
    at.eat(" K");
    found.measures = at.rest;
    if (sizes_.is_at(at)) add(found);
  }

  void add(const Arrival& found) {
    if (!first_) {
      first_ = found;
    } else if (found.authenticator != first_->authenticator || found.id != first_->id ||
               found.login != first_->login) {
      disagree_ = true;
    }
  }
  bool try_one() {
    disagree_ = disagree_ || --tries_ < 0;
    return !disagree_;
  }

  Arrival start_;
  std::optional<Arrival> first_;
  bool disagree_ = false;
  const Sizes& sizes_;
  int& tries_;
};

// From the blank after the sender on.
ArrivalScan read_from(Cursor at, bool junk_helo, const Sizes& sizes, int& tries, Arrival start,
                      Arrival& arrival) {
  if (at.eat(" R=")) start.reference = at.token();
  at.eat(" DS");
  bool has_helo = false;
  if (at.eat(" H=")) {
    const auto host = take_full_host(at);
    if (!host) return ArrivalScan::unreadable;
    start.host = host->ip;
    has_helo = !host->helo.empty();
    junk_helo = junk_helo || is_scoped_literal(host->helo);
    if (at.eat(" I=") && !take_bracketed_ip(at)) return ArrivalScan::unreadable;
    if (at.eat(" TFO")) at.eat("*");
  }
  // Every message came from a host or from a login.
  if (!start.host && !at.at(" U=")) return ArrivalScan::unreadable;
  Readings readings(start, sizes, tries);
  readings.from_ident(at);
  if (readings.disagree()) return ArrivalScan::ambiguous;
  if (!readings.first()) return ArrivalScan::unreadable;
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
    Readings again(other, sizes, tries);
    again.from_ident(host);
    if (again.first() || again.disagree()) return ArrivalScan::ambiguous;
  }
  return ArrivalScan::read;
}

}  // namespace

ArrivalScan scan_arrival(std::string_view payload, bool junk_helo, Arrival& arrival) {
  if (!payload.starts_with("<= ") && !payload.starts_with("(= "))
    return ArrivalScan::not_an_arrival;
  const auto entry = payload.substr(3);
  const auto end = address_end(entry);
  const Sizes sizes(entry);
  int tries = kMaxTries;
  Arrival start;
  auto result = ArrivalScan::unreadable;
  if (end != std::string_view::npos) {
    start.sender = entry.substr(0, end);
    if (start.sender == "<>") start.sender = {};
    result = read_from({entry.substr(end)}, junk_helo, sizes, tries, start, arrival);
  }
  if (result == ArrivalScan::read) return result;
  // control = submission makes the login the sender, as it is: it may hold blanks and single
  // quotes. Then the same text stands at A=, which only Exim can write after a whole host.
  for (auto blank = entry.find(' '); blank < kMaxSender && tries > 0;
       blank = entry.find(' ', blank + 1)) {
    if (blank == end || blank == 0) continue;
    start.sender = entry.substr(0, blank);
    Arrival found;
    if (read_from({entry.substr(blank)}, junk_helo, sizes, tries, start, found) !=
        ArrivalScan::read)
      continue;
    const auto id = found.id.value_or("");
    const bool same = !id.empty() && start.sender.starts_with(id) &&
                      (start.sender.size() == id.size() || start.sender[id.size()] == '@');
    if (!same) continue;
    arrival = found;
    return ArrivalScan::read;
  }
  return result;
}

// The Message-ID, the subject and addresses have their quotes in pairs (Sizes), and the list is the
// last field.
std::string_view recipients_of(const Arrival& arrival) {
  constexpr std::string_view kFor = " for ";
  const auto text = arrival.measures;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (!quoted && text[i] == ' ' && begins(text.substr(i), kFor))
      return text.substr(i + kFor.size());
    if (text[i] == '"') quoted = !quoted;
    if (text[i] == '\\') ++i;
  }
  return {};
}

ArrivalDetails details_of(const Arrival& arrival) {
  ArrivalDetails details;
  const auto text = arrival.measures;
  if (text.size() > 3) std::from_chars(text.data() + 3, text.data() + text.size(), details.size);
  // The Message-ID before it has no blank outside quotes, and its quotes come in pairs (Sizes).
  constexpr std::string_view kSubject = " T=\"";
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (!quoted && text.substr(i).starts_with(kSubject)) {
      const auto subject = text.substr(i + kSubject.size());
      std::size_t end = 0;
      while (end < subject.size() && subject[end] != '"') end += subject[end] == '\\' ? 2 : 1;
      details.subject = subject.substr(0, end);
      break;
    }
    if (text[i] == '"') quoted = !quoted;
    if (text[i] == '\\') ++i;
  }
  return details;
}

}  // namespace parsers
