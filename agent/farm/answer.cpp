#include "agent/farm/answer.h"

#include <hiredis/read.h>

#include <new>
#include <utility>

namespace agent {
namespace {

// hiredis calls these while it reads; nullptr means "no memory" and ends the reading. Elements of
// lists are owned by their list, so only what has no parent is on the heap.
Answer* place(const redisReadTask* task, Answer&& answer) noexcept {
  try {
    if (task->parent == nullptr) return new Answer(std::move(answer));
    auto& list = static_cast<Answer*>(task->parent->obj)->list;
    if (static_cast<std::size_t>(task->idx) >= list.size()) return nullptr;
    auto& element = list[static_cast<std::size_t>(task->idx)];
    element = std::move(answer);
    return &element;
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}

void* create_text(const redisReadTask* task, char* bytes, std::size_t size) noexcept {
  if (task->type != REDIS_REPLY_STRING && task->type != REDIS_REPLY_STATUS &&
      task->type != REDIS_REPLY_ERROR) {
    return nullptr;
  }
  try {
    Answer answer;
    answer.type = task->type == REDIS_REPLY_ERROR ? Answer::Type::error : Answer::Type::text;
    answer.text.assign(bytes, size);
    return place(task, std::move(answer));
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}

// Lists in lists: no answer of ours goes deeper than three; each level is one of the stack when it
// is freed.
bool too_deep(const redisReadTask* task) {
  int levels = 0;
  while ((task = task->parent) != nullptr) ++levels;
  return levels > AnswerReader::kMaxDepth;
}

// hiredis gives the number of elements as int up to 0.14, as size_t from 1.0 on; 1.x sets no limit
// to depth.
template <typename Count>
void* create_list(const redisReadTask* task, Count elements) noexcept {
  auto& left = *static_cast<int*>(task->privdata);
  if (task->type != REDIS_REPLY_ARRAY || too_deep(task)) return nullptr;
  if (std::cmp_less(elements, 0) || std::cmp_greater(elements, left)) return nullptr;
  left -= static_cast<int>(elements);
  try {
    Answer answer;
    answer.type = Answer::Type::list;
    answer.list.resize(static_cast<std::size_t>(elements));
    return place(task, std::move(answer));
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}

void* create_number(const redisReadTask* task, long long number) noexcept {
  Answer answer;
  answer.type = Answer::Type::number;
  answer.number = number;
  return place(task, std::move(answer));
}

void* create_nil(const redisReadTask* task) noexcept {
  return place(task, Answer());
}

void free_answer(void* answer) noexcept {
  delete static_cast<Answer*>(answer);
}

// RESP3 is never asked for, and its types are refused: hiredis 1.x, which reads them, would give a
// number for a pointer where a function is missing.
template <typename Functions>
void refuse_resp3(Functions& functions) {
  if constexpr (requires { functions.createDouble; })
    functions.createDouble = [](const redisReadTask*, double, char*, std::size_t) -> void* {
      return nullptr;
    };
  if constexpr (requires { functions.createBool; })
    functions.createBool = [](const redisReadTask*, int) -> void* { return nullptr; };
}

redisReplyObjectFunctions reply_functions() {
  redisReplyObjectFunctions functions{};
  functions.createString = create_text;
  functions.createArray = create_list;
  functions.createInteger = create_number;
  functions.createNil = create_nil;
  functions.freeObject = free_answer;
  refuse_resp3(functions);
  return functions;
}

redisReplyObjectFunctions functions = reply_functions();

}  // namespace

void AnswerReader::Free::operator()(redisReader* reader) const {
  redisReaderFree(reader);
}

AnswerReader::AnswerReader() : reader_(redisReaderCreateWithFunctions(&functions)) {
  if (reader_ == nullptr) throw std::bad_alloc();
  reader_->privdata = &elements_;
}

AnswerReader::AnswerReader(AnswerReader&& other) noexcept {
  *this = std::move(other);
}

AnswerReader& AnswerReader::operator=(AnswerReader&& other) noexcept {
  reader_ = std::move(other.reader_);
  broken_ = other.broken_;
  bytes_ = other.bytes_;
  elements_ = other.elements_;
  if (reader_ != nullptr) reader_->privdata = &elements_;
  return *this;
}

bool AnswerReader::feed(std::string_view bytes) {
  bytes_ += bytes.size();
  if (bytes_ > kMaxBytes) broken_ = true;
  if (!broken_ && redisReaderFeed(reader_.get(), bytes.data(), bytes.size()) != REDIS_OK)
    broken_ = true;
  return !broken_;
}

AnswerReader::Next AnswerReader::next(Answer& answer) {
  void* found = nullptr;
  if (broken_ || redisReaderGetReply(reader_.get(), &found) != REDIS_OK) {
    broken_ = true;
    return Next::broken;
  }
  if (found == nullptr) return Next::need_more;
  bytes_ = reader_->len - reader_->pos;
  elements_ = kMaxElements;
  answer = std::move(*static_cast<Answer*>(found));
  free_answer(found);
  return Next::answer;
}

}  // namespace agent
