// The findings of `check`: each fact is good, doubtful or bad; the latter two come with advice.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace agent {

enum class Verdict { good, doubtful, bad };

struct Finding {
  Verdict verdict = Verdict::good;
  std::string about;   // one word: "config", "log", "reasons", "state", "list", "unit", "exim",
                       // "tag", "notice", "farm", "machine"
  std::string what;    // raw bytes: make it printable before showing it
  std::string advice;  // empty if good
};

class Findings {
 public:
  void good(std::string about, std::string what) {
    all.push_back({Verdict::good, std::move(about), std::move(what), {}});
  }
  void doubtful(std::string about, std::string what, std::string advice) {
    all.push_back({Verdict::doubtful, std::move(about), std::move(what), std::move(advice)});
  }
  void bad(std::string about, std::string what, std::string advice) {
    all.push_back({Verdict::bad, std::move(about), std::move(what), std::move(advice)});
  }
  std::vector<Finding> all;
};

}  // namespace agent
