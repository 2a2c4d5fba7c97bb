// SHA-256, for identities, checksums and message ids.
#pragma once

#include <string>
#include <string_view>

namespace agent {

[[nodiscard]] std::string sha256_hex(std::string_view bytes);

}  // namespace agent
