// LogPosition: how far one log file was read. Functions find the files that stand beside a log (its
// rotations, plain or packed, and copies of them), and the one that a saved position means,
// whatever a rotation has done to it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/follow/log_file.h"
#include "agent/values/zone.h"
#include "parsers/entries/reader.h"

namespace agent {

// How far one file was read: with the windows of the same moment, this is the checkpoint.
struct LogPosition {
  std::string path;     // as configured, %D and %M unexpanded
  FileIdentity file{};  // inode 0: there was none so far
  std::string tail{};   // LogFile::tail_before(reader.offset)
  // When the file was last written before it was read up to there; seconds since 1970 UTC.
  std::int64_t modified = 0;
  bool finished = false;  // it had a successor and was read to its end
  parsers::LogReader::State reader;
  std::optional<Instant> newest_stamp;
  // The log was read for the first time then: events older than a rule's period before it never
  // decide.
  std::optional<Instant> first_start;
  // The file was cut short and is read once more: events up to this time have counted already.
  std::optional<Instant> counted_until;
};

// A file or directory that can't be read.
struct Unreadable {
  std::string why;
  std::int64_t modified = 0;  // seconds since 1970 UTC; the maximum if not even that can be told
};
[[nodiscard]] Unreadable unreadable(const std::string& path, std::string why);

// Returns the regular files in the directories of `current` (and of what it links to), and in
// `olddirs`, whose names begin as the log's name does before any %, but not `current` itself;
// oldest first by time of the last write. `unreadable` gets those that can't be opened.
[[nodiscard]] std::vector<LogFile> rotations_of(const std::string& pattern,
                                                const std::string& current,
                                                const std::vector<std::string>& olddirs,
                                                bool with_packed,
                                                std::vector<Unreadable>& unreadable);

// Returns for each position the index of the file that continues it, each file once: the same inode
// with the same beginning and the same bytes before the offset; for those that are left, a copy or
// packed file with these. nullopt: none.
[[nodiscard]] std::vector<std::optional<std::size_t>> find_positions(
    const std::vector<LogPosition>& positions, std::vector<LogFile>& files);

// Returns the file of this position that has the same beginning, but has lost what was read last: a
// crash of the machine cut it short (Exim never syncs its log), and Exim wrote on. nullopt: none.
[[nodiscard]] std::optional<std::size_t> find_cut_short(const LogPosition& position,
                                                        std::vector<LogFile>& files);

// Returns true if `file` holds what was read up to this position, whatever its name and inode, or
// is a copy of it that was made before all of that was read. `original`: the file that was read;
// null if it is open no more.
[[nodiscard]] bool is_copy_of(const LogPosition& position, LogFile* original, LogFile& file);

// Replaces %D by yyyymmdd and %M by yyyymm, of the date that clocks of `zone` show. Source:
// string.c string_sprintf's D and M, used by log.c for log_file_path.
[[nodiscard]] std::string expand_log_name(const std::string& pattern, const Zone& zone,
                                          Instant now);

// Returns the directories in which rotations of `current` happen: its own, and if it is a link,
// those that it leads through.
[[nodiscard]] std::vector<std::string> directories_of(const std::string& current);

}  // namespace agent
