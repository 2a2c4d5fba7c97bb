// OddEnds: lines of a list that name an end which is no time with a zone. Somebody wanted these
// blocks to end, and they will not: each line is told of once.
#pragma once

#include <functional>
#include <string>
#include <unordered_set>
#include <vector>

#include "actions/lists/lsearch.h"

namespace agent {

class OddEnds {
 public:
  using Say = std::function<void(const std::string&)>;

  OddEnds(std::string path, Say say);
  // Tells of such lines among those of the list, or among new ones.
  void look(const std::vector<actions::ListEntry>& entries);

 private:
  std::string path_;
  Say say_;
  std::unordered_set<std::string> told_;
};

}  // namespace agent
