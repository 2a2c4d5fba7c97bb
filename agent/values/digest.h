// sha256_hex() and sha256_number(): digests for checksums, message ids, and texts that must be told
// apart.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace agent {

[[nodiscard]] std::string sha256_hex(std::string_view bytes);
// Returns the first eight bytes of the digest. They tell texts apart, even texts that were made to
// collide in weaker digests.
[[nodiscard]] std::uint64_t sha256_number(std::string_view bytes);

}  // namespace agent
