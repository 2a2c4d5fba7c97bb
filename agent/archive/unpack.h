// An unpacker of gzip, xz, zstd and bzip2 files, step by step. A cut-off or damaged member gives
// every byte before the damage.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

namespace agent {

enum class Packing { gzip, xz, zstd, bzip2 };

// Recognises the packing by the first bytes (at least 6, if there are so many); nullopt: not
// packed.
[[nodiscard]] std::optional<Packing> packing_of(std::string_view head);

// Unpacks one member: what one run of the packing program wrote. Files may hold several in a row.
class Unpacker {
 public:
  struct Step {
    enum class Status { more, end_of_member, broken };
    Status status = Status::more;
    std::size_t taken = 0;  // bytes of the input
    std::size_t given = 0;  // bytes of the output
  };

  static std::unique_ptr<Unpacker> make(Packing packing);
  virtual ~Unpacker() = default;
  // Returns `more` without a byte taken or given if no input is left. After end_of_member or
  // broken, make another unpacker.
  virtual Step step(std::span<const char> input, std::span<char> output) = 0;
};

}  // namespace agent
