// The addresses that belong to a sender: an lsearch file from an identity, or from the domain
// behind its last "@", to mail addresses.
#pragma once

#include <string>
#include <vector>

#include "actions/result.h"

namespace agent {

// Returns the addresses of an identity; empty if the file has neither it nor its domain. Whatever
// the file holds, only what can be written into an envelope and a header as it stands is an
// address: anything else is an error, and nobody gets the mail. Reads the file anew each time.
[[nodiscard]] actions::Result<std::vector<std::string>, std::string> customer_addresses(
    const std::string& path, const std::string& identity);

// Returns what is wrong with the file, "" if nothing is: it can be read, and every line of it has
// addresses.
[[nodiscard]] std::string customer_file_problem(const std::string& path);

}  // namespace agent
