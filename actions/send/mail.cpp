#include "actions/send/mail.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace actions {
namespace {

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

// RFC 5322 in English whatever the locale.
std::string date_text(std::chrono::sys_seconds date) {
  constexpr std::array<const char*, 7> kDays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr std::array<const char*, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto utc = fmt::gmtime(std::chrono::system_clock::to_time_t(date));
  return fmt::format("{}, {:02} {} {} {:02}:{:02}:{:02} +0000",
                     kDays[static_cast<std::size_t>(utc.tm_wday)], utc.tm_mday,
                     kMonths[static_cast<std::size_t>(utc.tm_mon)], utc.tm_year + 1900, utc.tm_hour,
                     utc.tm_min, utc.tm_sec);
}

std::string base64(std::string_view bytes) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    unsigned bits = 0;
    for (std::size_t j = 0; j < 3; ++j) {
      bits = bits << 8 | (i + j < bytes.size() ? static_cast<unsigned char>(bytes[i + j]) : 0U);
    }
    for (std::size_t j = 0; j < 4; ++j) {
      out.push_back(i + j > bytes.size() ? '=' : kDigits[bits >> (18 - 6 * j) & 63]);
    }
  }
  return out;
}

std::string without_controls(std::string_view text) {
  std::string out;
  for (const char c : text)
    out.push_back(static_cast<unsigned char>(c) < ' ' || c == 0x7f ? ' ' : c);
  return out;
}

// Folded at blanks; words longer than a line stay whole (998 is the limit that counts).
std::string folded_ascii(std::string_view text, std::size_t used) {
  std::string out;
  while (!text.empty()) {
    const auto blank = text.find(' ', 1);
    const auto word = text.substr(0, blank);
    if (used + word.size() > 76 && used > 1 && word.starts_with(' ')) {
      out += "\n";
      used = 0;
    }
    out += word;
    used += word.size();
    text.remove_prefix(word.size());
  }
  return out;
}

// Not longer than `most` bytes, cut between characters of UTF-8.
std::string_view beginning(std::string_view text, std::size_t most) {
  if (text.size() <= most) return text;
  while (most > 1 && (static_cast<unsigned char>(text[most]) & 0xc0) == 0x80) --most;
  return text.substr(0, most);
}

// Encoded words, cut between characters; with "Subject: " no line is over 76 characters (RFC 2047).
std::string encoded_words(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const auto length = beginning(text, 39).size();
    out +=
        fmt::format("{}=?utf-8?B?{}?=", out.empty() ? "" : "\n ", base64(text.substr(0, length)));
    text.remove_prefix(length);
  }
  return out;
}

std::string subject_text(std::string_view subject) {
  auto clean = without_controls(beginning(subject, 800));
  while (clean.ends_with(' ')) clean.pop_back();
  // What looks like an encoded word must not be taken for one, and runs of blanks don't survive
  // folding.
  const bool plain = is_ascii(clean) && clean.find("=?") == std::string::npos &&
                     clean.find("  ") == std::string::npos && !clean.starts_with(' ');
  return plain ? folded_ascii(clean, 9) : encoded_words(clean);
}

// "a.b-c": labels that are not empty, of what `good` lets pass.
template <class Good>
bool is_dotted(std::string_view text, const Good& good) {
  return !text.empty() && text.front() != '.' && text.back() != '.' &&
         text.find("..") == std::string_view::npos && std::all_of(text.begin(), text.end(), good);
}

bool is_letter_or_digit(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

bool has_long_line(std::string_view body) {
  while (!body.empty()) {
    const auto length = std::min(body.find('\n'), body.size());
    if (length > 900) return true;
    body.remove_prefix(std::min(body.size(), length + 1));
  }
  return false;
}

// With the line ends that text has on the wire (RFC 2045).
std::string base64_lines(std::string_view text) {
  std::string wire, lines;
  for (const char c : text) {
    if (c == '\n') wire.push_back('\r');
    wire.push_back(c);
  }
  const auto encoded = base64(wire);
  for (std::size_t i = 0; i < encoded.size(); i += 76) lines += encoded.substr(i, 76) + "\n";
  return lines;
}

// The headers about the text, a blank line, and the text.
std::string text_part(const std::string& body) {
  const bool packed = has_long_line(body);
  return fmt::format("Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: {}\n\n{}",
                     packed           ? "base64"
                     : is_ascii(body) ? "7bit"
                                      : "8bit",
                     packed ? base64_lines(body) : body);
}

// A line that is none of the text; the page's lines hold no "--".
std::string boundary_for(const Mail& mail) {
  std::string boundary = "=_exiwarden";
  while (mail.body.find(boundary) != std::string::npos) boundary += "_";
  return boundary;
}

}  // namespace

bool is_mail_address(std::string_view text) {
  const auto at = text.find('@');
  if (at == std::string_view::npos || text.size() > 254 || text[0] == '-') return false;
  return is_dotted(text.substr(0, at),
                   [](char c) {
                     return is_letter_or_digit(c) ||
                            std::string_view("!#$%&'*+-/=?^_`{|}~.").find(c) !=
                                std::string_view::npos;
                   }) &&
         is_dotted(text.substr(at + 1),
                   [](char c) { return is_letter_or_digit(c) || c == '.' || c == '-'; });
}

Result<std::string> compose(const Mail& mail) {
  if (mail.to.empty()) return Error{Errc::malformed, 0, "a mail without recipients"};
  for (const auto& address : mail.to) {
    if (!is_mail_address(address))
      return Error{Errc::malformed, 0, "not a mail address: " + without_controls(address)};
  }
  if (!is_mail_address(mail.from))
    return Error{Errc::malformed, 0, "not a mail address: " + without_controls(mail.from)};
  if (!is_mail_address(mail.message_id)) return Error{Errc::malformed, 0, "not a message id"};
  if (mail.body.find('\r') != std::string::npos || mail.body.find('\0') != std::string::npos) {
    return Error{Errc::malformed, 0, "a mail body with CR or NUL"};
  }
  std::string text = fmt::format(
      "Date: {}\nFrom: {}\nTo: {}\nSubject: {}\nMessage-ID: <{}>\nAuto-Submitted: auto-generated\n"
      "MIME-Version: 1.0\n",
      date_text(mail.date), mail.from, fmt::join(mail.to, ",\n "), subject_text(mail.subject),
      mail.message_id);
  if (mail.page.empty()) return text + text_part(mail.body);
  const auto boundary = boundary_for(mail);
  return text + fmt::format(
                    "Content-Type: multipart/mixed; boundary=\"{0}\"\n\n--{0}\n{1}\n--{0}\n"
                    "Content-Type: text/html; charset=utf-8\nContent-Disposition: attachment; "
                    "filename=\"report.html\"\nContent-Transfer-Encoding: base64\n\n{2}--{0}--\n",
                    boundary, text_part(mail.body), base64_lines(mail.page));
}

}  // namespace actions
