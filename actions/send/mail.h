// A plain text mail, composed; handing it over is sendmail.h's and smtp.h's business.
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
};

// The whole message with LF line ends: RFC 5322 headers (Date, From, To, Subject, Message-ID,
// Auto-Submitted, MIME-Version, Content-*), blank line, body. Nothing in a header can end it: CR,
// LF and other control bytes become blanks, non-ASCII subjects encoded words (RFC 2047). An address
// that is none, or a body with a bare CR or NUL, is an error.
[[nodiscard]] Result<std::string> compose(const Mail& mail);

// A conservative addr-spec: dot-atom@domain, ASCII. What goes into an envelope.
[[nodiscard]] bool is_mail_address(std::string_view text);

}  // namespace actions
