// Events of identities -> decisions: one exact window per identity and rule, all in log time.
// Pure: no clock, no files. What it must remember over a restart is a value (see state.h).
#pragma once

#include <array>
#include <boost/container/small_vector.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "agent/core/config.h"
#include "agent/core/decision.h"
#include "agent/core/limits.h"
#include "agent/core/network.h"
#include "agent/core/window.h"

namespace agent {

// One event that counts, for one identity. Views need only live through the call.
struct Occurrence {
  Instant time{};
  Signal signal = Signal::rejected_rcpt;
  IdentityKind kind = IdentityKind::user;
  std::string_view identity;  // as Exim prints it
  std::string_view host, recipient, reason;
  std::string_view file;  // where its line stands, as in Place
  std::uint64_t line = 0, offset = 0;
  // When its log was read for the first time: events older than one period then never decide.
  std::optional<Instant> first_start = std::nullopt;
};

class Counting {
 public:
  using OnDecision = std::function<void(Decision&&)>;

  // A block that ends by itself, and those before it.
  struct Term {
    std::size_t list = 0;
    std::optional<Instant> until;  // nullopt: none is under way, or it has no end
    std::uint32_t times = 0;       // blocks in a row
    Instant ended{};               // the last one; events before that were its
  };
  // What is kept per identity (or per network of a relay rule that groups addresses).
  // One window and one host, as most have, lie in it: each piece elsewhere is one more wait for
  // memory.
  struct Subject {
    // One for each rule of this kind, in the config's order.
    boost::container::small_vector<Window, 1> windows;
    std::uint64_t blocked = 0;  // bit i: is in list i
    std::uint64_t watched = 0;  // bit i: rule i of this kind has told of it below its limit
    std::optional<Instant>
        fresh_since;          // freed while we were away: older events are the old story's
    std::vector<Term> terms;  // of lists whose blocks end by themselves
    std::uint32_t other_hosts = 0;
    boost::container::small_vector<HostCount, 1> hosts;  // at most kMaxHosts
    std::vector<Sample> samples;  // at most kMaxSamples, from half of a limit on
  };
  static constexpr std::size_t kMaxHosts = 16;
  static constexpr std::size_t kMaxSamples = 20;
  static constexpr std::size_t kMaxLists = 64;

  explicit Counting(const Config& config);

  // `on_watch`: of an identity that came near a limit (rule.watch), told once until it has calmed.
  void add(
      const Occurrence& event, const OnDecision& on_decision,
      const OnDecision& on_watch = [](Decision&&) {});

  // An event that has found its place in the window of a rule, for those who count with others.
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
  // What the windows of this subject hold, where they may still decide.
  void each_live(const std::string& subject, const OnCounted& callback) const;
  // Hosts and samples, for a decision that others have made.
  void add_evidence(IdentityKind kind, std::string_view key, Decision& decision) const;
  // set_freed() by others, of whom we hear late: what came after `since` counts on.
  void set_freed_by_others(std::size_t list, std::string_view key, Instant since);
  // How many blocks in a row the one under way makes.
  void set_times(std::size_t list, std::string_view key, std::uint32_t times);

  // The list files have the last word on who is blocked. `list` indexes lists(); `key` is folded
  // as lsearch does. freed: windows of the rules behind that list start empty; events with a time
  // up to `since` (if given) still belong to before.
  void set_blocked(std::size_t list, std::string_view key);
  void set_freed(std::size_t list, std::string_view key, std::optional<Instant> since);
  // A block that ends by itself, by log time or by the clock: the first of them that is seen to be
  // past it. Either way only events from then on count, in empty windows, so that it makes no
  // difference which it was.
  struct End {
    Instant until{};
    std::size_t list = 0;
    std::string key;  // folded
    auto operator<=>(const End&) const = default;
  };
  // Of a blocked identity, as its list has it; nullopt: without end.
  void set_end(std::size_t list, std::string_view key, std::optional<Instant> until);
  [[nodiscard]] std::optional<Instant> end_of(std::size_t list, std::string_view key) const;
  void end(const End& block);
  [[nodiscard]] std::vector<End> due(Instant now) const;
  [[nodiscard]] std::optional<Instant> next_end() const;
  // Those that events have ended since the last call.
  std::vector<End> take_ended() { return std::exchange(ended_, {}); }
  // Lines of these blocked identities (folded keys, all of this list that are in doubt) are gone,
  // and may come back in a moment: an editor may be writing the list. What the log says of them
  // meanwhile, and after `since`, is counted in windows beside the real ones, which decide nothing
  // yet. Of identities that are in doubt no more it is dropped: their blocks have held all along.
  using Keys = std::unordered_set<std::string>;
  void doubt(std::size_t list, Keys keys, std::optional<Instant> since);
  // The doubt of this identity is over: it was freed, as by set_freed(), and its windows are those
  // beside. Returns the decision that they have led to, if the limit was reached meanwhile: it is
  // blocked again.
  std::optional<Decision> free_doubted(std::size_t list, std::string_view key,
                                       std::optional<Instant> since);
  // Something is counted beside: of this a checkpoint knows nothing.
  [[nodiscard]] bool counts_beside() const;
  [[nodiscard]] bool is_blocked(std::size_t list, std::string_view key) const;
  [[nodiscard]] std::vector<std::string> blocked(std::size_t list) const;  // folded keys

