#include "agent/commands/hand.h"

#include <pwd.h>
#include <unistd.h>

#include <cstdlib>
#include <vector>

namespace agent {

std::string hand() {
  if (const char* sudo = std::getenv("SUDO_USER"); sudo != nullptr && *sudo != '\0') return sudo;
  std::vector<char> buffer(16384);
  passwd entry{};
  passwd* found = nullptr;
  if (::getpwuid_r(::getuid(), &entry, buffer.data(), buffer.size(), &found) == 0 &&
      found != nullptr)
    return found->pw_name;
  return std::to_string(::getuid());
}

}  // namespace agent
