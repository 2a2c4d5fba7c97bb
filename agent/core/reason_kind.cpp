#include "agent/core/reason_kind.h"

namespace agent {

std::string reason_kind(std::string_view reason) {
  constexpr std::size_t kMost = 300;
  constexpr std::string_view kRemote = "after RCPT TO:<";
  const auto remote = reason.find(kRemote);
  const auto end = remote == std::string_view::npos ? remote : reason.find(">: ", remote);
  if (end == std::string_view::npos) return std::string(reason.substr(0, kMost));
  return "remote: " + std::string(reason.substr(end + 3, kMost));
}

}  // namespace agent
