// A plain text mail, with a page of HTML or without, and its composition; sendmail.h and smtp.h
// hand it over.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "actions/result.h"

namespace actions {

struct Mail {
  std::string from;             // addr-spec
  std::vector<std::string> to;  // addr-specs, at least one
  std::string subject;          // UTF-8
  std::chrono::sys_seconds date{};
  std::string message_id;  // without "<>"
  std::string body;        // UTF-8, lines end in LF
  std::string page = {};   // HTML to attach, UTF-8; empty: none
};

// Composes the whole message with LF line ends: RFC 5322 headers (Date, From, To, Subject,
// Message-ID, Auto-Submitted, MIME-Version, Content-*), blank line, body; of a mail with a page a
// multipart/mixed of both. Nothing in a header can
// end it: CR, LF and other control bytes become blanks, non-ASCII subjects encoded words (RFC
// 2047). An invalid address, or a body with a bare CR or NUL, is an error.
[[nodiscard]] Result<std::string> compose(const Mail& mail);

// Returns true for a conservative addr-spec, fit for an envelope: dot-atom@domain, ASCII.
[[nodiscard]] bool is_mail_address(std::string_view text);

}  // namespace actions
