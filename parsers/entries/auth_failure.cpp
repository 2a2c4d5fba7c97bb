#include "parsers/entries/auth_failure.h"

#include <algorithm>

#include "parsers/fields/host_field.h"
#include "parsers/scan/scan.h"

namespace parsers {
namespace {

constexpr std::string_view kWrong = ": 535 ";

// ": 535 " and the like.
bool at_answer(std::string_view text) {
  const auto digit = [&](std::size_t i) { return text[i] >= '0' && text[i] <= '9'; };
  return text.size() > 5 && text.starts_with(": ") && (text[2] == '4' || text[2] == '5') &&
         digit(3) && digit(4) && (text.size() == 5 || text[5] == ' ' || text[5] == '-');
}

// Behind the address: the interface, and the ident answer, which is free text up to an answer.
bool take_answer(Cursor& at) {
  if (at.eat(" I=") && !take_bracketed_ip(at)) return false;
  if (!at.at(" U=")) return at_answer(at.rest);
  // What ident says is the client's word, and must not hide the answer.
  if (const auto wrong = at.rest.find(kWrong); wrong != std::string_view::npos) {
    at.rest.remove_prefix(wrong);
    return true;
  }
  for (auto colon = at.rest.find(": "); colon != std::string_view::npos;
       colon = at.rest.find(": ", colon + 1)) {
    if (!at_answer(at.rest.substr(colon))) continue;
    at.rest.remove_prefix(colon);
    return true;
  }
  return false;
}

}  // namespace

AuthFailureScan scan_auth_failure(std::string_view payload, bool junk_helo, AuthFailure& failure) {
  failure = {};
  Cursor at{payload};
  // A driver's name as the configuration has it: no blank is in it.
  failure.authenticator = at.token();
  if (failure.authenticator.empty() || !at.eat(kAuthFailure)) return AuthFailureScan::not_one;
  at.eat("H=");
  const auto host = take_full_host(at);
  if (!host || !take_answer(at)) return AuthFailureScan::not_one;
  failure.host = host->ip;
  if (!host->helo.empty() && (junk_helo || is_scoped_literal(host->helo))) {
    for (auto later = at.rest.find(") ["); later != std::string_view::npos;
         later = at.rest.find(") [", later + 1)) {
      Cursor other{at.rest.substr(later + 2)};
      if (take_bracketed_ip(other) && take_answer(other)) return AuthFailureScan::ambiguous;
    }
  }
  // 435: the server could not tell; 501: nonsense, or a dialogue that was given up.
  if (!begins(at.rest, kWrong)) return AuthFailureScan::not_one;
  at.eat(": ");
  constexpr std::string_view kClaim = " (set_id=";
  const auto claim = at.rest.find(kClaim);
  failure.reason = at.rest.substr(0, claim);
  if (claim != std::string_view::npos && at.rest.ends_with(')')) {
    const auto begin = claim + kClaim.size();
    failure.set_id = at.rest.substr(begin, at.rest.size() - 1 - begin);
  }
  return AuthFailureScan::read;
}

}  // namespace parsers
