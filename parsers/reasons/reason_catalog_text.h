// The text of conf/reasons.toml as it was when the program was configured.
#pragma once

#include <string_view>

namespace parsers {

extern const std::string_view kReasonCatalogText;

}  // namespace parsers
