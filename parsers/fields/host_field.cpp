#include "parsers/fields/host_field.h"

#include <arpa/inet.h>

#include <array>
#include <cstring>

#include "parsers/scan/byte_set.h"

namespace parsers {
namespace {

// ":port" of +incoming_port, if it stands here.
void take_port(Cursor& cursor) {
  if (!cursor.at(":")) return;
  std::size_t end = 1;
  while (end < cursor.rest.size() && cursor.rest[end] >= '0' && cursor.rest[end] <= '9') ++end;
  if (end > 1) cursor.rest.remove_prefix(end);
}

// What ends a name from the DNS: its blank, or a byte that is in none.
using NameEnd = ByteSet<' ', '"', ByteRange{'(', ')'}, ByteRange{'<', '>'}, '[', ']'>;
// Bytes of a HELO that helo_accept_junk_hosts lets pass.
using Junk =
    ByteSet<ByteRange{'\0', ' '}, '"', ByteRange{'(', ')'}, ByteRange{'<', '>'}, '[', ']', '\x7f'>;

constexpr std::size_t kMaxIpv4 = 15;

// Length of the IPv4 address that `text` begins with, as Exim prints it: four numbers from 0 to 255
// without leading zeros; 0: of none. More than kMaxIpv4 bytes must be there. What is wrong is only
// said at the end: where the dots stand nobody can foretell, so each branch would be guessed wrong.
std::size_t ipv4_length(const char* text) {
  bool good = true;
  const char* at = text;
  for (int part = 0; part < 4; ++part) {
    const auto digit = [&](int place) { return static_cast<unsigned>(at[place] - '0'); };
    const unsigned first = digit(0), second = digit(1), third = digit(2);
    const bool two = second <= 9;
    const bool three = two && third <= 9;
    const unsigned value = three ? (first * 10 + second) * 10 + third
                           : two ? first * 10 + second
                                 : first;
    at += 1 + static_cast<int>(two) + static_cast<int>(three);
    good &= first <= 9 && value <= 255 && (!two || first > 0) && (part == 3 || *at == '.');
    ++at;
  }
  return good ? static_cast<std::size_t>(at - text) - 1 : 0;
}

bool is_plain_ipv4(std::string_view text) {
  if (text.empty() || text.size() > kMaxIpv4) return false;
  std::array<char, kMaxIpv4 + 1> buffer{};
  std::memcpy(buffer.data(), text.data(), text.size());
  return ipv4_length(buffer.data()) == text.size();
}

}  // namespace

bool is_ip_address(std::string_view text) {
  if (is_plain_ipv4(text)) return true;
  if (text.find(':') == std::string_view::npos || text.find('\0') != std::string_view::npos) {
    return false;
  }
  std::array<char, INET6_ADDRSTRLEN> buffer{};
  if (text.size() >= buffer.size()) return false;
  std::memcpy(buffer.data(), text.data(), text.size());
  std::array<unsigned char, 16> address{};
  return inet_pton(AF_INET6, buffer.data(), address.data()) == 1;
}

bool is_scoped_literal(std::string_view helo) {
  return helo.starts_with('[') && helo.find('%') != std::string_view::npos;
}

std::optional<std::string_view> take_bracketed_ip(Cursor& cursor) {
  Cursor next = cursor;
  std::string_view ip;
  if (!next.eat("[")) return std::nullopt;
  const auto ipv4 = next.rest.size() > kMaxIpv4 ? ipv4_length(next.rest.data()) : 0;
  if (ipv4 > 0 && next.rest[ipv4] == ']') {
    ip = next.rest.substr(0, ipv4);
    next.rest.remove_prefix(ipv4 + 1);
  } else if (!next.until(']', ip) || !is_ip_address(ip)) {
    return std::nullopt;
  }
  take_port(next);
  cursor = next;
  return ip;
}

std::optional<HostField> take_full_host(Cursor& cursor) {
  Cursor next = cursor;
  HostField host;
  if (!next.at("[") && !next.at("(")) {
    host.name = next.rest.substr(0, NameEnd::first_in(next.rest));
    next.rest.remove_prefix(host.name.size());
    if (!next.eat(" ")) return std::nullopt;
  }
  if (next.at("(")) {
    const auto word = next.token();
    if (word.size() < 2 || word.back() != ')' || !next.eat(" ")) return std::nullopt;
    host.helo = word.substr(1, word.size() - 2);
  }
  const auto ip = take_bracketed_ip(next);
  if (!ip) return std::nullopt;
  host.ip = *ip;
  cursor = next;
  return host;
}

bool is_junk_helo(std::string_view payload) {
  Cursor cursor{payload};
  if (!cursor.eat("H=")) return false;
  if (!cursor.at("(")) {
    cursor.token();
    if (!cursor.eat(" ")) return false;
  }
  if (!cursor.eat("(")) return false;
  // Nearly all hold nothing of the kind.
  const bool literal = cursor.at("[");
  Cursor end{cursor.rest.substr(literal ? 1 : 0)};
  end.rest.remove_prefix(Junk::first_in(end.rest));
  if ((!literal || end.eat("]")) && end.at(") [")) return false;

  const auto helo = cursor.rest.substr(0, cursor.rest.find(") ["));
  if (helo.size() == cursor.rest.size() || is_scoped_literal(helo)) return false;
  // A bracketed literal may stand as a whole; helo_allow_chars rarely adds more than '_'.
  const auto inside =
      helo.starts_with('[') && helo.ends_with(']') ? helo.substr(1, helo.size() - 2) : helo;
  return Junk::any_in(inside);
}

}  // namespace parsers
