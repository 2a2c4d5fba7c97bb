// "H=FULLHOST [I=[ip][:port]]" at the start of a payload. Source: host.c host_and_ident.
#pragma once

#include <optional>
#include <string_view>

#include "parsers/scan/scan.h"

namespace parsers {

struct HostField {
  std::string_view name;  // from the PTR record; empty if there is none
  std::string_view helo;  // without its parentheses; empty if not printed
  std::string_view ip;    // checked to be an IPv4 or IPv6 address
};

// "[name] [(helo)] [ip][:port]"; the cursor stands after it, or is unmoved on nullopt.
// Name and HELO hold no blank: with a blank in it the end of a HELO could not be told.
[[nodiscard]] std::optional<HostField> take_full_host(Cursor& cursor);
// "[ip][:port]"
[[nodiscard]] std::optional<std::string_view> take_bracketed_ip(Cursor& cursor);

// "[fe80::1%...]": before CVE-2023-42117 was mended (4.92 to 4.96 of October 2023) Exim took
// anything for an address that had a scope, so what looks like the end of such a HELO may be part
// of it.
[[nodiscard]] bool is_scoped_literal(std::string_view helo);

// True if the HELO of a payload holds bytes that Exim only lets pass where helo_accept_junk_hosts
// is set. Those of a scoped literal prove nothing, or any stranger could switch that on.
[[nodiscard]] bool is_junk_helo(std::string_view payload);

[[nodiscard]] bool is_ip_address(std::string_view text);

}  // namespace parsers
