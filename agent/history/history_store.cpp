#include "agent/history/history_store.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "actions/lists/blocklist.h"
#include "agent/core/attribution.h"

namespace agent {
namespace {

using namespace std::chrono_literals;

constexpr actions::Creation kPrivate{0600, std::nullopt, 0600};
constexpr auto kBetweenRemovals = 1h;
constexpr std::int64_t kRemovedAtOnce = 1000;
constexpr int kReadersPatience = 2000;  // ms

// Times are seconds since 1970 UTC. `who` is the identity as it is looked up, folded.
constexpr const char* kTables = R"(
CREATE TABLE entry(id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, time INTEGER NOT NULL,
  event TEXT NOT NULL, rule TEXT, identity_kind TEXT, identity TEXT, who TEXT, count INTEGER,
  "limit" INTEGER, period INTEGER, until INTEGER, by TEXT, reason TEXT, samples TEXT);
CREATE INDEX entry_by_who ON entry(who, time);
CREATE INDEX entry_at ON entry(time);
PRAGMA user_version=1;)";
constexpr const char* kColumns =
    "time, event, rule, identity_kind, identity, count, \"limit\", period, until, by, reason, "
    "samples";

std::int64_t seconds_of(Instant time) {
  return time.time_since_epoch().count();
}

std::optional<std::int64_t> as_number(const std::optional<std::uint64_t>& value) {
  return value ? std::optional(static_cast<std::int64_t>(*value)) : std::nullopt;
}

std::optional<std::string_view> unless_empty(const std::string& text) {
  return text.empty() ? std::nullopt : std::optional<std::string_view>(text);
}

std::optional<std::uint64_t> count_in(const HistoryDatabase::Statement& row, int column) {
  const auto value = row.number(column);
  return value && *value >= 0 ? std::optional(static_cast<std::uint64_t>(*value)) : std::nullopt;
}

// nullopt: a newer program's event, which this one can't name.
std::optional<HistoryEntry> entry_in(const HistoryDatabase::Statement& row) {
  const auto event = history_event_named(row.text(1));
  if (!event) return std::nullopt;
  HistoryEntry entry;
  entry.event = *event;
  entry.time = Instant(std::chrono::seconds(row.number(0).value_or(0)));
  entry.rule = row.text(2);
  entry.kind = identity_kind_named(row.text(3));
  entry.identity = row.text(4);
  entry.count = count_in(row, 5);
  entry.limit = count_in(row, 6);
  if (const auto period = row.number(7)) entry.period = std::chrono::seconds(*period);
  if (const auto until = row.number(8)) entry.until = Instant(std::chrono::seconds(*until));
  entry.by = row.text(9);
  entry.reason = row.text(10);
  entry.samples = row.text(11);
  return entry;
}

}  // namespace

std::string history_path(const std::string& state_directory) {
  return state_directory + "/history.sqlite";
}

HistoryStore::HistoryStore(actions::Files& files, const std::string& state_directory)
    : files_(files), path_(history_path(state_directory)), hands_(files, state_directory) {}

HistoryStore::Outcome HistoryStore::write(HistoryBatch batch) {
  Outcome outcome;
  const auto used = name_hands(batch.entries);
  for (bool again : {true, false}) {
    try {
      if (database_ == nullptr || !is_still_there()) open(batch);
      write_to(*database_, batch);
      if (!used.empty()) hands_.remove(used, batch.now);
      return outcome;
    } catch (const HistoryError& error) {
      database_.reset();
      outcome.fault = error.what();
      if (!again || !error.damaged()) return outcome;
      outcome.notice = std::string(error.what()) + "; " + set_aside();
    }
    outcome.fault.reset();
  }
  return outcome;
}

// Somebody may have removed the file, or the directory.
bool HistoryStore::is_still_there() const {
  const auto stamp = files_.stamp(path_);
  return stamp && opened_ && stamp->inode == opened_->inode && stamp->device == opened_->device;
}

void HistoryStore::open(const HistoryBatch& batch) {
  database_.reset();
  // SQLite gives what it makes beside the file the rights of the file.
  const auto made = files_.append(path_, "", kPrivate);
  if (!made) throw HistoryError(0, made.error().what);
  opened_ = made.value();
  auto database = std::make_unique<HistoryDatabase>(path_, true, kPatience);
  database->run(
      "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-1024;"
      "PRAGMA journal_size_limit=1048576;");
  const auto version = database->number("PRAGMA user_version");
  if (version > HistoryDatabase::kVersion)
    throw HistoryError(0, path_ + ": made by a newer version of this program");
  database_ = std::move(database);
  if (version == 0) create(batch);
}

// The lists after the batch: an entry says more than the line that stands for the same block.
void HistoryStore::create(const HistoryBatch& batch) {
  auto& database = *database_;
  std::vector<HistoryEntry> listed;
  for (const auto& list : batch.lists) {
    const auto view = actions::Blocklist(files_, list.path, {}).read();
    if (!view) continue;  // the service says so
    for (const auto& entry : view->entries)
      listed.push_back(entry_of_line(list.rule, list.kind, entry.key, entry.data, batch.now));
  }
  database.run("BEGIN IMMEDIATE");
  database.run(kTables);
  insert(database, batch.entries);
  insert(database, listed);
  database.run("COMMIT");
}

