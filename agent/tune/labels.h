// What people know about identities: files with one identity a line, as Exim logs it. Empty lines
// and those that begin with "#" are left out.
#pragma once

#include <string>
#include <unordered_set>

#include "actions/result.h"

namespace agent {

struct Labels {
  std::unordered_set<std::string> spammers, honest;  // folded

  [[nodiscard]] bool given() const { return !spammers.empty() || !honest.empty(); }
};

// The folded identities of such a file.
[[nodiscard]] actions::Result<std::unordered_set<std::string>> read_identities(
    const std::string& path);

}  // namespace agent
