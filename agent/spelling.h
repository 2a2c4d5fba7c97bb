// "Did you mean ...?"
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace agent {

// The word nearest to `given` by edit distance, letters' case ignored; "" if none is near enough to
// be a slip of the fingers.
[[nodiscard]] std::string nearest(std::string_view given, const std::vector<std::string>& words);

}  // namespace agent
