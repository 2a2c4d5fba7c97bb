#include "actions/lsearch.h"

#include <catch2/catch.hpp>
#include <string>

namespace actions {
namespace {

TEST_CASE("a quoted key is read back as itself, whatever its bytes") {
  for (int a = 1; a < 256; ++a) {
    for (const int b : {'a', ' ', '"', '\\', ':', '#', '0', '9', 'x'}) {
      const std::string key{static_cast<char>(a), static_cast<char>(b)};
      const auto line = list_line(key, "data");
      REQUIRE(line);
      const auto entries = read_list(*line);
      REQUIRE(entries.size() == 1);
      CHECK(entries[0].key == key);
      CHECK(entries[0].data == "data");
    }
  }
}

}  // namespace
}  // namespace actions
