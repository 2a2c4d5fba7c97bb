// An unpacker of gzip members by ISA-L, several times as fast as zlib. Of a whole member it gives
// what zlib gives. It stops earlier or later in a damaged one, and keeps back the last bytes of one
// that is cut off: then the member is to be unpacked again by zlib.
#pragma once

#include <memory>

#include "agent/archive/unpack.h"

namespace agent {

// Null: the program was built without ISA-L.
[[nodiscard]] std::unique_ptr<Unpacker> quick_gzip();

}  // namespace agent
