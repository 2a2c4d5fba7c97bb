// Between one host and the server: the network, which may be cut or slow.
#pragma once

#include <atomic>
#include <chrono>
#include <string>
#include <thread>

#include "tests/fakes.h"

namespace farm_lab {

class Proxy {
 public:
  explicit Proxy(std::string server);
  ~Proxy();
  Proxy(const Proxy&) = delete;
  Proxy& operator=(const Proxy&) = delete;

  [[nodiscard]] std::string socket() const { return directory_ / "p"; }
  // What is under way is dropped; new connections are taken and lead nowhere.
  void cut(bool cut) { cut_ = cut; }
  void delay(std::chrono::milliseconds each) { delay_ = static_cast<int>(each.count()); }

 private:
  void work();

  fakes::Directory directory_;
  std::string server_;
  std::atomic<bool> cut_ = false, stop_ = false;
  std::atomic<int> delay_ = 0;
  int listening_ = -1;
  std::thread thread_;
};

}  // namespace farm_lab
