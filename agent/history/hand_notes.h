// HandNotes: a file beside the checkpoint in which `unblock` and `release` write who takes which
// sender out of a list, and why, before they do it. The service sees the line go, and finds here
// who it was. The file has the form of a list: key, time, by=LOGIN and reason=TEXT.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "actions/lists/blocklist.h"
#include "agent/values/now.h"

namespace agent {

class HandNotes {
 public:
  struct Note {
    std::string key;  // folded
    Instant time{};
    std::string by, reason;
  };

  HandNotes(actions::Files& files, const std::string& state_directory);

  // Adds notes, in place of older ones about the same senders.
  actions::Result<actions::Done> add(const std::vector<Note>& notes);
  // Returns all notes; none if they can't be read.
  [[nodiscard]] std::vector<Note> read();
  // Takes out the notes about `keys`, and those that nobody has asked for in a week.
  void remove(const std::vector<std::string>& keys, Instant now);

 private:
  actions::Blocklist file_;
};

}  // namespace agent
