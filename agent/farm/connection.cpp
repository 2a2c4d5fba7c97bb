#include "agent/farm/connection.h"

#include <fmt/format.h>
#include <hiredis/hiredis.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace agent {
namespace {

using actions::Errc;
using Clock = std::chrono::steady_clock;

timeval as_timeval(std::chrono::milliseconds time) {
  return {time.count() / 1000, static_cast<suseconds_t>(time.count() % 1000 * 1000)};
}

// False: the time is over.
bool wait_for(int fd, short events, Clock::time_point until) {
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now());
    pollfd waiting{fd, events, 0};
    const int ready =
        ::poll(&waiting, 1, static_cast<int>(std::max<std::int64_t>(left.count(), 0)));
    if (ready != 0 && !(ready < 0 && errno == EINTR)) return true;
    if (ready == 0) return false;
  }
}

}  // namespace

void FarmConnection::Free::operator()(redisContext* context) const {
  redisFree(context);
}

actions::Error FarmConnection::error(Errc code, const std::string& why, int os) const {
  return {code, os, fmt::format("farm server {}: {}", text_of(address_), why)};
}

actions::Result<FarmConnection> FarmConnection::open(const FarmAddress& address,
                                                     FarmTimeouts timeouts) {
  const auto most = as_timeval(timeouts.connect);
  FarmConnection connection(address.path.empty()
                                ? redisConnectWithTimeout(address.host.c_str(), address.port, most)
                                : redisConnectUnixWithTimeout(address.path.c_str(), most),
                            address, timeouts);
  const auto* context = connection.context_.get();
  if (context == nullptr) return connection.error(Errc::io, "out of memory");
  if (context->err != 0) {
    const int os = context->err == REDIS_ERR_IO ? errno : 0;
    return connection.error(os == ETIMEDOUT || os == EINPROGRESS ? Errc::timeout : Errc::refused,
                            context->errstr, os);
  }
  return connection;
}

int FarmConnection::fd() const {
  return context_->fd;
}

void FarmConnection::add(const Words& command) {
  unsent_ += fmt::format("*{}\r\n", command.size());
  for (const auto& word : command) {
    unsent_ += fmt::format("${}\r\n", word.size());
    unsent_ += word;
    unsent_ += "\r\n";
  }
}

actions::Result<actions::Done> FarmConnection::flush() {
  const auto until = Clock::now() + timeouts_.command;
  std::size_t sent = 0;
  while (sent < unsent_.size()) {
    const auto done =
        ::send(fd(), unsent_.data() + sent, unsent_.size() - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (done >= 0) {
      sent += static_cast<std::size_t>(done);
      continue;
    }
    if (errno == EINTR) continue;
    if (errno != EAGAIN && errno != EWOULDBLOCK)
      return error(Errc::io, std::strerror(errno), errno);
    if (!wait_for(fd(), POLLOUT, until)) return error(Errc::timeout, "takes no commands");
  }
  unsent_.clear();
  return actions::Done{};
}

actions::Result<bool> FarmConnection::receive(std::chrono::milliseconds most) {
  if (!wait_for(fd(), POLLIN, Clock::now() + most)) return false;
  std::array<char, std::size_t{64} * 1024> buffer;
  const auto got = ::recv(fd(), buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) return false;
  if (got < 0) return error(Errc::io, std::strerror(errno), errno);
  if (got == 0) return error(Errc::io, "has closed the connection");
  if (!reader_.feed({buffer.data(), static_cast<std::size_t>(got)}))
    return error(Errc::malformed, "its answer is malformed or too long");
  return true;
}

actions::Result<FarmConnection::Taken> FarmConnection::take() {
  Taken taken;
  for (;;) {
    switch (reader_.next(taken.answer)) {
      case AnswerReader::Next::answer:
        taken.there = true;
        return taken;
      case AnswerReader::Next::broken:
        return error(Errc::malformed, "its answer is malformed or too long");
      case AnswerReader::Next::need_more:
        break;
    }
    const auto more = receive(std::chrono::milliseconds(0));
    if (!more) return more.error();
    if (!more.value()) return taken;
  }
}

actions::Result<Answer> FarmConnection::next() {
  const auto until = Clock::now() + timeouts_.command;
  if (const auto sent = flush(); !sent) return sent.error();
  for (;;) {
    auto taken = take();
    if (!taken) return taken.error();
    if (taken->there) return std::move(taken->answer);
    if (!wait_for(fd(), POLLIN, until)) return error(Errc::timeout, "does not answer");
  }
}

actions::Result<Answer> FarmConnection::ask(const Words& command) {
  add(command);
  return next();
}

}  // namespace agent
