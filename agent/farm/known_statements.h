// KnownStatements: the last statement on every identity that this host knows of, its own ones too,
// and whether this host's lists reflect it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "agent/farm/farm_time.h"
#include "agent/farm/statement.h"

namespace agent {

class KnownStatements {
 public:
  static constexpr std::size_t kMost = 100'000;

  struct Entry {
    FarmStatement statement;
    bool applied = false;    // the lists here reflect it
    bool on_server = false;  // as of the last comparison
  };
  using Entries = std::map<FarmName, Entry>;

  explicit KnownStatements(std::string host) : host_(std::move(host)) {}
  // This host's name in the farm.
  [[nodiscard]] const std::string& host() const { return host_; }
  void set_host(std::string host) { host_ = std::move(host); }

  [[nodiscard]] Entry* find(const FarmName& name);
  [[nodiscard]] const Entry* find(const FarmName& name) const;
  [[nodiscard]] Entries& all() { return entries_; }
  [[nodiscard]] const Entries& all() const { return entries_; }

  // Returns the entry of this name, a new one if there was none; null: there is no room. A new
  // entry about a block takes the place of a statement that an identity is free.
  [[nodiscard]] Entry* find_or_add(const FarmName& name, bool blocked);
  // Takes back what a checkpoint kept. Returns false if there is no room.
  bool restore(const FarmName& name, FarmStatement statement, bool applied);
  // Makes the statement this host's own, stamps it and puts it into the entry, whose lists reflect
  // it.
  void state(FarmStatement statement, Entry& entry, const FarmTime& time);
  // Drops statements from a month ago that an identity is free, blocks that ended a month ago, and
  // statements that are ahead of time.
  void forget_old(const FarmTime& time);

  // Returns a number that grows with every change that a checkpoint must know of; add_change() is
  // for changes made in an Entry.
  [[nodiscard]] std::uint64_t changes() const { return changes_; }
  void add_change() { ++changes_; }

 private:
  std::string host_;
  Entries entries_;
  FarmName looked_at_;  // where find_or_add() goes on to look for an entry to give up
  std::uint64_t changes_ = 0;
};

}  // namespace agent
