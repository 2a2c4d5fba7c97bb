// Tells whether Exim would accept a text as the address of a RCPT command, by Exim's own rules
// (parse.c parse_extract_address); tests/exim compares this with a real Exim.
#pragma once

#include <string_view>

namespace parsers {

enum class AddressReading {
  no,     // Exim refuses it, whatever may follow
  begun,  // the text ends before the address does
  whole,
};

// `text`: as the client sent it, without blanks at its ends. Domains are accepted more
// generously than by Exim, as its options allow; an address without a domain is `no`. Two pairs of
// angle brackets (strip_excess_angle_brackets) are not accepted.
[[nodiscard]] AddressReading read_rcpt_address(std::string_view text);

}  // namespace parsers
