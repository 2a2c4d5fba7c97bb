// A refused RCPT, read from one entry's payload by a strict left-to-right scan that never searches
// in text that a client can write. The order of the fields is that of smtp_in.c
// smtp_handle_acl_fail and host.c host_and_ident; the escaping of each decides how its end is
// found.
#pragma once

#include <optional>
#include <string_view>

#include "parsers/scan/words.h"

namespace parsers {

// The words in every entry about a refused RCPT; " temporarily rejected RCPT " holds them too.
inline constexpr Word kRejectedRcpt{" rejected RCPT ", 10};
inline constexpr WordFinder kFindRejectedRcpt{kRejectedRcpt};

struct Rejection {
  bool temporary = false;
  std::optional<std::string_view> host;  // nullopt: exim -bs on the machine itself
  std::string_view helo;                 // empty if Exim printed none
  std::string_view sender;
  std::optional<std::string_view> authenticator;
  std::optional<std::string_view> id;  // set whenever authenticator is; may be empty
  std::string_view argument;           // raw, at most 100 bytes, may lack its closing '>'
  std::string_view text;               // after the argument; empty if there is none
};

// The first step of the scan that failed.
enum class Step : unsigned char {
  not_ours,   // not an entry about a refused RCPT
  host,       // H= is not [name] [(helo)] [ip]: junk in the HELO, an overflow, a forgery
  interface,  // I=
  sender,     // F=<...>
  auth,       // A=
  verb,       // neither "rejected RCPT" nor "temporarily rejected RCPT" at its place
};
inline constexpr std::size_t kSteps = 6;
std::string_view name_of(Step step);

enum class Doubt : unsigned char {
  none,
  ident_or_dn,  // free text in U= or DN= can be read as other fields too
  second_verb,  // a login may hold " rejected RCPT "
  helo,         // the HELO may hold the host, the sender and the verb we read
};

struct Scan {
  // With a doubt only its host may be used, and with Doubt::helo nothing of it.
  std::optional<Rejection> rejection;
  Doubt doubt = Doubt::none;
  Step failed = Step::not_ours;  // meaningful only without a rejection
};

// `junk_helo`: helo_accept_junk_hosts is set or the log shows it, so the HELO may be any text.
// `escaped`: a syslog daemon wrote the entry and may have written a byte as "#015".
[[nodiscard]] Scan scan_rejection(std::string_view payload, bool junk_helo, bool escaped = false);

// "<x@y>" -> "x@y"; anything else as it is.
[[nodiscard]] std::string_view without_brackets(std::string_view argument);

}  // namespace parsers
