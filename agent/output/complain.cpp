#include "agent/output/complain.h"

#include <fmt/format.h>

#include <cstdio>

#include "agent/values/printable.h"

namespace agent {

void complain(std::string_view text) {
  fmt::print(stderr, "exiwarden: {}\n", printable(text));
}

}  // namespace agent
