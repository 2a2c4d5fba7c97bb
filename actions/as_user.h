// Tries what a user may do with a path: a child process becomes that user and does it. So ACLs,
// security modules and mounts count, which permission bits don't show.
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

// Tries as the caller if `user` is nullopt or this process is not root's.
[[nodiscard]] Result<Done> try_as(const std::optional<EximUser>& user, Deed deed,
                                  const std::string& path);

}  // namespace actions
