// Answer: one answer of the farm's server, as a value. The server is as little trusted as a log:
// what it sends becomes one of these, within the bounds below, or an error.
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

// AnswerReader: bytes of RESP2 in, answers out.
class AnswerReader {
 public:
  // Of one answer, with all that is in it.
  static constexpr std::size_t kMaxBytes = std::size_t{8} << 20;
  static constexpr int kMaxElements = 100'000;
  static constexpr int kMaxDepth = 6;  // of lists in lists

  AnswerReader();
  // The reader inside knows its address.
  AnswerReader(AnswerReader&& other) noexcept;
  AnswerReader& operator=(AnswerReader&& other) noexcept;
  // Returns false if the bytes are not RESP2, or over the bounds: no more can be read from this
  // peer.
  [[nodiscard]] bool feed(std::string_view bytes);
  enum class Next { answer, need_more, broken };
  [[nodiscard]] Next next(Answer& answer);

 private:
  struct Free {
    void operator()(redisReader* reader) const;
  };
  std::unique_ptr<redisReader, Free> reader_;
  bool broken_ = false;
  std::size_t bytes_ = 0;        // of the answer under way
  int elements_ = kMaxElements;  // that it may still have
};

}  // namespace agent
