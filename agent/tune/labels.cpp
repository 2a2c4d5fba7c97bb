#include "agent/tune/labels.h"

#include <algorithm>
#include <string_view>

#include "agent/archive/log_input.h"
#include "agent/core/attribution.h"

namespace agent {

actions::Result<std::unordered_set<std::string>> read_identities(const std::string& path) {
  auto input = LogInput::open(path);
  if (!input) return input.error();
  std::string text;
  for (;;) {
    const auto chunk = input.value()->read();
    if (!chunk) return chunk.error();
    if (chunk.value().empty()) break;
    text.append(chunk.value().data(), chunk.value().size());
  }
  std::unordered_set<std::string> identities;
  std::string_view rest = text;
  while (!rest.empty()) {
    auto line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (!line.empty() && line[0] != '#') identities.insert(folded(line));
  }
  return identities;
}

}  // namespace agent
