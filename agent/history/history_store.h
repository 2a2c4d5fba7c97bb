// HistoryStore: the file that keeps history entries: SQLite in the state directory. The saver's
// thread writes to it, after the checkpoint that holds the same entries; so each of them is
// written, and once, whatever is killed when. A damaged file is set aside and a new one begun; of
// any other fault the entries wait in the checkpoint.
//
// A new file begins with what stands in the lists.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "actions/files.h"
#include "actions/result.h"
#include "agent/history/hand_notes.h"
#include "agent/history/history_database.h"
#include "agent/history/history_entry.h"

namespace agent {

struct HistoryBatch {
  struct List {
    std::string path, rule;
    IdentityKind kind = IdentityKind::user;
  };
  std::vector<HistoryEntry> entries;
  std::vector<List> lists;
  Instant now{};
  std::chrono::seconds keep{};  // what is older goes
};

class HistoryStore {
 public:
  // How long another program's lock may hold up a checkpoint's outcome. The log waits for neither.
  static constexpr int kPatience = 50;  // ms

  // Opens nothing yet.
  HistoryStore(actions::Files& files, const std::string& state_directory);

  // What came of a batch.
  struct Outcome {
    std::optional<std::string> fault;   // nullopt: all entries are on the disk
    std::optional<std::string> notice;  // of what else happened, to be said once
  };
  // Writes all entries, or none. Removes a bounded number of entries that are too old.
  Outcome write(HistoryBatch batch);

 private:
  using Names = std::vector<std::string>;
  void open(const HistoryBatch& batch);
  void create(const HistoryBatch& batch);
  void insert(HistoryDatabase& database, const std::vector<HistoryEntry>& entries);
  Names name_hands(std::vector<HistoryEntry>& entries);
  void write_to(HistoryDatabase& database, const HistoryBatch& batch);
  void remove_old(HistoryDatabase& database, const HistoryBatch& batch);
  [[nodiscard]] std::string set_aside();
  [[nodiscard]] bool is_still_there() const;

  actions::Files& files_;
  std::string path_;
  HandNotes hands_;
  std::unique_ptr<HistoryDatabase> database_;  // null: not open
  std::optional<actions::FileStamp> opened_;
  Instant next_removal_{};
};

struct HistoryQuery {
  std::vector<std::string> identities;  // any of these; none: all
  std::optional<Instant> since, until;  // `until` is left out
  std::optional<std::string> rule;
  std::optional<HistoryEvent> event;
};
[[nodiscard]] std::string history_path(const std::string& state_directory);
// Calls back for each entry that the query means, oldest first.
[[nodiscard]] actions::Result<actions::Done> read_history(
    const std::string& state_directory, const HistoryQuery& query,
    const std::function<void(const HistoryEntry&)>& found);

}  // namespace agent
