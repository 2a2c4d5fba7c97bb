// IpAddress and Network: addresses as Exim prints them between brackets, and networks of them; no
// names, no ports.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace agent {

// An IPv4 or IPv6 address. IPv4-mapped IPv6 (::ffff:a.b.c.d) becomes IPv4, as Exim shows it.
struct IpAddress {
  std::array<std::uint8_t, 16> bytes{};  // IPv4 in the first four
  bool v6 = false;

  static std::optional<IpAddress> parse(std::string_view text);
  [[nodiscard]] std::string text() const;  // compressed, lower case: what inet_ntop gives
  bool operator==(const IpAddress&) const = default;
};

struct Network {
  IpAddress base;  // host bits are zero
  int prefix = 0;  // 0..32 or 0..128

  // Parses "192.0.2.0/24", "2001:db8::/32" or a single address. Returns nullopt for anything else,
  // and if host bits are set, since "10.0.0.1/8" is more often a slip than a wish.
  static std::optional<Network> parse(std::string_view text);
  static Network around(const IpAddress& address, int prefix);
  [[nodiscard]] bool contains(const IpAddress& address) const;
  [[nodiscard]] std::string text() const;  // with "/prefix", but a single address without
  bool operator==(const Network&) const = default;
};

// Returns true if any of the networks holds the address.
[[nodiscard]] bool any_contains(const std::vector<Network>& networks, const IpAddress& address);

}  // namespace agent
