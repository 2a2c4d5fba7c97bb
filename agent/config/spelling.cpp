#include "agent/config/spelling.h"

#include <algorithm>
#include <cctype>

#include "agent/values/printable.h"

namespace agent {
namespace {

char lower(char c) {
  return static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
}

// Edits (insert, delete, replace, swap of neighbours) that make `b` of `a`.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<std::size_t>> cost(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) {
    for (std::size_t j = 0; j <= b.size(); ++j) {
      if (i == 0 || j == 0) {
        cost[i][j] = i + j;
        continue;
      }
      const std::size_t same = lower(a[i - 1]) == lower(b[j - 1]) ? 0 : 1;
      cost[i][j] = std::min({cost[i - 1][j] + 1, cost[i][j - 1] + 1, cost[i - 1][j - 1] + same});
      if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) &&
          lower(a[i - 2]) == lower(b[j - 1])) {
        cost[i][j] = std::min(cost[i][j], cost[i - 2][j - 2] + 1);
      }
    }
  }
  return cost[a.size()][b.size()];
}

// A slip of the fingers in a word of that size.
std::size_t slips(std::size_t size) {
  return std::clamp<std::size_t>(size / 3, 1, 5);
}

std::string nearest_within(std::string_view given, const std::vector<std::string>& words,
                           std::size_t most) {
  std::string best;
  std::size_t best_distance = most + 1;
  for (const auto& word : words) {
    if (given.size() > 64) break;
    const auto longer = std::max(given.size(), word.size());
    if (longer - std::min(given.size(), word.size()) >= best_distance) continue;
    const auto edits = distance(given, word);
    if (edits < best_distance) {
      best_distance = edits;
      best = word;
    }
  }
  return best;
}

}  // namespace

std::string nearest(std::string_view given, const std::vector<std::string>& words) {
  return nearest_within(given, words, slips(given.size()));
}

std::string nearest_identity(std::string_view given, const std::vector<std::string>& known) {
  return nearest_within(given, known, slips(given.substr(0, given.find('@')).size()));
}

std::string did_you_mean(std::string_view word) {
  return word.empty() ? "" : " (did you mean \"" + printable(word) + "\"?)";
}

}  // namespace agent
