#include "agent/farm/belief.h"

#include <algorithm>
#include <utility>

#include "actions/lists/lsearch.h"
#include "agent/config/farm_names.h"
#include "agent/values/network.h"

namespace agent {
namespace {

using namespace std::chrono_literals;

// So late a statement of ours may still be one of which nobody was told: the answer was lost, or we
// died.
constexpr std::int64_t kNoticeAfterCut = 3'600'000, kNoticeAfterCrash = 120'000;
// Wider networks come from no list of ours.
constexpr int kWidestV4 = 16, kWidestV6 = 32;

// What stands in a list of this kind is spelled so by the rules that write there, or was put in by
// hand.
bool fits(IdentityKind kind, const NamedStatement& word) {
  if (!actions::list_line(word.record.identity, "")) return false;
  if (!is_by_address(kind) || IpAddress::parse(word.record.identity)) return true;
  const auto network = Network::parse(word.record.identity);
  return network && network->text() == word.record.identity &&
         network->prefix >= (network->base.v6 ? kWidestV6 : kWidestV4);
}

// A network is exempt, too, if it holds or lies in one that is.
bool is_exempt(const IdentityTables& tables, const std::string& key) {
  if (tables.exempts(key)) return true;
  const auto network = Network::parse(key);
  return network && std::any_of(tables.exempt_hosts.begin(), tables.exempt_hosts.end(),
                                [&](const Network& exempt) {
                                  return exempt.contains(network->base) ||
                                         network->contains(exempt.base);
                                });
}

// nullopt: this host has no list of this name.
std::optional<std::size_t> list_called(const std::string& name, const Counting& counting) {
  const auto& lists = counting.lists();
  for (std::size_t i = 0; i < lists.size(); ++i) {
    if (farm_list_name(lists[i].path) == name) return i;
  }
  return std::nullopt;
}

bool is_counted(IdentityKind kind, const std::string& key, const Counting& counting) {
  return counting.subjects().count(subject_key(kind, key)) > 0;
}

}  // namespace

FarmBelief::FarmBelief(const FarmConfig& config, KnownStatements& known, const SharedLists& lists)
    : known_(known), lists_(lists), trust_(config.trust), max_per_hour_(config.max_per_hour) {}

void FarmBelief::configure(const FarmConfig& config) {
  trust_ = config.trust;
  max_per_hour_ = config.max_per_hour;
  given_.clear();
}

bool FarmBelief::is_allowed(std::size_t list, const View& view) {
  const auto now = view.time.here.steady;
  auto& given = given_[list];
  while (!given.empty() && now - given.front() > 1h) given.pop_front();
  if (given.size() >= max_per_hour_) return false;
  given.push_back(now);
  return true;
}

bool FarmBelief::may_block(const NamedStatement& word, std::size_t list, const View& view) {
  const auto kind = view.counting.lists()[list].kind;
  if (!fits(kind, word)) {
    ++refused_.unfit;
  } else if (is_exempt(view.tables, word.name.key)) {
    ++refused_.exempt;
  } else if (trust_ == FarmTrust::seen && !is_counted(kind, word.name.key, view.counting)) {
    ++refused_.trust;
    if (unseen_.size() < kMaxUnseen) unseen_.insert(word.name);
  } else if (!is_allowed(list, view)) {
    ++refused_.postponed;
  } else {
    return true;
  }
  return false;
}

// An identity that is not in our list may have been counted, or may still be by older lines: that
// is over, too.
void FarmBelief::free(Order order, bool blocked, Entry& entry, const View& view, Heard& heard) {
  const auto kind = view.counting.lists()[order.list].kind;
  const auto young = std::chrono::milliseconds(lists_.longest_period() + 1h).count();
  const bool matters = blocked || entry.statement.stamp > view.time.server() - young ||
                       is_counted(kind, order.word.name.key, view.counting);
  entry.applied = !matters || is_allowed(order.list, view);
  if (!entry.applied) {
    ++refused_.postponed;
    return;
  }
  if (!matters) return;
  order.kind = Order::Kind::free;
  ordered_[order.word.name] = false;
  heard.orders.push_back(std::move(order));
}

// A block of an identity that is blocked here already: it may end at another time, or be one that
// was written just before a crash, and nobody was told.
void FarmBelief::block_more(Order order, bool ours, const View& view, Heard& heard) {
  const auto& [name, statement] = order.word;
  const auto end = view.counting.end_of(order.list, name.key);
  const auto until = end ? std::optional(seconds_of(*end)) : std::nullopt;
  if (ordered_.count(name) == 0 && until != statement.until) {
    heard.orders.push_back(order);
    heard.orders.back().kind = Order::Kind::end;
  }
  if (!ours || view.time.server() - statement.stamp >= kNoticeAfterCrash) return;
  order.kind = Order::Kind::notice;
  heard.orders.push_back(std::move(order));
}

// Whose statement it is it says itself. So nothing is believed for the sake of our name in it, but
// that a notice is ours to send.
void FarmBelief::act(const FarmName& name, Entry& entry, bool fresh, const View& view,
                     Heard& heard) {
  const auto list = list_called(name.list, view.counting);
  if (!list) {
    ++refused_.unknown_list;
    entry.applied = false;
    return;
  }
  const auto& statement = entry.statement;
  const auto ordered = ordered_.find(name);
  const bool blocked =
      ordered != ordered_.end() ? ordered->second : view.counting.is_blocked(*list, name.key);
  const bool ours =
      fresh && statement.told_by() == known_.host() && statement.why != FarmStatement::Why::hand;
  const bool notice = ours && view.time.server() - statement.stamp < kNoticeAfterCut;
  Order order{Order::Kind::block, *list, {name, statement}, notice};
  if (trust_ == FarmTrust::none) {
    entry.applied = false;
  } else if (!statement.blocked) {
    free(std::move(order), blocked, entry, view, heard);
  } else if (statement.over(seconds_of(view.time.here.wall))) {
    entry.applied = true;
  } else if (blocked) {
    entry.applied = true;
    block_more(std::move(order), ours, view, heard);
  } else {
    entry.applied = may_block(order.word, *list, view);
    if (!entry.applied) return;
    ordered_[name] = true;
    heard.orders.push_back(std::move(order));
  }
}

void FarmBelief::hear(NamedStatement&& word, const View& view, Heard& heard) {
  const bool unknown = known_.find(word.name) == nullptr;
  auto* entry = view.time.is_ahead(word.record)
                    ? nullptr
                    : known_.find_or_add(word.name, word.record.blocked);
  if (entry == nullptr) {
    ++refused_.unfit;
    return;
  }
  if (!unknown && entry->statement.newer_than(word.record)) return;
  const bool same = !unknown && !word.record.newer_than(entry->statement);
  entry->on_server = true;
  if (same && entry->applied) return;
  const bool fresh = !same && (unknown || entry->statement.over(seconds_of(view.time.here.wall)));
  entry->statement = std::move(word.record);
  known_.add_change();
  act(word.name, *entry, fresh, view, heard);
}

void FarmBelief::hear_answer(FarmNews&& news, const View& view, Heard& heard) {
  const auto name = news.word.name;
  const bool freed = news.proposed.blocked && !news.word.record.blocked;
  auto* entry = known_.find(name);
  if (entry == nullptr || !(entry->statement == news.proposed) ||
      view.time.is_ahead(news.word.record)) {
    hear(std::move(news.word), view, heard);
  } else {
    entry->on_server = true;
    known_.add_change();
    // The server may have put back the stamp of a clock that is ahead.
    const auto stamp = news.word.record.stamp;
    news.proposed.stamp = stamp;
    if (news.proposed == news.word.record) {
      entry->statement.stamp = stamp;
    } else {
      const bool fresh = entry->statement.over(seconds_of(view.time.here.wall));
      entry->statement = std::move(news.word.record);
      act(name, *entry, fresh, view, heard);
    }
  }
  heard.settled.push_back({name, news.blocked_before || freed});
}

void FarmBelief::hear_again(const View& view, Heard& heard) {
  for (const auto& name : std::exchange(again_, {})) {
    auto* entry = known_.find(name);
    if (entry != nullptr && !entry->applied) act(name, *entry, false, view, heard);
  }
}

void FarmBelief::was_seen(std::size_t rule, std::string_view key) {
  if (unseen_.empty()) return;
  FarmName name{lists_.list_of(rule), std::string(key)};
  if (unseen_.erase(name) > 0) again_.push_back(std::move(name));
}

void FarmBelief::not_done(const FarmName& name) {
  auto* entry = known_.find(name);
  if (entry == nullptr) return;
  entry->applied = false;
  known_.add_change();
  undone_.insert(name);
}

std::vector<FarmBelief::Order> FarmBelief::undone(const Counting& counting) {
  std::vector<Order> orders;
  for (const auto& name : std::exchange(undone_, {})) {
    auto* entry = known_.find(name);
    const auto list = list_called(name.list, counting);
    if (entry == nullptr || entry->statement.blocked || !list) continue;
    entry->applied = true;
    known_.add_change();
    orders.push_back({Order::Kind::free, *list, {name, entry->statement}, false});
  }
  return orders;
}

}  // namespace agent
