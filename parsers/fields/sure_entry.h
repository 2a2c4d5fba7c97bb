// Other programs begin their lines with a stamp like Exim's too: is a line surely an entry of
// Exim's?
#pragma once

#include "parsers/fields/prefix.h"

namespace parsers {

// True if what follows the stamp is a message id, or how Exim itself begins an entry. False of some
// entries: what a site's ACL logs may be anything.
[[nodiscard]] bool is_surely_exim(const Prefix& prefix);

}  // namespace parsers
