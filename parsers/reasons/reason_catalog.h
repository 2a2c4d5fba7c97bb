// The catalog of reasons: which wordings mean what, as data. conf/reasons.toml is its text; that
// file says how it is written. A copy is compiled in, and an installed file that is newer by its
// own date takes its place. Parsing is pure: no file is opened here.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace parsers {

enum class Reason : std::uint8_t { missing, other, unknown };

std::string_view name_of(Reason reason);  // as in the output field "reason_class"

struct ReasonPattern {
  std::string name;  // for people: letters, digits and "-", no two alike in a catalog
  Reason reason = Reason::unknown;  // missing or other
  std::string regex;                // RE2, its {words} written out
  std::string sample;               // a masked text that the regex finds
  std::string other_sample;         // one that it does not find
};

struct ReasonCatalog {
  std::string date;  // "2026-11-30", or with more behind it; of two, the greater is the newer one
  std::vector<ReasonPattern> patterns;
};

// The catalog, or what is wrong with the text and where, in words.
[[nodiscard]] std::variant<ReasonCatalog, std::string> parse_reason_catalog(std::string_view toml);

// The one that is compiled in.
[[nodiscard]] const ReasonCatalog& built_in_reasons();

}  // namespace parsers
