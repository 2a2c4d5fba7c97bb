// A masked reason: the text after "rejected RCPT <x>" without the parts that a client or a
// stranger's address put into it, so that <"mailbox full"@example.org> can't pass for a reason.
#pragma once

#include <string>
#include <string_view>

namespace parsers {

struct MaskedReason {
  std::string text;
  // Of a remote server's answer, or of the whole text if it holds none:
  bool names_recipient = false;
  bool names_sender = false;  // the sender has another address than the recipient
  // A text that names the sender and not the recipient is about the sender, whatever it says.
  [[nodiscard]] bool is_about_sender() const { return names_sender && !names_recipient; }
};

// Returns true if the text holds nothing that must be cut out.
[[nodiscard]] bool is_masked(std::string_view text);
// Writes to `out` (reused, no other state): the text with
// - "host.name [ip] : " before "SMTP error from remote mail server after" removed, and "host
//   host.name [ip]: " behind the command, where Exim once wrote it;
// - `response to "RCPT TO:<x>" from host [ip] was: ` as Exim words it today;
// - the recipient (of `argument` as logged), however its letters are written, and every other
//   address replaced by "<>", the sender's by "<s>"; quotes in "<...@...>" are honoured;
// - URLs replaced by "<url>", a host name in brackets by "[host]";
// - the next line of an answer ("\n550 ") put behind a blank, and "\303" replaced by the byte that
//   it stands for, if that is no ASCII.
// `sender`: of the envelope; empty if there is none, or it is not known.
void mask_reason(std::string_view text, std::string_view argument, std::string_view sender,
                 MaskedReason& out);

// Returns MaskedReason::is_about_sender for a text as it is logged.
[[nodiscard]] bool is_about_sender(std::string_view text, std::string_view argument,
                                   std::string_view sender);

}  // namespace parsers
