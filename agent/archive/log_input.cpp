#include "agent/archive/log_input.h"

#include <sched.h>

#include <system_error>
#include <thread>
#include <utility>

namespace agent {

std::size_t usable_processors() {
  cpu_set_t set;
  if (::sched_getaffinity(0, sizeof set, &set) == 0) {
    return static_cast<std::size_t>(CPU_COUNT(&set));
  }
  return std::thread::hardware_concurrency();
}

LogInput::LogInput(LogBytes::Opened opened) : opened_(std::move(opened)) {}

actions::Result<std::unique_ptr<LogInput>> LogInput::open(const std::string& path,
                                                          Patience patience) {
  auto opened = LogBytes::open(path, std::move(patience));
  if (!opened) return opened.error();
  return std::unique_ptr<LogInput>(new LogInput(std::move(opened.value())));
}

void LogInput::read_ahead(std::size_t threads, const ReadAhead::MakePrepare& make,
                          std::size_t bytes, std::shared_ptr<SpareChunks> spare) {
  const auto chunks = bytes > 0 ? bytes / kChunk : 2 * threads + 2;
  if (!opened_.regular || ahead_ != nullptr || threads == 0) return;
  if (spare == nullptr) spare = std::make_shared<SpareChunks>();
  try {
    ahead_ = std::make_unique<ReadAhead>(*opened_.bytes, chunks_, threads, chunks, make,
                                         std::move(spare));
  } catch (const std::system_error&) {
    // No thread to be had (a limit of the system): then without.
  }
}

actions::Result<std::span<const char>> LogInput::read() {
  auto chunk = peek();
  peeked_ = false;
  return chunk;
}

actions::Result<std::span<const char>> LogInput::peek() {
  if (!peeked_) {
    if (chunk_->error != nullptr) {
      chunk_->have = 0;
    } else if (ahead_ != nullptr) {
      ahead_->next(chunk_);
    } else {
      chunk_->fill_from(*opened_.bytes);
      ++chunks_;
    }
    peeked_ = true;
  }
  if (chunk_->have == 0 && chunk_->error != nullptr) return *chunk_->error;
  return std::span<const char>(chunk_->bytes.data(), chunk_->have);
}

}  // namespace agent
