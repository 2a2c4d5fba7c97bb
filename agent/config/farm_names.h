// How hosts of a farm call each other and their lists, and the form in which bytes go between them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace agent {

// The name by which hosts know a list.
[[nodiscard]] std::string farm_list_name(const std::string& path);

// What a host may be called in a farm: 1 to 64 of A-Z a-z 0-9 . _ -
[[nodiscard]] bool is_farm_host(std::string_view host);

// Bytes in a form without blanks, control bytes and what separates fields; and back.
[[nodiscard]] std::string farm_encoded(std::string_view bytes);
[[nodiscard]] std::optional<std::string> farm_decoded(std::string_view text);

}  // namespace agent
