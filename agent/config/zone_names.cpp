#include "agent/config/zone_names.h"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <system_error>
#include <vector>

#include "agent/config/spelling.h"

namespace agent {
namespace {

namespace fs = std::filesystem;

// Zones begin with a capital, as do their regions; tables, and copies of all of them, don't.
std::vector<std::string> names_below(const fs::path& root) {
  std::vector<std::string> names{"local", "UTC"};
  std::error_code error;
  for (fs::recursive_directory_iterator at(root, error), end; !error && at != end;
       at.increment(error)) {
    const auto name = at->path().lexically_relative(root).string();
    std::error_code ignored;
    if (std::isupper(static_cast<unsigned char>(name[0])) == 0) {
      at.disable_recursion_pending();
    } else if (!at->is_directory(ignored)) {
      names.push_back(name);
    }
  }
  std::sort(names.begin() + 2, names.end());
  return names;
}

std::string last_part(const std::string& name) {
  return name.substr(name.rfind('/') + 1);
}

}  // namespace

std::string nearest_zone(const std::string& given) {
  static const auto names = names_below("/usr/share/zoneinfo");
  const auto slash = given.rfind('/');
  const auto region = slash == std::string::npos ? "" : given.substr(0, slash + 1);
  // Within a region that there is, and for a city alone, only the last part says something.
  std::vector<std::string> cities;
  for (const auto& name : names) {
    if (name.starts_with(region)) cities.push_back(last_part(name));
  }
  if (cities.empty()) return nearest(given, names);
  const auto city = nearest(last_part(given), cities);
  if (city.empty()) return {};
  return *std::find_if(names.begin(), names.end(), [&](const std::string& name) {
    return name.starts_with(region) && last_part(name) == city;
  });
}

}  // namespace agent
