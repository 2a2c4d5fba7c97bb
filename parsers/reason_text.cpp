#include "parsers/reason_text.h"

#include "parsers/argument.h"
#include "parsers/rejection.h"

namespace parsers {
namespace {

constexpr std::string_view kCallout = " : SMTP error from remote mail server after ";

// Where "host.name [ip]" before a callout's words begins; its end is `callout`.
std::size_t host_start(std::string_view text, std::size_t callout) {
  if (callout == 0 || text[callout - 1] != ']') return callout;
  const auto bracket = text.rfind('[', callout);
  if (bracket == std::string_view::npos) return callout;
  if (bracket < 2 || text[bracket - 1] != ' ') return bracket;
  const auto blank = text.rfind(' ', bracket - 2);
  return blank == std::string_view::npos ? 0 : blank + 1;
}

// Length of "<...@...>" at the start of `text`, 0 if there is none. Without quotes in it an address
// has no blank; with quotes it may hold anything up to the '>' that stands outside them.
std::size_t bracketed_address(std::string_view text) {
  const auto length = address_length(text.substr(1));
  if (!length) return 0;
  return text.substr(1, *length).find('@') == std::string_view::npos ? 0 : *length + 2;
}

}  // namespace

void mask_reason(std::string_view text, std::string_view argument, std::string& out) {
  out.clear();
  const auto callout = text.find(kCallout);
  if (callout != std::string_view::npos) {
    out.append(text.substr(0, host_start(text, callout)));
    text.remove_prefix(callout + 3);
  }
  auto recipient = without_brackets(argument);
  // Too short to be an address would cut holes into words.
  if (recipient.size() < 5 || recipient.find('@') == std::string_view::npos) recipient = {};

  while (!text.empty()) {
    if (text[0] == '<') {
      const auto length = bracketed_address(text);
      if (length > 0) {
        out.append("<>");
        text.remove_prefix(length);
        continue;
      }
    }
    if (!recipient.empty() && text.starts_with(recipient)) {
      out.append("<>");
      text.remove_prefix(recipient.size());
      continue;
    }
    out.push_back(text[0]);
    text.remove_prefix(1);
  }
}

}  // namespace parsers
