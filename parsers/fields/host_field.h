// The host field of an entry: "H=FULLHOST [I=[ip][:port]]" at the start of a payload. Source:
// host.c host_and_ident.
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

// Takes "[name] [(helo)] [ip][:port]"; the cursor then stands after it, or is unmoved on nullopt.
// Name and HELO hold no blank: with a blank in it, the end of a HELO would be unknown.
[[nodiscard]] std::optional<HostField> take_full_host(Cursor& cursor);
// Takes "[ip][:port]", likewise.
[[nodiscard]] std::optional<std::string_view> take_bracketed_ip(Cursor& cursor);

// Returns true for "[fe80::1%...]": before the fix of CVE-2023-42117 (4.92 to 4.96 of October 2023)
// Exim accepted anything with a scope as an address, so what looks like the end of such a HELO may
// be part of it.
[[nodiscard]] bool is_scoped_literal(std::string_view helo);

// Returns true if the HELO of a payload holds bytes that Exim accepts only if
// helo_accept_junk_hosts is set. The bytes of a scoped literal prove nothing: any stranger can send
// them.
[[nodiscard]] bool is_junk_helo(std::string_view payload);

[[nodiscard]] bool is_ip_address(std::string_view text);

}  // namespace parsers