  struct List {
    IdentityKind kind;
    std::string path;
  };
  [[nodiscard]] const std::vector<List>& lists() const { return lists_; }

  // Forgets identities whose windows were over an hour before log time `now` and that are in no
  // list; also windows that a stamp from the future (a clock that was wrong for a moment) has put
  // out of use: more than a day ahead, or ahead also of what the logs show by now, `shown`.
  void expire(Instant now, std::optional<Instant> shown = std::nullopt);
  [[nodiscard]] std::size_t identities() const { return subjects_.size(); }
  // Identities given up because there were more than state.max_identities: those with the fewest
  // events among the next few.
  [[nodiscard]] std::uint64_t crowded_out() const { return crowded_out_; }
  [[nodiscard]] std::optional<Instant> newest() const { return newest_; }

  // For the checkpoint. Keys are "u:", "r:" or "l:" and the folded identity.
  using Subjects = std::unordered_map<std::string, Subject>;
  [[nodiscard]] const Subjects& subjects() const { return subjects_; }
  Subjects take_subjects() { return std::exchange(subjects_, {}); }
  // What the indexes in a Subject mean: rules and lists in the config's order.
  struct Layout {
    std::vector<std::pair<IdentityKind, std::string>> rules;  // kind and name
    std::vector<std::string> lists;                           // paths
    bool operator==(const Layout&) const = default;
  };
  [[nodiscard]] Layout layout() const;
  // `layout` is that of the time the subjects were saved: windows go to the rule of the same name
  // and kind, blocks to the list of the same path; what has no counterpart any more is dropped.
  void restore(Subjects subjects, const Layout& layout, std::optional<Instant> newest);

 private:
  // Rules that look at the same identities: a relay rule may group IPv6 addresses.
  struct Group {
    IdentityKind kind;
    int ipv6_prefix;
    std::vector<std::size_t> rules;
  };
  void add_to(const Group& group, std::string_view identity, const Occurrence& event,
              const OnDecision& on_decision, const OnDecision& on_watch);
  [[nodiscard]] Decision decision_of(const Subject& subject, std::size_t rule,
                                     std::string_view identity, const Occurrence& event,
                                     std::uint32_t limit) const;
  void tell(std::size_t rule, const Subject& subject, std::string_view identity,
            const Occurrence& event, std::uint64_t recipient, std::uint32_t limit) const;
  static Term* find_term(Subject& subject, std::size_t list);  // null: it has none
  static Term& term_of(Subject& subject, std::size_t list);
  void end_of_term(Subject& subject, Term& term, const std::string& key);
  void start_term(Subject& subject, const Rule& rule, std::size_t list, Decision& decision);
  void clear_windows(Subject& subject, std::size_t list);
  void fit(const Layout& saved);
  void count_beside(std::size_t rule, std::string_view identity, const Occurrence& event);
  void make_room();
  void remember(Subject& subject, const Occurrence& event, bool near_limit) const;
  [[nodiscard]] bool remembers(const Subject& subject, Instant now) const;
  [[nodiscard]] bool is_over(const Subject& subject, Instant now) const;
  static void forget_evidence(Subject& subject);
  std::size_t& slots(IdentityKind kind) { return slots_[static_cast<std::size_t>(kind)]; }

  // See doubt(). `beside`: by subject key, of those with events since.
  struct Beside {
    Subject subject;
    std::size_t rule = 0;  // that has decided
    std::optional<Decision> decided;
  };
  struct Doubt {
    Keys keys;
    std::optional<Instant> since;
    std::unordered_map<std::string, Beside> beside;
  };

  std::vector<Rule> rules_;
  std::vector<Limits> limits_;  // beside rules_
  std::vector<std::size_t> list_of_rule_;
  std::vector<std::size_t> slot_of_rule_;  // index of the rule among those of its kind
  std::array<std::size_t, 3> slots_{};     // rules by kind
  std::chrono::seconds longest_period_{0};
  std::vector<List> lists_;
  std::vector<std::chrono::seconds> memory_;  // by list: the longest rule.repeat_within
  std::set<End> ends_;                        // of blocks under way
  std::vector<End> ended_;
  std::unordered_map<std::size_t, Doubt> doubts_;  // by list
  std::vector<Group> groups_;
  Group relays_{IdentityKind::relay, 0, {}};  // all relay rules: for IPv4 hosts
  Subjects subjects_;
  std::size_t max_identities_;
  std::size_t next_bucket_ = 0;  // where make_room() looks next
  std::uint64_t crowded_out_ = 0;
  std::optional<Instant> newest_;  // event of all
  OnCounted on_counted_;           // empty: nobody counts with us
  std::string key_;                // of the event at hand; a member so that its storage is kept
};

// "u:" + folded id; the key of an identity in Counting::subjects().
[[nodiscard]] std::string subject_key(IdentityKind kind, std::string_view identity);
void write_subject_key(IdentityKind kind, std::string_view identity, std::string& out);
// A digest by which distinct recipients are told apart; never 0. Resists chosen collisions.
[[nodiscard]] std::uint64_t recipient_digest(std::string_view recipient);

}  // namespace agent
