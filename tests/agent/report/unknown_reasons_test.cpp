// Texts that no pattern knows: one kind each, ready to paste.
#include "agent/report/unknown_reasons.h"

#include <re2/re2.h>

#include <string>

#include "tests/catch.h"

namespace agent {
namespace {

TEST_CASE("texts that differ in ids alone are one kind, and its regex matches them all") {
  const std::string callout =
      "mx [192.0.2.9] : SMTP error from remote mail server after RCPT TO:<a@b.test>: ";
  const std::string texts[] = {
      callout + "550 5.7.1 lab's \"no\" (a|b) [q1x] \\033 {2}\xE4 to <a@b.test>",
      callout + "550 5.7.1 lab's \"no\" (a|b) [77y] \\033 {2}\xE4 to <A@b.test>"};
  UnknownReasons unknown;
  unknown.add("drop", "", "", "log", 1);
  for (const auto& text : texts) unknown.add(text, "<a@b.test>", "", "log", 2);
  const auto kinds = unknown.by_number();
  REQUIRE(kinds.size() == 2);
  CHECK(kinds[0].count == 2);
  CHECK(kinds[0].example == texts[0]);
  CHECK(kinds[1].regex == "drop");
  CHECK(kinds[0].regex.find('\'') == std::string::npos);  // it goes into TOML's quotes
  RE2::Options options;
  options.set_encoding(RE2::Options::EncodingLatin1);
  const RE2 regex(kinds[0].regex, options);
  REQUIRE(regex.ok());
  for (const auto& text : texts) {
    parsers::MaskedReason masked;
    parsers::mask_reason(text, "<a@b.test>", "", masked);
    CHECK(RE2::PartialMatch(masked.text, regex));
  }
}

TEST_CASE("there is a bound to the kinds, and what is beyond it is counted") {
  UnknownReasons unknown;
  for (std::size_t i = 0; i < UnknownReasons::kMaxKinds + 5; ++i) {
    std::string word;
    for (auto rest = i; rest > 0; rest /= 26) word += static_cast<char>('a' + rest % 26);
    unknown.add("no " + word + "!", "", "", "log", 1);
  }
  CHECK(unknown.by_number().size() == UnknownReasons::kMaxKinds);
  CHECK(unknown.crowded_out() == 5);
}

}  // namespace
}  // namespace agent
