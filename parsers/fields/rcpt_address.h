// Would Exim take this for the address of a RCPT command? Its own reading (parse.c
// parse_extract_address), held to a real Exim by tests/exim.
#pragma once

#include <string_view>

namespace parsers {

enum class AddressReading {
  no,     // Exim refuses it, whatever may follow
  begun,  // the text ends before the address does
  whole,
};

// `text`: as the client sent it, without blanks at its ends. Domains are taken more kindly than
// Exim takes them, as its options allow; one without a domain is `no`. Two pairs of angle brackets
// (strip_excess_angle_brackets) are not taken.
[[nodiscard]] AddressReading read_rcpt_address(std::string_view text);

}  // namespace parsers
