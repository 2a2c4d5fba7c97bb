// The identities that logs and lists hold, to suggest one if the wanted one is mistyped.
#pragma once

#include <set>
#include <string>
#include <string_view>

namespace agent {

class KnownNames {
 public:
  explicit KnownNames(std::string_view wanted);

  void note(std::string_view identity);
  // Returns true if the wanted one is among them.
  [[nodiscard]] bool met() const { return met_; }
  // Returns ' (did you mean "..."?)', or "".
  [[nodiscard]] std::string hint() const;

 private:
  std::string wanted_;  // folded
  bool met_ = false;
  std::set<std::string, std::less<>> names_;
};

}  // namespace agent
