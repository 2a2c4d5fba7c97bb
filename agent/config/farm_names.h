// The names of a farm's hosts and lists, and the form in which bytes go between hosts.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace agent {

// Returns the name by which hosts know a list.
[[nodiscard]] std::string farm_list_name(const std::string& path);

// Returns true for a valid host name in a farm: 1 to 64 of A-Z a-z 0-9 . _ -
[[nodiscard]] bool is_farm_host(std::string_view host);

// Encode bytes without blanks, control bytes and field separators, and decode them.
[[nodiscard]] std::string farm_encoded(std::string_view bytes);
[[nodiscard]] std::optional<std::string> farm_decoded(std::string_view text);

}  // namespace agent
