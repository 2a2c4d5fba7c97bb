// Finds the word that a misspelt word may mean: "Did you mean ...?"
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace agent {

// Returns the word nearest to `given` by edit distance, in either case; "" if none is near enough
// to be a typing error.
[[nodiscard]] std::string nearest(std::string_view given, const std::vector<std::string>& words);
// Returns the same for ids and addresses, where a domain that many share does not make them alike.
[[nodiscard]] std::string nearest_identity(std::string_view given,
                                           const std::vector<std::string>& known);

// Returns ' (did you mean "..."?)', printable, or "" for no word.
[[nodiscard]] std::string did_you_mean(std::string_view word);

}  // namespace agent
