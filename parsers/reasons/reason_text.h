// The text after "rejected RCPT <x>", made fit for matching: what a client or a stranger's address
// put into it is cut out, so that <"mailbox full"@example.org> can't pass for a reason.
#pragma once

#include <string>
#include <string_view>

namespace parsers {

// Writes to `out` (reused, no other state): the text with
// - "host.name [ip] : " before "SMTP error from remote mail server after" removed,
// - every "<...@...>" replaced by "<>", quotes honoured,
// - every bare occurrence of the recipient (of `argument` as logged), however its letters are
//   written, replaced by "<>".
// True if there is nothing in it to be cut out.
[[nodiscard]] bool is_masked(std::string_view text);
void mask_reason(std::string_view text, std::string_view argument, std::string& out);

}  // namespace parsers
