// An event: one piece of log evidence, with everything that its line says.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "parsers/fields/stamp.h"
#include "parsers/reasons/reason_catalog.h"

namespace parsers {

struct Tagged;

enum class Kind : std::uint8_t {
  rejected_rcpt,    // refused, and the reason means "no such recipient"
  temp_rejected,    // "temporarily rejected": greylisting, callout time-outs, faults of the config
  policy_rejected,  // refused for any other reason
  tagged,           // the line our own ACL writes by logwrite
  warned,           // a line of the site's own making, described by a [[pattern]]
  bounced,          // a delivery that failed for good because there is no such recipient
  accepted,         // a message came in
  deferred,         // a delivery was put off
  accused,          // a remote server says that a message, or what it links to, is spam
  auth_failed,      // a login failed
  ambiguous,        // evidence whose sender is not certain
};
inline constexpr std::size_t kKinds = 11;

std::string_view name_of(Kind kind);  // as in the output field "kind"

// Views point into the line (or into the reader's buffers) and die with the call that hands them
// out. Their bytes are as hostile as the line's. nullopt: the line has no such field; a present but
// empty user ("A=name" without ":id") is an authenticator that sets no id. Bounced, deferred and
// accused events come from the reader without user, host and login: they stand in the message's
// arrival entry.
struct Event {
  Kind kind = Kind::ambiguous;
  Stamp stamp;
  std::optional<std::string_view> user;       // the id as Exim prints it == $authenticated_id
  std::optional<std::string_view> host;       // ip between the brackets, checked to be one
  std::optional<std::string_view> recipient;  // raw RCPT argument (at most 100 bytes), "<>" removed
  std::optional<std::string_view> sender;     // between "F=<" and ">"
  std::optional<std::string_view> reason;     // text after the argument
  std::optional<Reason> reason_class;         // what the reason means; only for permanent refusals
  std::optional<std::string_view> authenticator;  // name of the authenticator
  std::optional<std::string_view> message_id;
  // Of a message that came in: how many recipients it has, if they are logged, and which; and the
  // message that it is a bounce of, or empty.
  std::optional<std::uint32_t> recipients;
  std::string_view recipient_list, reference;
  std::optional<std::string_view> set_id;  // what a failed login claims to be
  std::optional<std::string_view> login;   // the login that submitted the message on this machine
  const Tagged* tagged = nullptr;          // all fields of a tagged line, else null
  std::string_view line;                   // the physical line without its LF
  std::uint64_t number = 0;                // 1-based line number in the file
  std::uint64_t offset = 0;                // of the line's first byte in the file (uncompressed)
};

}  // namespace parsers
