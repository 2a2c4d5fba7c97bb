// A dossier: all that the logs say about one identity: the decisions, what it sent and was refused,
// its hosts and recipients, and the lines that show it. Collected in one pass, bounded whatever the
// logs hold.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "agent/core/config.h"
#include "agent/core/decision.h"
#include "agent/core/pipeline.h"
#include "agent/report/entries.h"

namespace agent {

// A table of counts by key. Up to kMaxKeys keys are counted singly, the rest together.
struct Tally {
  static constexpr std::size_t kMaxKeys = 20'000;
  struct Count {
    std::uint64_t refused = 0, accepted = 0;
  };
  std::map<std::string, Count, std::less<>> counts;
  Count others;  // of the keys beyond kMaxKeys

  Count& at(std::string_view key);
  // Returns the `most` largest, the largest first; `rest` is the sum of the others.
  [[nodiscard]] std::vector<std::pair<std::string, Count>> top(std::size_t most, Count& rest) const;
};

struct QuotedLine {
  std::string file;
  std::uint64_t line = 0, offset = 0;
  std::string text;
  bool decided = false;  // this line reached the limit
};

struct MessageStory {
  std::string id;
  Instant time{};
  std::string host, sender, subject;  // subject: empty if the log has none
  std::uint64_t size = 0, delivered = 0, failed = 0, deferred = 0;
  bool frozen = false, completed = false, removed = false;
};

class Dossier {
 public:
  static constexpr std::size_t kMaxMessages = 5'000;
  static constexpr std::size_t kQuotes = 12;  // at the start, before a decision, and at the end

  struct Bucket {
    std::uint32_t window = 0;  // the most that the window held meanwhile
    std::uint64_t refused = 0, messages = 0, recipients = 0;
  };

  // `rule`: the rule whose window is drawn, the first one for this kind; null if there is none.
  Dossier(IdentityKind kind, std::string identity, const Rule* rule);

  void signal(const Signalled& signalled);
  void arrival(Instant time, const std::string& file, std::string_view message_id,
               const parsers::Arrival& arrival);
  void entry(const Entry& entry);  // of any message; ignores those of other identities
  void decision(const Decision& decision);

  [[nodiscard]] IdentityKind kind() const { return kind_; }
  [[nodiscard]] const std::string& identity() const { return identity_; }
  [[nodiscard]] bool empty() const { return refused == 0 && other_refused == 0 && messages == 0; }
  // Returns the lines to quote, in the order of the logs, each once.
  [[nodiscard]] std::vector<QuotedLine> quotes() const;

  std::optional<Rule> rule;
  std::set<std::string> spellings;
  std::vector<Decision> decisions;
  std::uint64_t refused = 0;        // events that count
  std::uint64_t other_refused = 0;  // temporary, for policy
  std::uint64_t messages = 0, recipients = 0;
  // The same after the first decision.
  std::uint64_t refused_after = 0, messages_after = 0, recipients_after = 0;
  std::uint64_t failed = 0, deferred = 0;  // recipients of accepted messages
  std::optional<Instant> first, last;
  Tally hosts, helos, domains, reasons, senders;
  std::vector<MessageStory> stories;       // the first kMaxMessages
  std::set<std::string> files;             // the log files that mention it
  std::map<std::int64_t, Bucket> buckets;  // by time divided by bucket_seconds
  std::int64_t bucket_seconds = 60;

 private:
  static constexpr std::size_t kMaxBuckets = 20'000;
  void see(Instant time);
  Bucket& bucket(Instant time);
  void coarsen();
  void quote(const Signalled& signalled);
  [[nodiscard]] std::uint32_t window(Instant time);

  struct Known {
    std::size_t story;  // kMaxMessages or more: not told
    bool after;
  };
  IdentityKind kind_;
  std::string identity_;
  std::unordered_map<std::string, Known> known_;  // by message id; those not completed
  std::deque<std::int64_t> window_;
  std::vector<QuotedLine> head_, at_decision_;
  std::deque<QuotedLine> tail_;
};

// Returns "b" in lower case for "a@b"; "" if there is no domain.
[[nodiscard]] std::string domain_of(std::string_view address);

}  // namespace agent
