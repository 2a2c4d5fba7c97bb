// BlockEffect: how much was accepted from each identity before and after a decision: messages, and
// their recipients. What came after is what a block at that moment would have stopped. Pure.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "agent/core/decision.h"
#include "agent/core/subject_key.h"
#include "parsers/fields/prefix.h"
#include "parsers/string_hash.h"

namespace agent {

class BlockEffect {
 public:
  // The most messages whose deliveries it waits for; beyond that it gives up the oldest.
  static constexpr std::size_t kMaxMessages = 500'000;

  struct Figures {
    std::uint64_t messages = 0, recipients = 0;
  };
  struct Account {
    Figures before, after;
    std::uint64_t refused_after = 0;  // events that counted
  };

  void accepted(std::string_view message_id, IdentityKind kind, std::string_view identity);
  void refused(IdentityKind kind, std::string_view identity);
  // An entry of a message: deliveries and failures count once for each recipient.
  void entry(const parsers::Prefix& prefix);
  // Accounts are numbered in the order of these calls.
  void decided(const Decision& decision);

  [[nodiscard]] Account account(std::size_t number) const;

 private:
  struct Row;
  struct Subject {
    Figures total;
    std::uint64_t refused = 0;
    std::vector<Row*> rows;
  };
  struct Row {
    SubjectKey key;              // its id may be a network
    std::uint64_t arrivals = 0;  // of all identities, until then
    Figures before;
    std::uint64_t refused_before = 0;
    std::vector<const Subject*> subjects;
  };
  struct Message {
    Subject* subject;
    std::uint64_t arrival;
  };
  Subject& subject_of(IdentityKind kind, std::string_view identity);
  static bool covers(const SubjectKey& row, const SubjectKey& key);

  SubjectMap<Subject> subjects_;
  parsers::StringMap<Message> messages_;
  std::deque<std::string> order_;
  std::uint64_t arrivals_ = 0;
  std::vector<std::unique_ptr<Row>> rows_;
  std::vector<Row*> networks_;  // those of rows_ that stand for more than one address
};

}  // namespace agent
