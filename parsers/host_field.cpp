#include "parsers/host_field.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace parsers {
namespace {

// ":port" of +incoming_port, if it stands here.
void take_port(Cursor& cursor) {
  if (!cursor.at(":")) return;
  std::size_t end = 1;
  while (end < cursor.rest.size() && cursor.rest[end] >= '0' && cursor.rest[end] <= '9') ++end;
  if (end > 1) cursor.rest.remove_prefix(end);
}

constexpr std::array<bool, 256> never_in_a_name() {
  std::array<bool, 256> never{};
  for (const char c : std::string_view("()[]\"<>=")) never[static_cast<unsigned char>(c)] = true;
  return never;
}
constexpr auto kNeverInAName = never_in_a_name();
bool is_never_in_a_name(char c) {
  return kNeverInAName[static_cast<unsigned char>(c)];
}

// Bytes of a HELO that helo_accept_junk_hosts lets pass.
constexpr std::array<bool, 256> junk_bytes() {
  std::array<bool, 256> junk{};
  for (std::size_t c = 0; c <= ' '; ++c) junk[c] = true;
  for (const char c : std::string_view("\x7f()<>\"[]=")) junk[static_cast<unsigned char>(c)] = true;
  return junk;
}
constexpr auto kJunk = junk_bytes();

bool is_plain_ipv4(std::string_view text) {
  int dots = 0;
  int value = -1;
  for (const char c : text) {
    if (c == '.') {
      if (value < 0) return false;
      ++dots;
      value = -1;
    } else if (c >= '0' && c <= '9') {
      if (value == 0) return false;  // Exim prints no leading zeros
      value = std::max(value, 0) * 10 + (c - '0');
      if (value > 255) return false;
    } else {
      return false;
    }
  }
  return dots == 3 && value >= 0;
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
  if (!next.eat("[") || !next.until(']', ip) || !is_ip_address(ip)) return std::nullopt;
  take_port(next);
  cursor = next;
  return ip;
}

std::optional<HostField> take_full_host(Cursor& cursor) {
  Cursor next = cursor;
  HostField host;
  if (!next.at("[") && !next.at("(")) {
    host.name = next.token();
    if (std::any_of(host.name.begin(), host.name.end(), is_never_in_a_name) || !next.eat(" ")) {
      return std::nullopt;
    }
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
  const auto helo = cursor.rest.substr(0, cursor.rest.find(") ["));
  if (helo.size() == cursor.rest.size() || is_scoped_literal(helo)) return false;
  // A bracketed literal may stand as a whole; helo_allow_chars rarely adds more than '_'.
  const auto inside =
      helo.starts_with('[') && helo.ends_with(']') ? helo.substr(1, helo.size() - 2) : helo;
  return std::any_of(inside.begin(), inside.end(),
                     [](char c) { return kJunk[static_cast<unsigned char>(c)]; });
}

}  // namespace parsers
