// Counting: turns events into decisions. It keeps one exact window for each identity and rule, all
// in log time. Pure: no clock, no files. What it must remember over a restart is a value (see
// state/checkpoint.h).
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/core/block_terms.h"
#include "agent/core/config.h"
#include "agent/core/decision.h"
#include "agent/core/doubtful_blocks.h"
#include "agent/core/occurrence.h"
#include "agent/core/rule_table.h"
#include "agent/core/subject.h"

namespace agent {

class Counting {
 public:
  using OnDecision = std::function<void(Decision&&)>;

  using Term = BlockTerm;
  using End = BlockEnd;
  using Subject = agent::Subject;
  using Subjects = agent::Subjects;
  using List = RuleTable::List;
  using Layout = RuleTable::Layout;
  using Keys = DoubtfulBlocks::Keys;
  static constexpr std::size_t kMaxHosts = Subject::kMaxHosts;
  static constexpr std::size_t kMaxSamples = Subject::kMaxSamples;
  static constexpr std::size_t kMaxLists = RuleTable::kMaxLists;

  explicit Counting(const Config& config);

  // Counts an event. `on_watch` is called when an identity comes near a limit (rule.watch), and not
  // again before the identity has calmed down.
  void add(
      const Occurrence& event, const OnDecision& on_decision,
      const OnDecision& on_watch = [](Decision&&) {});

  // An event that has found its place in the window of a rule: what a farm counts.
  struct Counted {
    std::size_t rule;
    std::string_view key, identity;  // folded, and as Exim prints it
    Instant time;
    // The digest of the recipient where distinct ones are counted; else its number among the
    // identity's events of this second. So it has the same name however often its line is read.
    std::uint64_t member;
    std::uint32_t limit;
  };
  using OnCounted = std::function<void(const Counted&)>;
  void on_counted(OnCounted callback) { on_counted_ = std::move(callback); }
  // Calls back for each event in this subject's windows that may still decide.
  void each_live(const SubjectKey& subject, const OnCounted& callback) const;
  // Adds hosts and samples to a decision that other hosts have made.
  void add_evidence(IdentityKind kind, std::string_view key, Decision& decision) const;
  // Frees an identity that another host has freed earlier: events after `since` stay counted.
  void set_freed_by_others(std::size_t list, std::string_view key, Instant since);
  // Sets the number in a row of the block under way.
  void set_times(std::size_t list, std::string_view key, std::uint32_t times);

  // Senders whose events have filled a rule's window, but were too old to decide: their log is read
  // for the first time. Those that were blocked since are left out.
  struct Undecided {
    std::string rule;
    std::uint32_t limit = 0;
    std::chrono::seconds period{};
    std::uint64_t senders = 0;
  };
  [[nodiscard]] bool has_undecided() const;
  // Returns those since the last call, one for each rule that has any.
  std::vector<Undecided> take_undecided();

  // The list files have the last word on who is blocked. `list` is an index of lists(); `key` is
  // folded as lsearch does. A freed identity starts with empty windows in the rules behind that
  // list; events up to `since`, if it is given, are not counted any more.
  void set_blocked(std::size_t list, std::string_view key);
  void set_freed(std::size_t list, std::string_view key, std::optional<Instant> since);
  // Sets when the block of a blocked identity ends, as its list says; nullopt: not by itself.
  void set_end(std::size_t list, std::string_view key, std::optional<Instant> until);
  [[nodiscard]] std::optional<Instant> end_of(std::size_t list, std::string_view key) const;
  // Ends a block that ends by itself: log time or the clock has passed its end. Only events after
  // that end count, in empty windows, so that it makes no difference which of the two came first.
  void end(const End& block);
  [[nodiscard]] std::vector<End> due(Instant now) const { return terms_.due(now); }
  [[nodiscard]] std::optional<Instant> next_end() const { return terms_.next(); }
  // Returns the blocks that events have ended since the last call.
  std::vector<End> take_ended() { return std::exchange(ended_, {}); }
  // Takes these blocks of a list for doubtful: their lines are gone, and may come back in a moment,
  // since an editor may be writing the list. `keys` are folded, and all that are in doubt now.
  // Their events after `since` are counted in windows beside the real ones, which decide nothing
  // yet. What was counted for keys that are no longer in doubt is dropped: their blocks have held
  // all along.
  void doubt(std::size_t list, Keys keys, std::optional<Instant> since);
  // Ends the doubt about an identity that was freed, as set_freed() does; the windows beside become
  // its windows. If the limit was reached meanwhile the identity is blocked again, and the decision
  // is returned.
  std::optional<Decision> free_doubted(std::size_t list, std::string_view key,
                                       std::optional<Instant> since);
  // Returns true if something is counted beside, which no checkpoint holds.
  [[nodiscard]] bool counts_beside() const { return doubtful_.has_counted(); }
  [[nodiscard]] bool is_blocked(std::size_t list, std::string_view key) const;
  [[nodiscard]] std::vector<std::string> blocked(std::size_t list) const;  // folded keys

