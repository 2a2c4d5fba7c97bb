// "Did you mean ...?"
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace agent {

// The word nearest to `given` by edit distance, letters' case ignored; "" if none is near enough to
// be a slip of the fingers.
[[nodiscard]] std::string nearest(std::string_view given, const std::vector<std::string>& words);
// The same of ids and addresses, where a domain that many share is no likeness.
[[nodiscard]] std::string nearest_identity(std::string_view given,
                                           const std::vector<std::string>& known);

// ' (did you mean "..."?)', or "" for no word; printable.
[[nodiscard]] std::string did_you_mean(std::string_view word);

}  // namespace agent
