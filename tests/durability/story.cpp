#include "tests/durability/story.h"

#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace story {
namespace {

using namespace std::chrono_literals;
using lab::Machine;

void a_moment(Machine& m) {
  m.turns(3, 100ms);
}
void a_while(Machine& m) {
  m.turns(2, 1100ms);
}
void until_saved(Machine& m) {
  m.turns(1, 11s);
}

// Shared between the children of one story.
struct Shared {
  std::size_t step = 0;
  bool world_done = false;
  Machine::Hands hands;
  std::uint64_t calls = 0, changes = 0, missing = 0;
};

Shared& shared() {
  static auto* memory = static_cast<Shared*>(
      ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  return *memory;
}

void write_file(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

void child(Machine& m, const faults::Plan& plan) {
  auto& progress = shared();
  m.take(progress.hands);
  m.on_time = [&] { progress.hands = m.hands(); };
  faults::arm(plan);
  for (bool begins = true; progress.step < steps().size(); ++progress.step, begins = false) {
    const auto& step = steps()[progress.step];
    if (!progress.world_done) {
      m.forward_to(std::chrono::minutes(3 * progress.step));  // however long the agent took
      step.world(m);
    }
    progress.world_done = true;
    progress.hands = m.hands();
    if (begins && progress.step > 0) m.start();
    step.agent(m);
    if (faults::failing()) {
      // The admin's next steps find a machine that works.
      faults::recover();
      a_while(m);
    }
    progress.world_done = false;
  }
  faults::disarm();
  progress.calls = faults::calls();
  progress.changes = faults::changes();
  progress.missing = m.engine().metrics().missing_files;
  write_file(m.path("account"), m.account());
}

}  // namespace

const std::vector<Step>& steps() {
  static const std::vector<Step> steps{
      {"start", [](Machine& m) { m.rejections("alice", 1); }, [](Machine& m) { m.start(); }},
      {"the first lines",
       [](Machine& m) {
         m.rejections("alice", 1);
         m.rejections("bob", 1);
       },
       a_moment},
      {"alice reaches the limit", [](Machine& m) { m.rejections("alice", 1); }, a_while},
      {"rotation, with a late line",
       [](Machine& m) {
         m.rejections("carol", 1);
         m.rename("mainlog", "mainlog.1");
         m.append("mainlog.1", m.line("carol"));
         m.write(m.line("carol"));
       },
       a_while},
      {"time for a checkpoint", [](Machine& m) { m.rejections("bob", 1); }, until_saved},
      {"alice is freed",
       [](Machine& m) {
         m.forward(3s);
         m.free_user("alice");
         m.forward(3s);
       },
       a_while},
      {"and reaches it again", [](Machine& m) { m.rejections("alice", 3); }, a_while},
      {"copytruncate",
       [](Machine& m) {
         m.rejections("dave", 2);
         m.copy_and_truncate("mainlog.0");
         m.rejections("dave", 1);
       },
       a_while},
      {"rotation, packed",
       [](Machine& m) {
         m.rejections("eve", 1);
         m.compress("mainlog.1");
         m.rename("mainlog", "mainlog.1");
         m.rejections("eve", 1);
       },
       [](Machine& m) {
         a_moment(m);
         m.stop();
         m.start();
         a_moment(m);
       }},
      {"half a line", [](Machine& m) { m.write(m.line("eve").substr(0, 50)); }, a_moment},
      {"which was none, and one by another hand",
       [](Machine& m) {
         m.write("\n" + m.line("eve"));
         m.edit(m.list_text() + "# by hand\nfrank: known\n", true);
       },
       a_while},
      {"reload, while two reach it",
       [](Machine& m) {
         m.rejections("grace", 3);
         m.rejections("frank", 3);
         m.rejections("heidi", 3);
       },
       [](Machine& m) {
         m.reload();
         a_while(m);
       }},
      {"bob stays below", [](Machine& m) { m.forward(5s); }, [](Machine& m) { m.settle(); }},
      {"the end", [](Machine& m) { m.rejections("ivan", 2); },
       [](Machine& m) {
         m.turns(4, 31s);
         m.settle();
       }},
  };
  return steps;
}

Result tell(const std::vector<faults::Plan>& plans) {
  Machine m(lab::scratch() + "-story");
  auto& action = m.config().actions.emplace_back();
  action.name = "act";
  action.on = {agent::Edge::blocked, agent::Edge::freed};
  action.via.transports = {agent::Transport::exec};
  shared() = Shared{};
  Result result;
  for (std::size_t leg = 0;; ++leg) {
    const auto pid = ::fork();
    if (pid < 0) throw std::runtime_error("fork");
    if (pid == 0) {
      ::alarm(120);
      try {
        child(m, leg < plans.size() ? plans[leg] : faults::Plan{});
      } catch (const std::exception& error) {
        faults::disarm();
        write_file(m.path("trouble"), error.what());
        ::_exit(1);
      }
      ::_exit(0);
    }
    int status = 0;
    ::waitpid(pid, &status, 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) break;
    if (WIFEXITED(status) && WEXITSTATUS(status) == faults::kDied && leg < plans.size()) continue;
    result.trouble = fmt::format("status {} in step \"{}\": {}", status,
                                 steps()[shared().step].name, lab::read_file(m.path("trouble")));
    break;
  }
  result.account = lab::read_file(m.path("account"));
  for (const auto& [notice, times] : m.told()) result.told[m.relative(notice)] = times;
  for (const auto& [event, times] : m.acted()) result.acted[m.relative(event)] = times;
  result.history = m.history();
  if (::getenv("SAID")) fmt::print("{}", m.relative(lab::read_file(m.path("said"))));
  result.missing = shared().missing;
  result.calls = shared().calls;
  result.changes = shared().changes;
  return result;
}

}  // namespace story
