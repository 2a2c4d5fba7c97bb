// What somebody may do with a path, tried for real: a child becomes that user and does it. Sees
// ACLs, security modules and mounts, which permission bits don't show.
#pragma once

#include <string>

#include "actions/exim/exim_access.h"
#include "actions/result.h"

namespace actions {

enum class Deed {
  read,     // open it for reading and read a byte
  append,   // open it for appending; nothing is written
  list,     // read a directory
  make_in,  // make files in a directory; none is made
};

// As the caller, if `user` is nullopt or we are not root.
[[nodiscard]] Result<Done> try_as(const std::optional<EximUser>& user, Deed deed,
                                  const std::string& path);

}  // namespace actions
