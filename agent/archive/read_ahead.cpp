#include "agent/archive/read_ahead.h"

#include <algorithm>
#include <utility>

namespace agent {
namespace {

template <class Read>
void fill_chunk(LogChunk& chunk, const Read& read) {
  chunk.bytes.resize(LogChunk::kSize);
  chunk.have = 0;
  chunk.error = nullptr;
  while (chunk.have < chunk.bytes.size() && chunk.error == nullptr) {
    const auto got = read(chunk.have, std::span(chunk.bytes).subspan(chunk.have));
    if (!got) {
      chunk.error = std::make_unique<actions::Error>(got.error());
    } else if (got.value() == 0) {
      break;
    } else {
      chunk.have += got.value();
    }
  }
}

}  // namespace

void LogChunk::fill_from(LogBytes& from) {
  fill_chunk(*this, [&](std::size_t, std::span<char> out) { return from.fill(out); });
  taken = from.taken();
}

void LogChunk::fill_from(const LogBytes& from, std::uint64_t number) {
  const auto begin = number * kSize;
  fill_chunk(*this, [&](std::size_t done, std::span<char> out) {
    return from.fill_at(begin + done, out);
  });
  taken = begin + have;
}

std::unique_ptr<LogChunk> SpareChunks::take() {
  {
    const std::lock_guard lock(mutex_);
    if (!chunks_.empty()) {
      auto chunk = std::move(chunks_.back());
      chunks_.pop_back();
      return chunk;
    }
  }
  return std::make_unique<LogChunk>();
}

void SpareChunks::put(std::unique_ptr<LogChunk> chunk) {
  if (!chunk) return;
  chunk->prepared.discard();
  const std::lock_guard lock(mutex_);
  chunks_.push_back(std::move(chunk));
}

ReadAhead::ReadAhead(LogBytes& from, std::uint64_t first, std::size_t threads, std::size_t chunks,
                     const MakePrepare& make, std::shared_ptr<SpareChunks> spare)
    : from_(from),
      seekable_(from.is_seekable()),
      spare_(std::move(spare)),
      ring_(std::max(chunks, threads + 1)),
      given_(first),
      claimed_(first) {
  const auto prepare = [&] { return make ? make() : Prepare(); };
  prepare_ = prepare();
  try {
    for (std::size_t i = 0; i < threads; ++i) {
      threads_.emplace_back([this, own = prepare()] { run(own); });
    }
  } catch (const std::system_error&) {
    // Fewer threads than wanted (a limit of the system).
    if (threads_.empty()) throw;
  }
}

ReadAhead::~ReadAhead() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  for (auto& thread : threads_) thread.join();
  for (auto& slot : ring_) spare_->put(std::move(slot.chunk));
}

bool ReadAhead::can_claim() const {
  return claimed_ < given_ + ring_.size() && claimed_ <= last_ && !filling_;
}

void ReadAhead::run(const Prepare& prepare) {
  Lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [&] { return stop_ || claimed_ > last_ || can_claim(); });
    if (stop_ || claimed_ > last_) return;
    work(lock, prepare);
  }
}

// Reads the next chunk that nobody has begun with, and does what can be done before its turn.
void ReadAhead::work(Lock& lock, const Prepare& prepare) {
  const auto number = claimed_++;
  auto& slot = ring_[number % ring_.size()];
  slot.chunk = spare_->take();
  auto& chunk = *slot.chunk;
  fill(lock, chunk, number);
  if (prepare) {
    lock.unlock();
    prepare({chunk.bytes.data(), chunk.have}, chunk.prepared);
    lock.lock();
  }
  slot.full = true;
  changed_.notify_all();
}

void ReadAhead::fill(Lock& lock, LogChunk& chunk, std::uint64_t number) {
  filling_ = !seekable_;
  lock.unlock();
  if (seekable_) {
    chunk.fill_from(std::as_const(from_), number);
  } else {
    chunk.fill_from(from_);
  }
  lock.lock();
  filling_ = false;
  if (chunk.have < LogChunk::kSize) last_ = std::min(last_, number);
  if (!seekable_) changed_.notify_all();
}

void ReadAhead::next(std::unique_ptr<LogChunk>& chunk) {
  Lock lock(mutex_);
  for (;;) {
    if (given_ > last_) {
      chunk->have = 0;
      chunk->error = nullptr;
      return;
    }
    auto& slot = ring_[given_ % ring_.size()];
    if (slot.full) {
      spare_->put(std::exchange(chunk, std::move(slot.chunk)));
      slot.full = false;
      ++given_;
      changed_.notify_all();
      return;
    }
    if (claimed_ == given_ && !filling_) {
      // Nobody has begun with it: to prepare it would be work for nothing.
      const auto number = claimed_++;
      fill(lock, *chunk, number);
      chunk->prepared.discard();
      ++given_;
      changed_.notify_all();
      return;
    }
    if (can_claim()) {
      work(lock, prepare_);
    } else {
      changed_.wait(lock);
    }
  }
}

}  // namespace agent
