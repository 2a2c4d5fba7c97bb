// The catalog of reasons: the meaning of each wording, as data. Its text is conf/reasons.toml,
// which describes its own form. A copy is compiled in, and an installed file that is newer by its
// own date replaces it. Parsing is pure: no file is opened here.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "actions/result.h"

namespace parsers {

enum class Reason : std::uint8_t { missing, other, unknown, spam, listed };

std::string_view name_of(Reason reason);  // as in the output field "reason_class"

struct ReasonPattern {
  std::string name;  // for people: letters, digits and "-", no two alike in a catalog
  Reason reason = Reason::unknown;  // not unknown
  std::string regex;                // RE2, its {words} written out
  std::string sample;               // a masked text that the regex finds
  std::string other_sample;         // one that it does not find
};

struct ReasonCatalog {
  std::string date;  // "2026-11-30", or with more behind it; of two, the greater is the newer one
  std::vector<ReasonPattern> patterns;
};

// Returns the catalog, or what is wrong with the text and where, in words.
[[nodiscard]] actions::Result<ReasonCatalog, std::string> parse_reason_catalog(
    std::string_view toml);

// Returns the catalog that is compiled in.
[[nodiscard]] const ReasonCatalog& built_in_reasons();

}  // namespace parsers