// Says who has freed a sender; returns the keys of the notes that were used.
HistoryStore::Names HistoryStore::name_hands(std::vector<HistoryEntry>& entries) {
  Names used;
  std::optional<std::vector<HandNotes::Note>> notes;
  for (auto& entry : entries) {
    if (!entry.by.empty()) continue;
    if (!notes) notes = hands_.read();
    const auto key = folded(entry.identity);
    const auto note = std::find_if(notes->begin(), notes->end(),
                                   [&](const HandNotes::Note& one) { return one.key == key; });
    entry.by = note == notes->end() ? std::string(kByEdit) : note->by;
    if (note == notes->end()) continue;
    if (entry.reason.empty()) entry.reason = note->reason;
    used.push_back(key);
  }
  return used;
}

void HistoryStore::write_to(HistoryDatabase& database, const HistoryBatch& batch) {
  if (batch.entries.empty() && batch.now < next_removal_) return;
  try {
    database.run("BEGIN IMMEDIATE");
    insert(database, batch.entries);
    remove_old(database, batch);
    database.run("COMMIT");
  } catch (const HistoryError&) {
    try {
      database.run("ROLLBACK");
    } catch (const HistoryError&) {  // it has rolled back by itself
    }
    throw;
  }
}

void HistoryStore::insert(HistoryDatabase& database, const std::vector<HistoryEntry>& entries) {
  HistoryDatabase::Statement statement(
      database, std::string("INSERT OR IGNORE INTO entry(key, who, ") + kColumns +
                    ") VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?)");
  for (const auto& entry : entries) {
    const auto key = entry.key(), who = folded(entry.identity);
    const auto until = entry.until ? std::optional(seconds_of(*entry.until)) : std::nullopt;
    const auto period =
        entry.period ? std::optional<std::int64_t>(entry.period->count()) : std::nullopt;
    statement.reset();
    statement.bind(key)
        .bind(unless_empty(who))
        .bind(seconds_of(entry.time))
        .bind(name_of(entry.event))
        .bind(unless_empty(entry.rule))
        .bind(entry.kind ? std::optional(name_of(*entry.kind)) : std::nullopt)
        .bind(unless_empty(entry.identity))
        .bind(as_number(entry.count))
        .bind(as_number(entry.limit))
        .bind(period)
        .bind(until)
        .bind(unless_empty(entry.by))
        .bind(unless_empty(entry.reason))
        .bind(unless_empty(entry.samples));
    (void)statement.step();
  }
}

// Whatever there is to remove after a change of `keep`, a transaction stays short.
void HistoryStore::remove_old(HistoryDatabase& database, const HistoryBatch& batch) {
  if (batch.now < next_removal_) return;
  HistoryDatabase::Statement statement(
      database, "DELETE FROM entry WHERE id IN (SELECT id FROM entry WHERE time < ? LIMIT ?)");
  statement.bind(seconds_of(batch.now - batch.keep)).bind(kRemovedAtOnce);
  (void)statement.step();
  const bool all = database.number("SELECT changes()") < kRemovedAtOnce;
  next_removal_ = batch.now + (all ? kBetweenRemovals : 1min);
}

std::string HistoryStore::set_aside() {
  const auto aside = path_ + ".damaged";
  for (const char* part : {"-wal", "-shm"}) (void)files_.rename(path_ + part, aside + part);
  const auto moved = files_.rename(path_, aside);
  return moved ? "set aside as " + aside : moved.error().what;
}

actions::Result<actions::Done> read_history(const std::string& state_directory,
                                            const HistoryQuery& query,
                                            const std::function<void(const HistoryEntry&)>& found) {
  const auto path = history_path(state_directory);
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0) return actions::system_error(path, errno);
  std::string where = " WHERE 1";
  if (!query.identities.empty()) {
    where += " AND who IN (?";
    for (std::size_t i = 1; i < query.identities.size(); ++i) where += ",?";
    where += ")";
  }
  if (query.since) where += " AND time >= ?";
  if (query.until) where += " AND time < ?";
  if (query.rule) where += " AND rule = ?";
  if (query.event) where += " AND event = ?";
  std::vector<std::string> names;
  for (const auto& identity : query.identities) names.push_back(folded(identity));
  try {
    HistoryDatabase database(path, false, kReadersPatience);
    // Begun, and not filled yet.
    if (database.number("PRAGMA user_version") == 0) return actions::Done{};
    HistoryDatabase::Statement statement(
        database, std::string("SELECT ") + kColumns + " FROM entry" + where + " ORDER BY time, id");
    for (const auto& name : names) statement.bind(name);
    if (query.since) statement.bind(seconds_of(*query.since));
    if (query.until) statement.bind(seconds_of(*query.until));
    if (query.rule) statement.bind(*query.rule);
    if (query.event) statement.bind(name_of(*query.event));
    while (statement.step()) {
      if (const auto entry = entry_in(statement)) found(*entry);
    }
  } catch (const HistoryError& error) {
    const auto code = error.damaged()  ? actions::Errc::malformed
                      : error.denied() ? actions::Errc::denied
                                       : actions::Errc::io;
    return actions::Error{code, 0, error.what()};
  }
  return actions::Done{};
}

}  // namespace agent
