#include "tests/farm/proxy.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <stdexcept>
#include <utility>
#include <vector>

namespace farm_lab {
namespace {

sockaddr_un address_of(const std::string& path) {
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  std::strncpy(name.sun_path, path.c_str(), sizeof name.sun_path - 1);
  return name;
}

int connect_to(const std::string& path) {
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const auto name = address_of(path);
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&name), sizeof name) == 0) return fd;
  ::close(fd);
  return -1;
}

// False: one of the two has gone.
bool pass(int from, int to) {
  std::array<char, 64 * 1024> buffer;
  const auto got = ::recv(from, buffer.data(), buffer.size(), 0);
  if (got <= 0) return false;
  for (ssize_t sent = 0; sent < got;) {
    const auto done =
        ::send(to, buffer.data() + sent, static_cast<std::size_t>(got - sent), MSG_NOSIGNAL);
    if (done <= 0) return false;
    sent += done;
  }
  return true;
}

}  // namespace

Proxy::Proxy(std::string server) : server_(std::move(server)) {
  listening_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const auto name = address_of(socket());
  if (::bind(listening_, reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0 ||
      ::listen(listening_, 16) != 0) {
    throw std::runtime_error("no proxy");
  }
  thread_ = std::thread([this] { work(); });
}

Proxy::~Proxy() {
  stop_ = true;
  thread_.join();
  ::close(listening_);
}

void Proxy::work() {
  std::vector<std::pair<int, int>> pairs;
  while (!stop_) {
    std::vector<pollfd> waiting{{listening_, POLLIN, 0}};
    for (const auto& [client, server] : pairs) {
      waiting.push_back({client, POLLIN, 0});
      waiting.push_back({server, POLLIN, 0});
    }
    ::poll(waiting.data(), waiting.size(), 5);
    if (cut_) {
      for (const auto& [client, server] : std::exchange(pairs, {})) {
        ::close(client);
        if (server >= 0) ::close(server);
      }
      if ((waiting[0].revents & POLLIN) != 0) ::close(::accept(listening_, nullptr, nullptr));
      continue;
    }
    std::vector<std::pair<int, int>> left;
    for (std::size_t i = 0; i < pairs.size(); ++i) {
      const auto [client, server] = pairs[i];
      bool good = true;
      const bool asked = (waiting[1 + 2 * i].revents & (POLLIN | POLLHUP)) != 0;
      const bool answered = (waiting[2 + 2 * i].revents & (POLLIN | POLLHUP)) != 0;
      if ((asked || answered) && delay_ > 0) ::poll(nullptr, 0, delay_);
      if (asked) good = pass(client, server);
      if (good && answered) good = pass(server, client);
      if (good) {
        left.push_back(pairs[i]);
        continue;
      }
      ::close(client);
      ::close(server);
    }
    pairs = std::move(left);
    if ((waiting[0].revents & POLLIN) == 0) continue;
    const int client = ::accept(listening_, nullptr, nullptr);
    const int server = connect_to(server_);
    if (client >= 0 && server >= 0) {
      pairs.emplace_back(client, server);
    } else {
      ::close(client);
    }
  }
  for (const auto& [client, server] : pairs) {
    ::close(client);
    ::close(server);
  }
}

}  // namespace farm_lab
