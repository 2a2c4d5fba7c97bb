// Exim's queue, read from the files of its spool; where one is not understood exipick lists the
// messages, without any test: exipick runs its tests as Perl, so no bytes of a sender may get into
// one. Named queues are not looked at.
#pragma once

#include <cstdint>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "actions/result.h"

namespace actions {

struct QueuedMessage {
  std::string id;
  bool frozen = false;
  bool thawed_by_hand = false;
  std::int64_t received = 0;  // seconds since 1970 UTC
  std::uint64_t size = 0;     // bytes
  std::string host;           // address it came from; empty: submitted on this machine
  std::string authenticator;  // empty: the client did not authenticate
  std::string login;          // of the process that gave it to Exim
  std::string user;           // authenticated id, as Exim prints it; the login for local mail
};

// Parses one line of exipick's output; returns false if it is none.
[[nodiscard]] bool parse_queued_message(std::string_view line, QueuedMessage& message);

class EximQueue {
 public:
  // `exim`: absolute path; exipick is searched for beside it and in /usr/sbin.
  explicit EximQueue(std::string exim);

  // `stop`: ends what is asked of Exim, as an error.
  Result<std::vector<QueuedMessage>> messages(const std::stop_token& stop = {}) const;

  // Returns how many messages there are; gives up after two seconds.
  Result<std::uint64_t> size() const;

  // The envelope and options as the spool holds them, or the message as Exim would send it. An
  // error for a message that is gone, or longer than kLongestText.
  enum class Text { envelope, whole };
  static constexpr std::size_t kLongestText = std::size_t{64} << 20;
  Result<std::string> text(Text text, const std::string& id) const;

  enum class Order { freeze, thaw, remove };
  // Messages that are gone or locked by a delivery stay as they are, without an error: look again
  // to see what became of them. Errc::denied: Exim does not let this user.
  Result<Done> order(Order order, const std::vector<std::string>& ids,
                     const std::stop_token& stop = {}) const;

 private:
  std::string exim_, exipick_;
};

}  // namespace actions
