#include "agent/state.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <iterator>
#include <stdexcept>

#include "agent/digest.h"
#include "agent/state_fields.h"

namespace agent {
namespace {

constexpr std::string_view kHeader = "exiwarden-state 1\n";
constexpr std::string_view kSum = "sum ";
constexpr std::size_t kSubjectSize = 96;  // bytes of most subjects: all that a table is sized by

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

LogPosition decode_position(Fields& in) {
  LogPosition position;
  position.path = in.text();
  position.file.device = in.number();
  position.file.inode = in.number();
  position.file.first_line = in.text();
  position.tail = in.text();
  position.modified = in.number<std::int64_t>();
  position.finished = in.number() != 0;
  position.newest_stamp = in.optional_time();
  position.first_start = in.optional_time();
  auto& reader = position.reader;
  reader.offset = in.number();
  reader.line = in.number();
  const auto form = in.number();
  if (form > 2) throw Malformed("an unknown form of log");
  reader.form = static_cast<parsers::LogReader::Form>(form);
  reader.junk_seen = in.number() != 0;
  reader.distrust.in_quotes = in.number() != 0;
  reader.distrust.reach = in.number<std::uint32_t>();
  reader.copies.single = in.number();
  reader.copies.paired = in.number();
  if (!in.done()) position.counted_until = instant(in.number<std::int64_t>());
  return position;
}

void encode_subject(std::string& out, const std::string& key, const Counting::Subject& subject) {
  out += "subject";
  append_field(out, key);
  append_number(out, subject.blocked);
  append_number(out, subject.other_hosts);
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
  for (const auto& host : subject.hosts) {
    out += "host";
    append_field(out, host.host);
    append_number(out, host.count);
    out.push_back('\n');
  }
  for (const auto& sample : subject.samples) {
    out += "sample";
    append_number(out, sample.time);
    append_field(out, sample.host);
    append_field(out, sample.recipient);
    append_field(out, sample.reason);
    out.push_back('\n');
  }
}

void encode_farm(std::string& out, const State& state) {
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

class Decoder {
 public:
  State state;

  void line(std::string_view text) {
    Fields in(text);
    const auto kind = in.word();
    if (kind == "log") {
      state.positions.push_back(decode_position(in));
    } else if (kind == "copy") {
      auto pid = in.text();
      const bool copied = in.number() != 0;
      position().reader.copies.last.emplace(std::move(pid), std::pair(in.text(), copied));
    } else if (kind == "piece") {
      auto pid = in.text();
      parsers::SyslogPieces::Part part;
      part.next = in.number<std::uint32_t>();
      part.of = in.number<std::uint32_t>();
      part.text = in.text();
      position().reader.pieces.emplace(std::move(pid), std::move(part));
    } else if (kind == "newest") {
      state.newest = instant(in.number<std::int64_t>());
    } else if (kind == "silence") {
      Silence::State silence;
      silence.since = instant(in.number<std::int64_t>());
      silence.heard = in.optional_time();
      silence.alarmed = in.number() != 0;
      for (auto& longest : silence.longest) longest = in.number<std::int64_t>();
      state.silences[in.done() ? "" : in.text()] = silence;
    } else if (kind == "fault") {
      state.faults.push_back(in.text());
    } else if (kind == "message") {
      message(in);
    } else if (kind == "tag") {
      const auto digest = in.number();
      state.tags.emplace_back(digest, in.number());
    } else if (kind == "rule") {
      const auto identity = in.number();
      if (identity > 2) throw Malformed("an unknown kind of identity");
      state.layout.rules.emplace_back(static_cast<IdentityKind>(identity), in.text());
    } else if (kind == "list") {
      state.layout.lists.push_back(in.text());
    } else if (kind == "subject") {
      const auto key = in.text();
      subject_ = &state.subjects[key];
      subject_->blocked = in.number();
      subject_->other_hosts = in.number<std::uint32_t>();
      if (!in.done()) subject_->fresh_since = instant(in.number<std::int64_t>());
    } else if (kind == "watched") {
      subject().watched = in.number();
    } else if (kind == "term") {
      term(in);
    } else if (kind == "window") {
      window(in);
    } else if (kind == "recipients") {
      recipients(in);
    } else if (kind == "host") {
      auto host = in.text();
      subject().hosts.push_back({std::move(host), in.number<std::uint32_t>()});
    } else if (kind == "sample") {
      Sample sample;
      sample.time = in.number<std::int64_t>();
      sample.host = in.text();
      sample.recipient = in.text();
      sample.reason = in.text();
      subject().samples.push_back(std::move(sample));
    } else if (kind == "pending") {
      PendingBlock pending;
      pending.list = in.text();
      pending.identity = in.text();
      pending.data = in.text();
      state.pending.push_back(std::move(pending));
    } else if (kind == "farm") {
      auto& farm = state.farm.emplace();
      farm.connected = in.number() != 0;
      farm.fault = in.text();
      farm.waiting = in.number();
      farm.dropped = in.number();
      farm.ahead = in.number();
      farm.late = in.number();
    } else if (kind == "word") {
      auto name = in.text();
      auto record = in.text();
      state.farm_words.push_back({std::move(name), std::move(record), in.number() != 0});
    } else if (kind == "notice") {
      WaitingNotice waiting;
      auto& notice = waiting.notice;
      waiting.unknown = in.number<std::uint32_t>();
      notice.message_id = in.text();
      notice.date = in.number<std::int64_t>();
      notice.subject = in.text();
      notice.body = in.text();
      if (!in.done()) notice.data = in.text();
      state.outbox.push_back(std::move(waiting));
    } else {
      throw Malformed(fmt::format("an unknown record \"{}\"", kind));
    }
    if (!in.done()) throw Malformed("a record is too long");
  }

 private:
  LogPosition& position() {
    if (state.positions.empty()) throw Malformed("a record without its log");
    return state.positions.back();
  }
  Counting::Subject& subject() {
    if (subject_ == nullptr) throw Malformed("a record without its subject");
    return *subject_;
  }
  void term(Fields& in) {
    Counting::Term term;
    term.list = in.number<std::size_t>();
    term.until = in.optional_time();
    term.times = in.number<std::uint32_t>();
    term.ended = instant(in.number<std::int64_t>());
    if (term.list >= state.layout.lists.size()) throw Malformed("a term of an unknown list");
    subject().terms.push_back(term);
  }
  void window(Fields& in) {
    times_.clear();
    for (std::int64_t last = 0; !in.done();) {
      const auto step = in.number<std::int64_t>();
      if (!times_.empty() && step < 0) throw Malformed("a window out of order");
      times_.push_back(last += step);
    }
    Window window;
    window.restore(times_, {});
    subject().windows.push_back(std::move(window));
  }
  void message(Fields& in) {
    auto key = in.text();
    Submissions::Message message;
    message.user = in.optional_text();
    message.host = in.optional_text();
    message.login = in.optional_text();
    message.authenticator = in.optional_text();
    message.sender = in.text();
    while (!in.done()) message.failed.push_back(in.number());
    if (!std::is_sorted(message.failed.begin(), message.failed.end())) {
      throw Malformed("failures out of order");
    }
    state.submissions.emplace_back(std::move(key), std::move(message));
  }
  void recipients(Fields& in) {
    std::vector<std::uint64_t> recipients;
    while (!in.done()) recipients.push_back(in.number());
    if (subject().windows.empty() || recipients.size() != times_.size())
      throw Malformed("recipients without their window");
    subject().windows.back().restore(times_, std::move(recipients));
  }

  Counting::Subject* subject_ = nullptr;
  std::vector<std::int64_t> times_;
};

}  // namespace

std::string encode_state(const State& state) {
  return encode_state(state, state.subjects);
}

std::string encode_state(const State& state, const Counting::Subjects& all) {
  std::string out(kHeader);
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
  std::vector<const Counting::Subjects::value_type*> subjects;
  subjects.reserve(all.size());
  for (const auto& subject : all) subjects.push_back(&subject);
  std::sort(subjects.begin(), subjects.end(),
            [](const auto* a, const auto* b) { return a->first < b->first; });
  for (const auto* subject : subjects) encode_subject(out, subject->first, subject->second);
  for (const auto& pending : state.pending) {
    out += "pending";
    append_field(out, pending.list);
    append_field(out, pending.identity);
    append_field(out, pending.data);
    out.push_back('\n');
  }
  encode_farm(out, state);
  for (const auto& [notice, unknown] : state.outbox) {
    out += "notice";
    append_number(out, unknown);
    append_field(out, notice.message_id);
    append_number(out, notice.date);
    append_field(out, notice.subject);
    append_field(out, notice.body);
    append_field(out, notice.data);
    out.push_back('\n');
  }
  const auto sum = sha256_hex(out);
  out.append(kSum).append(sum).push_back('\n');
  return out;
}

std::variant<State, std::string> decode_state(std::string_view text) {
  if (!text.starts_with("exiwarden-state ")) return std::string("it is no checkpoint");
  if (!text.starts_with(kHeader)) return std::string("its version is not one this program knows");
  constexpr std::size_t kSumLine = kSum.size() + 64 + 1;
  if (text.size() < kHeader.size() + kSumLine) return std::string("it is cut off");
  const auto content = text.substr(0, text.size() - kSumLine);
  if (text.substr(content.size()) != fmt::format("{}{}\n", kSum, sha256_hex(content))) {
    return std::string("its checksum is wrong: it is damaged or cut off");
  }
  if (!content.ends_with('\n')) return std::string("its last line has no end");
  Decoder decoder;
  decoder.state.subjects.reserve(content.size() / kSubjectSize);
  try {
    auto rest = content.substr(kHeader.size());
    while (!rest.empty()) {
      const auto end = rest.find('\n');
      decoder.line(rest.substr(0, end));
      rest.remove_prefix(std::min(rest.size(), end + 1));
    }
  } catch (const Malformed& problem) {
    return fmt::format("{} in it", problem.what());
  }
  return std::move(decoder.state);
}

}  // namespace agent
