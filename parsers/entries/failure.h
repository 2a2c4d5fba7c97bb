// "**" entries: a delivery that failed for good. The address is printed with its quotes taken off,
// so it may hold blanks, colons and text that looks like the fields behind it; only the message id
// is beyond doubt. What the sender can bend here concerns nobody but himself. Source: deliver.c
// post_process_one, string_log_address.
#pragma once

#include <string_view>

namespace parsers {

struct Failure {
  std::string_view
      recipient;  // as the sender gave it, where Exim prints it: "<original>"; else the address
  std::string_view reason;  // empty if there is none
};

// `payload` is what follows the message id, "** " included. False if it is no such entry.
[[nodiscard]] bool scan_failure(std::string_view payload, Failure& failure);

}  // namespace parsers
