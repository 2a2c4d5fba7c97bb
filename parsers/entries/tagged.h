// A tagged line, which our own ACL writes by logwrite (conf/exim). It holds no text of an outsider:
// each field that a client can choose is base64. Version 1, one blank between the fields, in this
// order:
//   exiwarden/1 missing-recipient auth=NAME id=BASE64 host=IP rcpt=BASE64 at=MICROSECONDS pid=N
//   n=N[ mac=HEX]
// "-" stands for "none": auth and id without authentication, host without TCP.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace parsers {

inline constexpr std::string_view kTaggedStart = "exiwarden/1 missing-recipient ";

struct Tagged {
  std::optional<std::string_view> authenticator;
  std::optional<std::string> id;
  std::optional<std::string_view> host;
  std::string recipient;
  std::uint64_t at_microseconds = 0;  // Exim's own clock, since 1970 UTC
  std::uint64_t pid = 0;
  std::uint64_t count = 0;       // RCPT commands so far in this transaction
  std::string_view signed_part;  // what mac covers
  std::string_view mac;          // lower-case hex; empty if there is none
};

// Returns nullopt at the first deviation: our ACL alone writes such a line, and makes no mistakes.
[[nodiscard]] std::optional<Tagged> parse_tagged(std::string_view payload);

// Decodes strict RFC 4648 with padding; returns nullopt for anything else.
[[nodiscard]] std::optional<std::string> decode_base64(std::string_view text);

}  // namespace parsers
