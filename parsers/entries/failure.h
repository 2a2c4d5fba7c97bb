// A failure entry ("**"): a delivery that failed for good; or one ("==") that was put off. The
// address is printed with its quotes taken off, so it may hold blanks, colons and text that looks
// like the fields behind it; only the message id is beyond doubt. A sender can forge only what is
// charged to that sender. Source: deliver.c post_process_one, string_log_address.
#pragma once

#include <string_view>

namespace parsers {

struct Failure {
  // As the sender gave it, if Exim prints that ("<original>"); else the address.
  std::string_view recipient;
  std::string_view reason;  // empty if there is none
};

// `payload` is what follows the message id, "** " included. Returns false if it is no such entry.
[[nodiscard]] bool scan_failure(std::string_view payload, Failure& failure);
// The same for an entry of a delivery that was put off ("==").
[[nodiscard]] bool scan_deferral(std::string_view payload, Failure& failure);
// Returns true if the reason is a remote server's answer to a recipient, or to the message.
[[nodiscard]] bool is_remote_answer(std::string_view reason);

}  // namespace parsers
