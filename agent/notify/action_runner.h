// ActionRunner: hands each event to the actions that want it. Every action has an outbox and a
// sender, with its own thread, of its own: one that fails or hangs holds up no other. What waits is
// kept as notices are, see Outbox: prepared, then covered by a checkpoint, then handed over.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/core/config.h"
#include "agent/notify/outbox.h"
#include "agent/notify/waiting_notice.h"

namespace agent {

class ActionRunner {
 public:
  using Steady = Outbox::Steady;
  using Say = Outbox::Say;
  using MakeSender = std::function<std::unique_ptr<NoticeSender>(const NotifyConfig&)>;

  // Of each action. All of it is in every checkpoint, and encoding that holds up the log.
  static constexpr std::size_t kMaxNotices = 1000;
  static constexpr std::size_t kMaxBodies = std::size_t{1} << 20;

  // `make`: empty where nothing is handed over.
  ActionRunner(MakeSender make, std::string host, Say say)
      : make_(std::move(make)), host_(std::move(host)), say_(std::move(say)) {}
  ActionRunner(const ActionRunner&) = delete;
  ActionRunner& operator=(const ActionRunner&) = delete;

  // Takes other actions. What waits for one with the same name is kept; what waits for one that is
  // gone is dropped, and that is said.
  void configure(const std::vector<ActionConfig>& actions);
  // Returns the actions that want this event of any of these rules; `rules` empty: of none.
  [[nodiscard]] std::vector<const ActionConfig*> wanting(
      Edge edge, const std::vector<std::string>& rules) const;

  void add(ActionNotice notice);
  void restore(const std::vector<WaitingAction>& waiting, Steady now);
  [[nodiscard]] std::vector<WaitingAction> waiting() const;

  // As those of Outbox, for all of them.
  bool collect(Steady now);
  bool prepare(Steady now);
  void release();
  void take_back();
  // A checkpoint was begun with waiting() in it.
  void cover();
  // It has ended: what it covers is handed over if it was saved.
  void covered(bool saved);
  // For a stop: waits for what is under way, at most so long in all.
  void wait(std::chrono::milliseconds most);

  [[nodiscard]] std::optional<Steady> next_due() const;
  template <class Function>
  void for_each_fd(const Function& function) const {  // of the senders: see NoticeSender::fd()
    for (const auto& action : actions_) function(action->sender->fd());
  }
  [[nodiscard]] bool busy() const;  // something is being handed over
  [[nodiscard]] std::vector<std::string> faults() const;
  struct Figures {
    std::string name;
    std::uint64_t waiting = 0, done = 0, dropped = 0;
    bool fault = false;
  };
  [[nodiscard]] std::vector<Figures> figures() const;

 private:
  struct Action {
    ActionConfig config;
    std::unique_ptr<NoticeSender> sender;
    Outbox outbox;
    bool is_covered = false;
  };
  [[nodiscard]] Action* find(const std::string& name) const;

  MakeSender make_;
  std::string host_;
  Say say_;
  std::vector<std::unique_ptr<Action>> actions_;
  // Of actions that are gone: their threads end when what is under way has ended, and nothing waits
  // for that.
  std::vector<std::unique_ptr<NoticeSender>> retired_;
};

}  // namespace agent
