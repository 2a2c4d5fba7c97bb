// printable() and as_utf8(): log bytes made fit to be shown. Whatever a client wrote, nothing in
// the result moves a cursor, ends a line, reorders text or is invalid UTF-8.
#pragma once

#include <string>
#include <string_view>

namespace agent {

// Returns the text for terminals, mails and plain text: control bytes, invalid UTF-8, C1 controls,
// line and paragraph separators, bidirectional and invisible format characters become "\xHH" (by
// byte). Backslashes stay, since Exim itself prints escapes with them.
[[nodiscard]] std::string printable(std::string_view bytes);

// Does the same, and cuts the result to at most `columns` characters, with "..." at the end if
// something was cut.
[[nodiscard]] std::string printable(std::string_view bytes, std::size_t columns);

// Returns the bytes as valid UTF-8 for JSON: what is valid stays, any other byte becomes U+00HH.
[[nodiscard]] std::string as_utf8(std::string_view bytes);

}  // namespace agent
