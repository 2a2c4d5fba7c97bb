#include "agent/report/block_effect.h"

#include <algorithm>

#include "agent/values/network.h"

namespace agent {

bool BlockEffect::covers(const SubjectKey& row, const SubjectKey& key) {
  if (key == row) return true;
  if (row.kind != key.kind || !is_by_address(row.kind)) return false;
  const auto network = Network::parse(row.id);
  const auto address = IpAddress::parse(key.id);
  return network && address && network->contains(*address);
}

BlockEffect::Subject& BlockEffect::subject_of(IdentityKind kind, std::string_view identity) {
  const auto key = subject_key(kind, identity);
  const auto known = subjects_.find(key);
  if (known != subjects_.end()) return known->second;
  auto& subject = subjects_.try_emplace(key).first->second;
  for (auto* row : networks_) {
    if (!covers(row->key, key)) continue;
    subject.rows.push_back(row);
    row->subjects.push_back(&subject);
  }
  return subject;
}

void BlockEffect::accepted(std::string_view message_id, IdentityKind kind,
                           std::string_view identity) {
  auto& subject = subject_of(kind, identity);
  ++subject.total.messages;
  if (!messages_.try_emplace(std::string(message_id), Message{&subject, arrivals_++}).second)
    return;
  order_.emplace_back(message_id);
  if (order_.size() > 2 * kMaxMessages) {
    std::erase_if(order_, [&](const std::string& id) { return messages_.count(id) == 0; });
  }
  while (messages_.size() > kMaxMessages) {
    messages_.erase(order_.front());
    order_.pop_front();
  }
}

void BlockEffect::refused(IdentityKind kind, std::string_view identity) {
  ++subject_of(kind, identity).refused;
}

void BlockEffect::entry(const parsers::Prefix& prefix) {
  const auto mark = prefix.payload.substr(0, 3);
  const bool recipient = mark == "=> " || mark == "-> " || mark == ">> " || mark == "** ";
  const bool completed = !recipient && prefix.payload.starts_with("Completed");
  if (!recipient && !completed) return;
  const auto found = messages_.find(prefix.message_id);
  if (found == messages_.end()) return;
  if (recipient) {
    ++found->second.subject->total.recipients;
    for (auto* row : found->second.subject->rows) {
      if (found->second.arrival < row->arrivals) ++row->before.recipients;
    }
  } else {
    messages_.erase(found);
  }
}

void BlockEffect::decided(const Decision& decision) {
  auto& row = *rows_.emplace_back(std::make_unique<Row>());
  row.key = subject_key(decision.identity_kind, decision.identity);
  row.arrivals = arrivals_;
  const auto join = [&](Subject& subject) {
    subject.rows.push_back(&row);
    row.subjects.push_back(&subject);
    row.before.messages += subject.total.messages;
    row.before.recipients += subject.total.recipients;
    row.refused_before += subject.refused;
  };
  const bool network =
      is_by_address(decision.identity_kind) && decision.identity.find('/') != std::string::npos;
  if (!network) return join(subject_of(decision.identity_kind, decision.identity));
  for (auto& [key, subject] : subjects_) {
    if (covers(row.key, key)) join(subject);
  }
  networks_.push_back(&row);
}

BlockEffect::Account BlockEffect::account(std::size_t number) const {
  const auto& row = *rows_[number];
  Account account;
  account.before = row.before;
  for (const auto* subject : row.subjects) {
    account.after.messages += subject->total.messages;
    account.after.recipients += subject->total.recipients;
    account.refused_after += subject->refused;
  }
  account.after.messages -= row.before.messages;
  account.after.recipients -= row.before.recipients;
  account.refused_after -= row.refused_before;
  return account;
}

}  // namespace agent
