// SHA-256, for identities, checksums and message ids.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace agent {

[[nodiscard]] std::string sha256_hex(std::string_view bytes);
// Its first eight bytes: tells texts apart, also those made to collide in weaker ones.
[[nodiscard]] std::uint64_t sha256_number(std::string_view bytes);

}  // namespace agent
