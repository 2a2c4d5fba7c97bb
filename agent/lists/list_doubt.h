// ListDoubt: whether keys that are gone from a list are gone for good. Many editors write in place,
// and for a moment the file is empty: so nobody is free before the file has stayed the same for
// kSettle. Pure: it is told what the file looks like, and when.
#pragma once

#include <chrono>
#include <optional>
#include <set>
#include <string>

#include "actions/files.h"

namespace agent {

class ListDoubt {
 public:
  using Steady = std::chrono::steady_clock::time_point;
  using Stamp = std::optional<actions::FileStamp>;
  using Keys = std::set<std::string>;

  static constexpr std::chrono::milliseconds kSettle{50};
  // A file that somebody keeps writing to: what was missing in every look for so long is gone.
  static constexpr std::chrono::milliseconds kSettleAtMost{1000};

  // `before`: the file before the keys went. `stamp`: the file without them.
  ListDoubt(Keys missing, const Stamp& before, const Stamp& stamp, Steady now);

  // Returns true if the file, whose stamp is `stamp` now, is to be read for judge().
  [[nodiscard]] bool wants_reading(const Stamp& stamp, Steady now);
  // The file was read: its stamp, and all keys that are missing in it. Returns those that are gone
  // for good; nullopt: the doubt goes on, about missing().
  [[nodiscard]] std::optional<Keys> judge(const Stamp& stamp, Keys missing, Steady now);

  // The keys in doubt.
  [[nodiscard]] const Keys& missing() const { return missing_; }
  void forget(const std::string& key) { missing_.erase(key); }
  [[nodiscard]] const Stamp& before() const { return before_; }
  // When the file must be looked at again.
  [[nodiscard]] Steady due() const;

 private:
  void note(const Stamp& stamp, Steady now);

  Keys missing_;
  Stamp before_, stamp_;
  Steady since_, first_, next_sample_;  // the file is the same since; the doubt began
};

}  // namespace agent
