// RedisTalk: one connection's life with the farm's server: greeting, comparison, statements and
// events out, the stream in.
#pragma once

#include <chrono>
#include <stop_token>
#include <string>
#include <utility>

#include "actions/result.h"
#include "agent/farm/connection.h"
#include "agent/farm/link_queues.h"
#include "agent/farm/session.h"

namespace agent {

// How far a server's stream was read, and which server that was. It is kept from one connection to
// the next.
struct HeardUpTo {
  std::string epoch, run_id;
  std::string position;
};

class RedisTalk {
 public:
  // `compare_every`: how often all statements are looked at again. `queues` and `heard` must live
  // longer.
  static actions::Result<RedisTalk> open(LinkQueues& queues, HeardUpTo& heard,
                                         std::chrono::milliseconds compare_every);

  // Speaks until it is told to stop or to take another configuration; else returns the error that
  // has ended the connection.
  actions::Result<actions::Done> speak(const std::stop_token& stop);

 private:
  using Steady = std::chrono::steady_clock;
  RedisTalk(LinkQueues& queues, HeardUpTo& heard, std::chrono::milliseconds compare_every,
            FarmSession session, FarmConnection feed)
      : queues_(queues),
        heard_(heard),
        compare_every_(compare_every),
        session_(std::move(session)),
        feed_(std::move(feed)) {}

  actions::Result<actions::Done> begin();
  actions::Result<actions::Done> compare(const std::stop_token& stop);
  actions::Result<actions::Done> pull_all(const std::stop_token& stop);
  actions::Result<bool> say_words();
  actions::Result<bool> send_events();
  void ask_for_feed();
  actions::Result<actions::Done> hear();
  void wait();

  LinkQueues& queues_;
  HeardUpTo& heard_;
  const std::chrono::milliseconds compare_every_;
  FarmSession session_;
  FarmConnection feed_;
  Steady::time_point feed_due_, compare_due_;
  // No events before the engine has compared: they may be of identities that are not free any more.
  bool held_ = false;
};

}  // namespace agent
