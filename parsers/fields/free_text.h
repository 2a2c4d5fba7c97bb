// Tries each possible end of a field that holds free text. Exim prints some fields (U=, DN=")
// without escaping what would end them; so a parser tries every end, and sees whether the rest can
// be read in more than one way.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>

#include "parsers/scan/scan.h"

namespace parsers {

// Calls go_on(cursor) for every blank of `within`, a prefix of the cursor's rest, at which one of
// `starts` stands, while go_on returns true.
template <std::size_t N, class GoOn>
void for_each_end(const Cursor& at, std::string_view within, const std::string_view (&starts)[N],
                  GoOn&& go_on) {
  for (std::size_t i = within.find(' '); i != std::string_view::npos; i = within.find(' ', i + 1)) {
    const Cursor next{at.rest.substr(i)};
    const bool starts_here = std::any_of(std::begin(starts), std::end(starts),
                                         [&](std::string_view start) { return next.at(start); });
    if (starts_here && !go_on(next)) return;
  }
}

// The same for a field in quotes, whose content may hold quotes: every '"' that is followed by one
// of `starts`. The cursor that go_on gets stands after the quote.
template <std::size_t N, class GoOn>
void for_each_closing_quote(const Cursor& at, const std::string_view (&starts)[N], GoOn&& go_on) {
  for (auto quote = at.rest.find('"'); quote != std::string_view::npos;
       quote = at.rest.find('"', quote + 1)) {
    const Cursor next{at.rest.substr(quote + 1)};
    const bool starts_here = std::any_of(std::begin(starts), std::end(starts),
                                         [&](std::string_view start) { return next.at(start); });
    if (starts_here && !go_on(next)) return;
  }
}

}  // namespace parsers
