// FarmConnection: one connection to the farm's server. No call waits longer than the time-outs, and
// no error holds a word that was sent: there may be a password among them.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "actions/result.h"
#include "agent/config/farm_address.h"
#include "agent/farm/answer.h"

struct redisContext;

namespace agent {

struct FarmTimeouts {
  std::chrono::milliseconds connect{1000}, command{1000};
};

class FarmConnection {
 public:
  using Words = std::vector<std::string>;

  static actions::Result<FarmConnection> open(const FarmAddress& address, FarmTimeouts timeouts);

  // Sends one command and returns its answer; an error of the server is an answer too. After an
  // error of the connection it is of no use any more.
  actions::Result<Answer> ask(const Words& command);
  // Several commands may be sent before the first answer is awaited: add() each, then call next()
  // once for each.
  void add(const Words& command);
  actions::Result<Answer> next();
  // Hands over what was added, for an answer that may take long: take() then asks, without waiting,
  // whether it is there.
  actions::Result<actions::Done> flush();
  struct Taken {
    bool there = false;
    Answer answer;
  };
  actions::Result<Taken> take();
  [[nodiscard]] int fd() const;

 private:
  struct Free {
    void operator()(redisContext* context) const;
  };
  FarmConnection(redisContext* context, FarmAddress address, FarmTimeouts timeouts)
      : context_(context), address_(std::move(address)), timeouts_(timeouts) {}
  [[nodiscard]] actions::Error error(actions::Errc code, const std::string& why, int os = 0) const;
  // Reads what has come, waiting for at most so long. Returns false if nothing came in that time.
  actions::Result<bool> receive(std::chrono::milliseconds most);

  std::unique_ptr<redisContext, Free> context_;
  FarmAddress address_;
  FarmTimeouts timeouts_;
  AnswerReader reader_;
  std::string unsent_;
};

}  // namespace agent
