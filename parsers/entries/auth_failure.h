// A failed login: "NAME authenticator failed for [H=]HOST: 535 ... (set_id=ID)". Other answers
// (435, 501) say nothing of a password. Only the address is Exim's own; the id is what the client
// claims, and never an identity. Source: smtp_in.c smtp_in_auth, host.c host_and_ident.
#pragma once

#include <optional>
#include <string_view>

namespace parsers {

struct AuthFailure {
  std::string_view authenticator;
  std::string_view host;
  std::string_view reason;                 // the answer, without the claim
  std::optional<std::string_view> set_id;  // nullopt: none is logged, or its end is unknown
};

enum class AuthFailureScan : unsigned char {
  read,
  not_one,
  ambiguous,  // its HELO may be any text and could hold all that stands after it
};

inline constexpr std::string_view kAuthFailure = " authenticator failed for ";

// `payload` is what follows the timestamp. `junk_helo` as in rejection.h.
[[nodiscard]] AuthFailureScan scan_auth_failure(std::string_view payload, bool junk_helo,
                                                AuthFailure& failure);

}  // namespace parsers
