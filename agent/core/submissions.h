// Submissions: which sender submitted which message; a "**" entry is charged to that sender.
// Bounded.
//
// A message is forgotten at its "Completed" entry. Beyond kMaxMessages messages, or kMaxFailures
// failures of all of them, the message that arrived first is forgotten. A failure of a forgotten
// message is charged to nobody.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "parsers/entries/arrival.h"
#include "parsers/string_hash.h"

namespace agent {

class Submissions {
 public:
  static constexpr std::size_t kMaxMessages = 100'000;
  static constexpr std::size_t kMaxFailures = 1'000'000;

  struct Message {
    std::optional<std::string> user, host, login, authenticator;
    std::string sender;
    std::vector<std::uint64_t> failed;  // digests of the recipients that failed so far
    bool operator==(const Message&) const = default;
  };

  // Remembers a message if somebody can be charged for its failures: bounces and other mail without
  // a sender count only where somebody authenticated. `key` is the message id, with its log's host
  // before it where logs of several hosts are read together.
  void arrived(std::string_view key, const parsers::Arrival& arrival);
  void completed(std::string_view key);
  // Returns the message if it is known and this recipient of it failed for the first time; else
  // null.
  const Message* failed(std::string_view key, std::string_view recipient);

  [[nodiscard]] std::size_t size() const { return messages_.size(); }
  [[nodiscard]] std::uint64_t forgotten() const { return forgotten_; }  // for want of room

  // For the checkpoint, oldest first.
  [[nodiscard]] std::vector<std::pair<std::string, Message>> all() const;
  void restore(std::vector<std::pair<std::string, Message>> messages);

 private:
  struct Entry {
    Message message;
    std::uint64_t number = 0;  // of its arrival
  };
  using Messages = parsers::StringMap<Entry>;
  void add(std::string_view key, Message message);
  void erase(Messages::iterator message);
  void make_room();

  Messages messages_;
  // In order of arrival; entries of messages that are gone are skipped when their turn comes.
  std::deque<std::pair<std::string, std::uint64_t>> order_;
  std::uint64_t arrivals_ = 0;
  std::size_t failures_ = 0;
  std::uint64_t forgotten_ = 0;
};

}  // namespace agent
