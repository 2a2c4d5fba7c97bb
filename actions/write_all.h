// write_all(): write(2) until there is nothing left, through interruptions.
#pragma once

#include <cstddef>
#include <string_view>

namespace actions {

// Returns how many of `bytes` were written; fewer than all after a failure, which errno tells.
std::size_t write_all(int fd, std::string_view bytes);

}  // namespace actions