  [[nodiscard]] const std::vector<List>& lists() const { return table_.lists(); }
  // Returns true for an end that concerns no list: a trial is over.
  [[nodiscard]] bool is_trial(const End& block) const { return table_.is_trial(block.list); }

  // Forgets identities that are in no list and whose windows were over an hour before log time
  // `now`. Clears windows that a timestamp from the future (a clock that was wrong for a moment)
  // has put out of use: those more than a day ahead, or ahead of `shown`, the time that the logs
  // show.
  void expire(Instant now, std::optional<Instant> shown = std::nullopt);
  [[nodiscard]] std::size_t identities() const { return subjects_.size(); }
  // Returns how many identities were given up since there were more than state.max_identities: each
  // time the one with the fewest events among the next few.
  [[nodiscard]] std::uint64_t crowded_out() const { return crowded_out_; }
  [[nodiscard]] std::optional<Instant> newest() const { return newest_; }

  // What a checkpoint keeps.
  [[nodiscard]] const Subjects& subjects() const { return subjects_; }
  Subjects take_subjects() { return std::exchange(subjects_, {}); }
  [[nodiscard]] Layout layout() const { return table_.layout(); }
  // Takes back what a checkpoint kept. `layout`: as it was when the subjects were saved; see
  // carry_over().
  void restore(Subjects subjects, const Layout& layout, std::optional<Instant> newest);

 private:
  // What an event did to one window.
  struct Change {
    bool half = false;     // of the limit is reached at least
    bool near = false;     // rule.watch is reached, which is to be told
    bool reached = false;  // the limit is reached
  };
  void add_to(const RuleTable::Group& group, std::string_view identity, const Occurrence& event,
              const OnDecision& on_decision, const OnDecision& on_watch);
  void note_accepted(Subject& subject, std::size_t rule, const Occurrence& event) const;
  Change add_to_window(Subject& subject, std::size_t rule, std::string_view identity,
                       const Occurrence& event);
  std::optional<Decision> block(Subject& subject, std::size_t rule, std::string_view identity,
                                const Occurrence& event);
  void end_past_terms(Subject& subject, Instant now);
  void end_term(Subject& subject, BlockTerm& term, std::string_view key);
  void clear_windows(Subject& subject, std::size_t list) const;
  void tell_counted(std::size_t rule, const Subject& subject, std::string_view identity,
                    const Occurrence& event, std::uint64_t recipient, std::uint32_t limit) const;
  void note_undecided(Subject& subject, std::size_t rule);
  void make_room();
  [[nodiscard]] bool remembers_terms(const Subject& subject, Instant now) const;
  [[nodiscard]] Subject* find(std::size_t list, std::string_view key);  // null: unknown
  [[nodiscard]] const Subject* find(std::size_t list, std::string_view key) const;
  [[nodiscard]] SubjectKey key_of(std::size_t list, std::string_view key) const {
    return subject_key(table_.places()[list].kind, key);
  }

  RuleTable table_;
  Subjects subjects_;
  BlockTerms terms_;
  std::vector<End> ended_;  // by events, since the last take_ended()
  DoubtfulBlocks doubtful_;
  std::vector<std::uint64_t> undecided_;  // by rule: senders, since the last take_undecided()
  std::size_t max_identities_;
  std::size_t next_bucket_ = 0;  // where make_room() looks next
  std::uint64_t crowded_out_ = 0;
  std::optional<Instant> newest_;  // event of all
  OnCounted on_counted_;           // empty: nobody counts with us
  SubjectKey key_;                 // of the event at hand; a member so that its storage is kept
};

}  // namespace agent
