// FarmLink: the way to the farm and back, as the engine sees it. Nothing in it ever waits. It is a
// seam: tests play the farm themselves.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "agent/core/config.h"
#include "agent/farm/protocol.h"

namespace agent {

// What the farm says, in its order.
struct FarmNews {
  enum class Kind {
    word,      // this holds for the identity
    settled,   // so does this, after what we had proposed
    all,       // every word that the farm knows follows ...
    that_was,  // ... and came: tell it what it does not know, by FarmLink::compared()
    windows,   // events were lost on the way: send the live windows again
  };
  Kind kind = Kind::word;
  NamedStatement word;          // of word and settled
  FarmStatement proposed;       // of settled
  bool blocked_before = false;  // of settled: by another host's word
};

// Statements as news of them, in their order.
[[nodiscard]] inline std::vector<FarmNews> news_of(std::vector<NamedStatement> words) {
  std::vector<FarmNews> news(words.size());
  for (std::size_t i = 0; i < words.size(); ++i) news[i].word = std::move(words[i]);
  return news;
}

struct FarmStatus {
  bool connected = false;
  std::string fault;              // why not; as raw as an error is
  std::string server;             // its version
  std::int64_t clock_offset = 0;  // its clock less ours, in milliseconds
  std::uint64_t waiting = 0;      // events not sent yet
  std::uint64_t dropped = 0;      // for want of room; made good from the live windows
  std::uint64_t connections = 0, resyncs = 0, strange = 0;
  FarmCounts counts;
};

class FarmLink {
 public:
  virtual ~FarmLink() = default;
  virtual void send(std::vector<FarmEvent> events) = 0;
  // Room for at least this many more events.
  [[nodiscard]] virtual bool has_room(std::size_t events) const = 0;
  virtual void propose(std::vector<NamedStatement> words) = 0;
  // The answer to FarmNews::that_was: what is to be said was proposed.
  virtual void compared() = 0;
  // What has come since the last call.
  virtual std::vector<FarmNews> take() = 0;
  [[nodiscard]] virtual FarmStatus status() const = 0;
  virtual void configure(const Config& config) = 0;
  // Readable when there is something to take.
  [[nodiscard]] virtual int fd() const = 0;
};

}  // namespace agent
