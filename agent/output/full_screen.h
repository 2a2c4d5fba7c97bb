// FullScreen: the terminal as one screen that is drawn again and again. The screen that was there
// before comes back at the end, however that comes.
#pragma once

#include <signal.h>
#include <termios.h>

#include <chrono>
#include <string>
#include <vector>

#include "actions/fd.h"

namespace agent {

class FullScreen {
 public:
  // Returns true if standard output is a terminal that can be drawn on.
  [[nodiscard]] static bool possible();

  FullScreen();  // signals that end or stop a program are taken by wait() from now on
  ~FullScreen();
  FullScreen(const FullScreen&) = delete;
  FullScreen& operator=(const FullScreen&) = delete;

  struct Size {
    std::size_t columns, rows;
  };
  [[nodiscard]] Size size() const;
  // Draws the lines, each fit for the screen, by one write of those that have changed. Returns
  // false if the terminal is gone.
  bool draw(const std::vector<std::string>& lines);

  enum class Event { time, resized, end };
  // Waits for that time, for another size, or for Ctrl-C, "q" or a signal that means the same.
  // Ctrl-Z gives the terminal back until the program goes on.
  Event wait(std::chrono::milliseconds time);

 private:
  void enter();
  void leave();

  actions::Fd signals_;
  sigset_t before_{};
  termios typed_{};
  bool keys_ = false;  // standard input is a terminal too, set to give single keys
  std::vector<std::string> drawn_;
};

}  // namespace agent
