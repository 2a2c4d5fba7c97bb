// Finds the end of an address and of a raw RCPT argument, by Exim's own quoting rules (parse.c).
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace parsers {

// Exim prints at most this much of the RCPT argument (smtp_in.c smtp_handle_acl_fail).
inline constexpr std::size_t kMaxArgument = 100;

// Returns the length of the address before its closing '>', for the text after "F=<". Exim prints
// the address as it parsed it, so quotes are balanced: outside quotes '\' takes the next byte with
// it and the first bare '>' ends; a bare blank, '<' or '(' can't occur. Returns nullopt if it is no
// such address.
[[nodiscard]] std::optional<std::size_t> address_length(std::string_view text);

// Returns the length of the raw argument at the start of `text`: up to the first ": " outside
// quotes, comments and "<...>" within 100 bytes, else 100 bytes, else all there is. Exim takes
// "<x@y>(z" for an address, so a comment behind one may be the argument's end or go on in the text:
// then it ends at the last ": " within 100 bytes, since the earlier ones may be the client's.
[[nodiscard]] std::size_t argument_length(std::string_view text);
// The same, where a syslog daemon wrote a byte as "#015" (rsyslog's escape): Exim's hundred bytes
// are more then.
[[nodiscard]] std::size_t escaped_argument_length(std::string_view text);

// Returns true if Exim can have printed this as a whole argument of RCPT. It must be an address
// that Exim accepts (rcpt_address.h), maybe cut, and its last blank must be one that Exim leaves
// standing (smtp_in.c extract_option turns it into "=").
[[nodiscard]] bool could_be_argument(std::string_view argument);

}  // namespace parsers
