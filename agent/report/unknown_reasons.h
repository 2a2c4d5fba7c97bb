// The texts that no pattern of [reasons] knows, each kind once with its number and an example. An
// administrator decides on them and pastes them into the configuration. Pure and bounded.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "parsers/reasons/reasons.h"

namespace agent {

class UnknownReasons {
 public:
  static constexpr std::size_t kMaxKinds = 10'000;

  struct Kind {
    std::string regex;    // RE2 that matches all texts of this kind; the parts that differ are open
    std::string example;  // the first text, as raw as the log
    std::string file;     // where it stands
    std::uint64_t line = 0;
    std::uint64_t count = 0;
  };

  // Adds an unknown text, with the address and sender that mask it (reason_text.h).
  void add(std::string_view text, std::string_view argument, std::string_view sender,
           const std::string& file, std::uint64_t line);

  [[nodiscard]] std::vector<Kind> by_number() const;  // the most frequent first
  // Returns the number of texts of further kinds, for which there was no room.
  [[nodiscard]] std::uint64_t crowded_out() const { return crowded_out_; }

 private:
  std::unordered_map<std::string, Kind> kinds_;  // by regex
  std::uint64_t crowded_out_ = 0;
  parsers::MaskedReason masked_;
};

}  // namespace agent
