// Labels: what people know about identities, in files with one identity per line, as Exim logs it.
// Empty lines and those that begin with "#" are ignored.
#pragma once

#include <string>
#include <unordered_set>

#include "actions/result.h"

namespace agent {

struct Labels {
  std::unordered_set<std::string> spammers, honest;  // folded

  [[nodiscard]] bool given() const { return !spammers.empty() || !honest.empty(); }
};

// Returns the folded identities of such a file.
[[nodiscard]] actions::Result<std::unordered_set<std::string>> read_identities(
    const std::string& path);

}  // namespace agent
