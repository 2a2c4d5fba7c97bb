// FarmLink: the way to the farm and back, as the engine sees it. No call ever waits. It is a seam:
// tests play the farm themselves.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "agent/core/config.h"
#include "agent/farm/protocol.h"

namespace agent {

// FarmNews: one thing that the farm says; its order matters.
struct FarmNews {
  enum class Kind {
    word,      // this statement holds for the identity
    settled,   // so does this one: the answer to one that this host had proposed
    all,       // every statement that the farm knows follows
    that_was,  // all of them have come: tell the farm what it does not know, then compared()
    windows,   // events were lost on the way: send the live windows again
  };
  Kind kind = Kind::word;
  NamedStatement word;     // of word and settled
  FarmStatement proposed;  // of settled
  // Of settled: another host's statement had blocked the identity before.
  bool blocked_before = false;
};

// Returns the statements as news, in their order.
[[nodiscard]] inline std::vector<FarmNews> news_of(std::vector<NamedStatement> words) {
  std::vector<FarmNews> news(words.size());
  for (std::size_t i = 0; i < words.size(); ++i) news[i].word = std::move(words[i]);
  return news;
}

// FarmStatus: the state of the link, and what it has counted since it was made.
struct FarmStatus {
  bool connected = false;
  std::string fault;              // why it is not connected; may hold any bytes
  std::string server;             // the server's version
  std::int64_t clock_offset = 0;  // the server's clock less this host's, in milliseconds
  std::uint64_t waiting = 0;      // events not sent yet
  std::uint64_t dropped = 0;      // events that found no room; made good from the live windows
  std::uint64_t connections = 0, resyncs = 0, strange = 0;
  FarmCounts counts;
};

class FarmLink {
 public:
  virtual ~FarmLink() = default;
  // Sends events that were counted here. FarmNews::windows asks for those that found no room.
  virtual void send(std::vector<FarmEvent> events) = 0;
  // Returns true if there is room for at least this many more events.
  [[nodiscard]] virtual bool has_room(std::size_t events) const = 0;
  // Sends statements of this host; FarmNews::settled answers those that the farm has received.
  virtual void propose(std::vector<NamedStatement> words) = 0;
  // Answers FarmNews::that_was: all that the farm did not know has been proposed.
  virtual void compared() = 0;
  // Takes what has come since the last call, or a part of it: fd() stays readable if there is more.
  virtual std::vector<FarmNews> take() = 0;
  [[nodiscard]] virtual FarmStatus status() const = 0;
  virtual void configure(const Config& config) = 0;
  // Returns a descriptor that is readable when there is something to take.
  [[nodiscard]] virtual int fd() const = 0;
};

}  // namespace agent
