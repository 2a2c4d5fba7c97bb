// Reads a header file of Exim's spool ("ID-H"): what Exim keeps of a message beside its body.
// Source: spool_in.c spool_read_header, spool_out.c. Pure: no file is opened here.
#pragma once

#include <string_view>

#include "actions/exim/exim_queue.h"

namespace actions {

// Fills in `message`; its size is that of its header lines, without the body. `id`: as the file's
// name says. Returns false if this is no header file of that message, or not all of one.
[[nodiscard]] bool parse_spool_header(std::string_view text, std::string_view id,
                                      QueuedMessage& message);

// Returns true for a message id, of Exim up to 4.96 or since 4.97.
[[nodiscard]] bool is_message_id(std::string_view text);

}  // namespace actions
