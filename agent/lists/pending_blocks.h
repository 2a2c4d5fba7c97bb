// PendingBlocks: the blocks of one list whose lines are not in it: those that wait to be written,
// oldest first, and those set aside, whose identity no line can hold. The latter are never tried;
// they are kept so that their senders are not blocked anew with every event, also after a restart.
#pragma once

#include <functional>
#include <string>
#include <unordered_set>
#include <vector>

namespace agent {

// A decision whose line is not in its list yet (the disk was full, the list unreadable ...).
struct PendingBlock {
  std::string list, identity, data;
  bool operator==(const PendingBlock&) const = default;
};

class PendingBlocks {
 public:
  static constexpr std::size_t kMax = 100'000;  // of both together

  enum class Fate {
    waits,
    set_aside,
    dropped,  // too many wait
  };
  Fate add(PendingBlock block);
  // `key` is folded.
  [[nodiscard]] bool holds(const std::string& key) const { return keys_.count(key) > 0; }
  [[nodiscard]] const std::vector<PendingBlock>& waiting() const { return waiting_; }
  [[nodiscard]] const std::vector<PendingBlock>& set_aside() const { return aside_; }
  [[nodiscard]] std::size_t size() const { return waiting_.size() + aside_.size(); }
  // Returns how many went.
  std::size_t erase_if(const std::function<bool(const PendingBlock&)>& unwanted);
  // Changes the data of the waiting block with this key.
  void set_data(const std::string& key, const std::function<std::string(const std::string&)>& data);

 private:
  std::vector<PendingBlock> waiting_, aside_;
  std::unordered_set<std::string> keys_;  // of both, folded
};

}  // namespace agent
