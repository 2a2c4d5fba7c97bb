#include "agent/state/checkpoint.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>

#include "agent/state/checkpoint_fields.h"
#include "agent/values/digest.h"

namespace agent {
namespace {

void encode_position(std::string& out, const LogPosition& position) {
  const auto& reader = position.reader;
  out += "log";
  append_field(out, position.path);
  append_number(out, position.file.device);
  append_number(out, position.file.inode);
  append_field(out, position.file.first_line);
  append_field(out, position.tail);
  append_number(out, position.modified);
  append_number(out, position.finished ? 1 : 0);
  append_optional(out, position.newest_stamp);
  append_optional(out, position.first_start);
  append_number(out, reader.offset);
  append_number(out, reader.line);
  append_number(out, static_cast<std::int64_t>(reader.form));
  append_number(out, reader.junk_seen ? 1 : 0);
  append_number(out, reader.distrust.in_quotes ? 1 : 0);
  append_number(out, reader.distrust.reach);
  append_number(out, reader.copies.single);
  append_number(out, reader.copies.paired);
  if (position.counted_until) append_number(out, seconds(*position.counted_until));
  out.push_back('\n');
  for (const auto& [pid, last] : reader.copies.last) {
    out += "copy";
    append_field(out, pid);
    append_number(out, last.second ? 1 : 0);
    append_field(out, last.first);
    out.push_back('\n');
  }
  for (const auto& [pid, part] : reader.pieces) {
    out += "piece";
    append_field(out, pid);
    append_number(out, part.next);
    append_number(out, part.of);
    append_field(out, part.text);
    out.push_back('\n');
  }
}

void encode_subject(std::string& out, const SubjectKey& key, const Counting::Subject& subject) {
  out += "subject";
  append_key(out, key);
  append_number(out, subject.blocked);
  append_number(out, subject.further_refusals);
  if (subject.fresh_since) append_number(out, seconds(*subject.fresh_since));
  out.push_back('\n');
  if (subject.watched != 0) {
    out += "watched";
    append_number(out, subject.watched);
    out.push_back('\n');
  }
  for (const auto& term : subject.terms) {
    out += "term";
    append_number(out, term.list);
    append_optional(out, term.until);
    append_number(out, term.times);
    append_number(out, seconds(term.ended));
    out.push_back('\n');
  }
  for (const auto& window : subject.windows) {
    // Times as steps from one to the next: short, and the order is seen to hold.
    out += "window";
    std::int64_t last = 0;
    for (const auto time : window.times()) {
      append_number(out, time - last);
      last = time;
    }
    out.push_back('\n');
    const auto recipients = window.recipients();
    if (recipients.empty()) continue;
    out += "recipients";
    for (const auto recipient : recipients) append_number(out, recipient);
    out.push_back('\n');
  }
  for (std::size_t slot = 0; slot < subject.shares.size(); ++slot) {
    if (subject.shares[slot].empty()) continue;
    out += "share";
    append_number(out, slot);
    std::int64_t last = 0;
    for (const auto& one : subject.shares[slot].seconds()) {
      append_number(out, one.second - last);
      append_number(out, one.events);
      append_number(out, one.accepted);
      last = one.second;
    }
    out.push_back('\n');
  }
  for (const auto& host : subject.hosts) {
    out += "host";
    append_field(out, host.host);
    append_number(out, host.refusals);
    if (host.others > 0) append_number(out, host.others);
    out.push_back('\n');
  }
  if (subject.further_others > 0) {
    out += "further";
    append_number(out, subject.further_others);
    out.push_back('\n');
  }
  for (const auto& sample : subject.samples) {
    out += "sample";
    append_number(out, sample.time);
    append_field(out, sample.host);
    append_field(out, sample.recipient);
    append_field(out, sample.reason);
    if (!is_refusal(sample.signal)) append_number(out, static_cast<int>(sample.signal));
    out.push_back('\n');
  }
}

void encode_farm(std::string& out, const Checkpoint& state) {
  if (state.farm) {
    out += "farm";
    append_number(out, state.farm->connected ? 1 : 0);
    append_field(out, state.farm->fault);
    append_number(out, state.farm->waiting);
    append_number(out, state.farm->dropped);
    append_number(out, state.farm->ahead);
    append_number(out, state.farm->late);
    out.push_back('\n');
  }
  for (const auto& [name, record, applied] : state.farm_words) {
    out += "word";
    append_field(out, name);
    append_field(out, record);
    append_number(out, applied ? 1 : 0);
    out.push_back('\n');
  }
}

void encode_notice(std::string& out, const WaitingNotice& waiting) {
  const auto& notice = waiting.notice;
  append_number(out, waiting.unknown);
  append_field(out, notice.message_id);
  append_number(out, notice.date);
  append_field(out, notice.subject);
  append_field(out, notice.body);
  append_field(out, notice.data);
  if (!notice.page.empty()) append_field(out, notice.page);
  out.push_back('\n');
}

void append_count(std::string& out, const std::optional<std::uint64_t>& value) {
  append_optional(out, value ? std::optional(std::to_string(*value)) : std::nullopt);
}

void encode_history(std::string& out, const HistoryEntry& entry) {
  out += "history";
  append_field(out, name_of(entry.event));
  append_number(out, seconds(entry.time));
  append_field(out, entry.rule);
  append_optional(out,
                  entry.kind ? std::optional(std::string(name_of(*entry.kind))) : std::nullopt);
  append_field(out, entry.identity);
  append_count(out, entry.count);
  append_count(out, entry.limit);
  append_count(out, entry.period ? std::optional(static_cast<std::uint64_t>(entry.period->count()))
                                 : std::nullopt);
  append_optional(out, entry.until);
  append_field(out, entry.by);
  append_field(out, entry.reason);
  append_field(out, entry.samples);
  out.push_back('\n');
}

}  // namespace

namespace {

// The first bytes of its key stand beside a subject while they are put in order: the keys
// themselves lie all over the memory.
using Beginning = std::array<std::uint64_t, 3>;
struct Ordered {
  Beginning beginning;
  const Counting::Subjects::value_type* subject;
};

Beginning beginning_of(const SubjectKey& key) {
  Beginning beginning{};
  const auto put = [&](std::size_t i, char c) {
    beginning[i / 8] |= std::uint64_t{static_cast<unsigned char>(c)} << (56 - 8 * (i % 8));
  };
  put(0, letter_of(key.kind));
  const auto size = std::min(key.id.size(), sizeof beginning - 1);
  for (std::size_t i = 0; i < size; ++i) put(i + 1, key.id[i]);
  return beginning;
}

}  // namespace

std::string encode_checkpoint(const Checkpoint& state) {
  return encode_checkpoint(state, state.subjects);
}

std::string encode_checkpoint(const Checkpoint& state, const Counting::Subjects& all) {
  constexpr std::size_t kEach = 64;  // bytes of most subjects
  std::string out(kStateHeader);
  out.reserve(all.size() * kEach);
  for (const auto& position : state.positions) encode_position(out, position);
  if (state.newest) {
    out += "newest";
    append_number(out, seconds(*state.newest));
    out.push_back('\n');
  }
  for (const auto& [path, silence] : state.silences) {
    if (!silence.since) continue;
    out += "silence";
    append_number(out, seconds(*silence.since));
    append_optional(out, silence.heard);
    append_number(out, silence.alarmed ? 1 : 0);
    for (const auto longest : silence.longest) append_number(out, longest);
    append_field(out, path);
    out.push_back('\n');
  }
  for (const auto& fault : state.faults) {
    out += "fault";
    append_field(out, fault);
    out.push_back('\n');
  }
  for (const auto& [key, message] : state.submissions) {
    out += "message";
    append_field(out, key);
    append_optional(out, message.user);
    append_optional(out, message.host);
    append_optional(out, message.login);
    append_optional(out, message.authenticator);
    append_field(out, message.sender);
    for (const auto digest : message.failed) fmt::format_to(std::back_inserter(out), " {}", digest);
    out.push_back('\n');
  }
  for (const auto& [digest, at] : state.tags)
    fmt::format_to(std::back_inserter(out), "tag {} {}\n", digest, at);
  for (const auto address : state.refusals)
    fmt::format_to(std::back_inserter(out), "refusal {}\n", address);
  for (const auto& [kind, name] : state.layout.rules) {
    out += "rule";
    append_number(out, static_cast<std::int64_t>(kind));
    append_field(out, name);
    out.push_back('\n');
  }
  for (const auto& list : state.layout.lists) {
    out += "list";
    append_field(out, list);
    out.push_back('\n');
  }
  // In a fixed order, so that equal states are equal bytes.
  std::vector<Ordered> subjects;
  subjects.reserve(all.size());
  for (const auto& subject : all) subjects.push_back({beginning_of(subject.first), &subject});
  std::sort(subjects.begin(), subjects.end(), [](const Ordered& a, const Ordered& b) {
    return a.beginning != b.beginning ? a.beginning < b.beginning
                                      : a.subject->first.id < b.subject->first.id;
  });
  for (const auto& [beginning, subject] : subjects)
    encode_subject(out, subject->first, subject->second);
  for (const auto& pending : state.pending) {
    out += "pending";
    append_field(out, pending.list);
    append_field(out, pending.identity);
    append_field(out, pending.data);
    out.push_back('\n');
  }
  if (state.trials.since) {
    out += "trials";
    append_number(out, seconds(*state.trials.since));
    append_number(out, state.trials.left_out);
    out.push_back('\n');
  }
  for (const auto& line : state.trials.lines) {
    out += "trial";
    append_field(out, line.text);
    append_field(out, line.data);
    out.push_back('\n');
  }
  if (state.report_told) {
    out += "report";
    append_number(out, seconds(*state.report_told));
    out.push_back('\n');
  }
  encode_farm(out, state);
  for (const auto& [key, until] : state.told_ends) {
    out += "ending";
    append_field(out, key);
    append_number(out, seconds(until));
    out.push_back('\n');
  }
  for (const auto& entry : state.history) encode_history(out, entry);
  for (const auto& waiting : state.outbox) {
    out += "notice";
    encode_notice(out, waiting);
  }
  for (const auto& [action, waiting] : state.actions) {
    out += "action";
    append_field(out, action);
    encode_notice(out, waiting);
  }
  const auto sum = sha256_hex(out);
  out.append(kStateSum).append(sum).push_back('\n');
  return out;
}

}  // namespace agent
