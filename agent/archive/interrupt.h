// The handling of Ctrl-C while a command works on files: the first one asks the command to end and
// print what it has, the second one ends it at once.
#pragma once

#include <csignal>

namespace agent {

class Interrupt {
 public:
  Interrupt();   // takes SIGINT and SIGTERM
  ~Interrupt();  // gives them back
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;
  [[nodiscard]] static bool requested();

 private:
  struct sigaction int_before_{};
  struct sigaction term_before_{};
};

}  // namespace agent
