#include "parsers/fields/rcpt_address.h"

namespace parsers {
namespace {

bool ends_atom(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte <= ' ' || byte == 0x7f ||
         std::string_view("()<>@,;:\".[]\\").find(c) != std::string_view::npos;
}

bool in_domain(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 0x80 || (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') ||
         (byte >= 'A' && byte <= 'Z') || c == '-' || c == '_';
}

bool in_literal(char c) {
  return in_domain(c) || c == '.' || c == ':';
}

// Each step leaves the place behind what it took, and says whether the address can go on there.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  AddressReading address() {
    if (!take_address()) return ended() ? AddressReading::begun : AddressReading::no;
    skip_comments();
    return ended() ? AddressReading::whole : AddressReading::no;
  }

 private:
  [[nodiscard]] bool ended() const { return at_ == text_.size(); }
  [[nodiscard]] bool at(char c) const { return !ended() && text_[at_] == c; }
  bool eat(char c) {
    if (!at(c)) return false;
    ++at_;
    return true;
  }

  // Words before "<", or the local part itself: which of both only shows behind the first.
  bool take_address() {
    skip_comments();
    const auto begin = at_;
    if (!take_local_part(true)) return false;
    const bool empty = at_ == begin;
    if (at('@')) return empty ? take_routed() : take_domain();
    while (!at('<')) {
      if (ended() || !take_local_part(false)) return false;
    }
    ++at_;
    angle_ = true;
    skip_comments();
    return (at('@') ? take_routed() : take_mailbox()) && eat('>');
  }

  // "@a,@b:" and the mailbox.
  bool take_routed() {
    while (at('@')) {
      if (!take_domain()) return false;
      if (!eat(',')) break;
      skip_comments();
    }
    return eat(':') && take_mailbox();
  }

  bool take_mailbox() { return take_local_part(false) && at('@') && take_domain(); }

  // Words with dots between, before and behind them, and comments anywhere.
  bool take_local_part(bool may_be_empty) {
    bool empty = true;
    for (;;) {
      skip_comments();
      const auto begin = at_;
      if (!take_word()) return false;
      const bool word = at_ > begin;
      skip_comments();
      if (!word && !at('.')) return !empty || may_be_empty;
      empty = false;
      if (!at('.')) return true;
      while (eat('.')) {
      }
    }
  }

  // A quoted string, or an atom, which may be none at all. False: the quotes are left open.
  bool take_word() {
    if (!eat('"')) {
      while (!ended() && (at('\\') || !ends_atom(text_[at_]))) take_byte();
      return true;
    }
    while (!ended() && !at('"')) take_byte();
    return eat('"');
  }

  // A byte, and after a backslash the next one too.
  void take_byte() {
    const bool both = at('\\') && at_ + 1 < text_.size();
    at_ += both ? 2 : 1;
  }

  // "@domain", with comments between its parts, or "@[literal]". Where literals are allowed, Exim
  // 4.96 looks at what stands in one only within angle brackets.
  bool take_domain() {
    ++at_;
    skip_comments();
    if (eat('[')) {
      while (!ended() && !at(']') && (!angle_ || in_literal(text_[at_]))) ++at_;
      if (!eat(']')) return false;
      skip_comments();
      return true;
    }
    const auto begin = at_;
    do {
      skip_comments();
      while (!ended() && in_domain(text_[at_])) ++at_;
      skip_comments();
    } while (eat('.'));
    return at_ > begin;
  }

  // Blanks too. A comment left open goes to the end.
  void skip_comments() {
    for (;;) {
      while (at(' ') || at('\t')) ++at_;
      if (!eat('(')) return;
      for (int depth = 1; depth > 0 && !ended();) {
        if (at('(')) ++depth;
        if (at(')')) --depth;
        take_byte();
      }
    }
  }

  std::string_view text_;
  std::size_t at_ = 0;
  bool angle_ = false;
};

}  // namespace

AddressReading read_rcpt_address(std::string_view text) {
  return Reader(text).address();
}

}  // namespace parsers
