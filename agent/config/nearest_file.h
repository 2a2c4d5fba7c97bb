// Finds the file that a mistyped path may mean.
#pragma once

#include <string>

namespace agent {

// Returns the existing path that is most like `path`, compared part by part; "" if some part is
// like nothing that exists.
[[nodiscard]] std::string nearest_file(const std::string& path);

}  // namespace agent
