#include "agent/history/hand_notes.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "agent/core/attribution.h"
#include "agent/core/list_lines.h"

namespace agent {
namespace {

constexpr std::chrono::hours kKept{24 * 7};

constexpr actions::Creation kPrivate{0600, std::nullopt, 0600};

}  // namespace

HandNotes::HandNotes(actions::Files& files, const std::string& state_directory)
    : file_(files, state_directory + "/hands", kPrivate) {}

actions::Result<actions::Done> HandNotes::add(const std::vector<Note>& notes) {
  std::vector<std::string> keys;
  for (const auto& note : notes) keys.push_back(note.key);
  const auto removed = file_.remove(keys);
  if (!removed) return removed.error();
  std::vector<actions::Blocklist::Line> lines;
  for (const auto& note : notes) {
    auto data = fmt::format("{} by-hand by={}", Zone::utc().text(note.time), note.by);
    if (!note.reason.empty()) data += " reason=" + note.reason;
    if (actions::list_line(note.key, data)) lines.push_back({note.key, std::move(data)});
  }
  if (lines.empty()) return actions::Done{};
  const auto added = file_.add(lines);
  if (added.error) return *added.error;
  return actions::Done{};
}

std::vector<HandNotes::Note> HandNotes::read() {
  std::vector<Note> notes;
  const auto view = file_.read();
  if (!view) return notes;
  for (const auto& entry : view->entries) {
    const auto line = read_list_data(entry.data);
    if (!line.since || !line.by) continue;
    notes.push_back({folded(entry.key), *line.since, *line.by, line.reason.value_or("")});
  }
  return notes;
}

void HandNotes::remove(const std::vector<std::string>& keys, Instant now) {
  std::vector<std::string> gone;
  for (const auto& note : read()) {
    const bool found = std::find(keys.begin(), keys.end(), note.key) != keys.end();
    if (found || note.time < now - kKept) gone.push_back(note.key);
  }
  if (!gone.empty()) (void)file_.remove(gone);
}

}  // namespace agent
