// Tells whether a line is surely an entry of Exim's: other programs, too, begin their lines with a
// timestamp like Exim's.
#pragma once

#include "parsers/fields/prefix.h"

namespace parsers {

// Returns true if a message id follows the timestamp, or words with which Exim itself begins an
// entry. Returns false for some entries of Exim's: a site's ACL may log anything.
[[nodiscard]] bool is_surely_exim(const Prefix& prefix);

}  // namespace parsers
