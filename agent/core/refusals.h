// Refusals: addresses whose newest refusal by a remote server meant something else than that there
// is no such recipient. Exim remembers a callout's refusal and repeats it later without its words
// ("Previous (cached) callout verification failure"): such a line counts as the refusal that it
// repeats did. Pure and bounded.
#pragma once

#include <cstdint>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "parsers/entries/event.h"

namespace agent {

class Refusals {
 public:
  // Beyond that the oldest address is forgotten. A cached refusal of it then counts, as that of an
  // address never seen does.
  static constexpr std::size_t kMaxAddresses = 65536;

  // Remembers what a remote server said of the recipient; is called for each refusal in its turn.
  // Returns true if this is a cached refusal that repeats one which did not mean that the recipient
  // does not exist.
  bool repeats_other(const parsers::Event& event);

  // For the checkpoint: digests of the addresses, oldest first.
  [[nodiscard]] std::vector<std::uint64_t> addresses() const {
    return {order_.begin(), order_.end()};
  }
  void restore(const std::vector<std::uint64_t>& addresses);

 private:
  std::uint64_t digest(std::string_view recipient);
  void remember(std::uint64_t address);
  void forget(std::uint64_t address);

  std::list<std::uint64_t> order_;
  std::unordered_map<std::uint64_t, std::list<std::uint64_t>::iterator> places_;
  std::string folded_;
};

}  // namespace agent
