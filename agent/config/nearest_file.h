// A path that is mistyped.
#pragma once

#include <string>

namespace agent {

// What is there and most like `path`, each part of it for itself; "" if some part is like nothing.
[[nodiscard]] std::string nearest_file(const std::string& path);

}  // namespace agent
