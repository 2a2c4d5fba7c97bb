// One scripted day in the life of a machine: all that can happen to log, list and agent, in steps.
// A step is what the world does, then what the agent does about it. The world's part happens once,
// however often the agent dies in its own.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "tests/durability/faults.h"
#include "tests/durability/lab.h"

namespace story {

struct Step {
  const char* name;
  std::function<void(lab::Machine&)> world, agent;
};
// The first one starts the agent.
[[nodiscard]] const std::vector<Step>& steps();

struct Result {
  std::string account;                   // Machine::account() at the end
  std::map<std::string, int> told;       // Machine::told(), times relative
  std::map<std::string, int> acted;      // the same of Machine::acted()
  std::multiset<std::string> history;    // Machine::history()
  std::uint64_t missing = 0;             // files said to be lost
  std::uint64_t calls = 0, changes = 0;  // of a child's, if nothing stopped it
  std::string trouble;                   // empty, or why there is no result
};

// The whole story, by children that each run under one of `plans` until that kills them; the next
// one starts the agent where it was. After the last plan nothing fails any more. `steps` may be a
// part of the story.
[[nodiscard]] Result tell(const std::vector<faults::Plan>& plans);

}  // namespace story
