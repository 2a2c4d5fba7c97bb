#include "agent/config/nearest_file.h"

#include <filesystem>
#include <system_error>
#include <vector>

#include "agent/config/spelling.h"

namespace agent {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMost = 10'000;  // entries of a directory that are looked at

std::string nearest_in(const fs::path& directory, const std::string& name) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator at(directory.empty() ? "." : directory, error), end;
       !error && at != end && names.size() < kMost; at.increment(error)) {
    names.push_back(at->path().filename().string());
  }
  return nearest(name, names);
}

}  // namespace

std::string nearest_file(const std::string& path) {
  fs::path found;
  for (const auto& part : fs::path(path)) {
    std::error_code error;
    const auto here = found / part;
    if (fs::exists(here, error)) {
      found = here;
      continue;
    }
    const auto name = nearest_in(found, part.string());
    if (name.empty()) return {};
    found /= name;
  }
  return found.string();
}

}  // namespace agent
