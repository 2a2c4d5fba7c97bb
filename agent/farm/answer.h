// One answer of the farm's server, as a value. The server is as little trusted as a log: what it
// sends becomes one of these, within the bounds below, or an error.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

struct redisReader;

namespace agent {

struct Answer {
  enum class Type { nil, number, text, error, list };
  Type type = Type::nil;
  std::int64_t number = 0;
  std::string text;  // of text and error; raw bytes
  std::vector<Answer> list;

  [[nodiscard]] bool is_error() const { return type == Type::error; }
};

// Bytes of RESP2 in, answers out.
class AnswerReader {
 public:
  static constexpr std::size_t kMaxBytes = std::size_t{16} << 20;  // not yet made into an answer
  static constexpr int kMaxElements = 100'000;                     // of one list

  AnswerReader();
  // False: not RESP2, or over the bounds; no more can be read from this peer.
  [[nodiscard]] bool feed(std::string_view bytes);
  enum class Next { answer, need_more, broken };
  [[nodiscard]] Next next(Answer& answer);

 private:
  struct Free {
    void operator()(redisReader* reader) const;
  };
  std::unique_ptr<redisReader, Free> reader_;
  bool broken_ = false;
};

}  // namespace agent
