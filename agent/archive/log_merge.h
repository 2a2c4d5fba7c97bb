// Merges a catalog of logs into one pipeline. The files of one host are one log that continues from
// file to file. Hosts, and files of one host that cover the same time, are read side by side: each
// line is fed in the order of time. That order depends on the bytes of the logs alone.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "actions/result.h"
#include "agent/archive/log_catalog.h"
#include "agent/core/pipeline.h"

namespace agent {

struct FilePlace {
  std::uint64_t offset = 0, line = 0;  // bytes and lines before it
};

class LogMerge {
 public:
  struct Watch {
    std::function<void(const std::string&)> note;      // gaps and overlaps
    std::function<void(const actions::Error&)> error;  // the rest is read nevertheless
    std::function<bool(std::uint64_t taken)> go_on;    // once a chunk; bytes on disk that were read
    LogInput::Patience patience;                       // for pipes
    // Called with the same bytes after the pipeline, with the number that the pipeline gives to the
    // log; and (file) with the beginning of a file of that log, or its first line to come. Either
    // may be empty.
    std::function<void(std::size_t log, std::span<const char> bytes)> bytes;
    std::function<void(std::size_t log, const std::string& file, const FilePlace& from)> file;
  };

  LogMerge(Pipeline& pipeline, Catalog catalog, const Zone& zone, Watch watch);
  ~LogMerge();
  // Returns false if go_on returned false, and the rest was not read.
  bool run();
  // Returns true if any line of any log was an entry of Exim's. Call it after run().
  [[nodiscard]] bool any_entry() const { return any_entry_; }
  // What was read: files, and the times of the first and the last line that has one.
  struct Extent {
    std::uint64_t files = 0;
    std::optional<Instant> first, last;
  };
  [[nodiscard]] const Extent& extent() const { return extent_; }

 private:
  class Stream;
  void add_stream(std::string label, std::vector<CatalogEntry> files);
  void open_next(Stream& stream);
  void unpack_ahead(Stream& stream);
  bool load(Stream& stream);
  void finish_file(Stream& stream);
  FilePlace skip_shared(Stream& stream);
  void look_for_copies(Stream& stream);
  void split_if_overlapping(Stream& stream);
  void give(const Stream& stream, std::string_view bytes);
  void give_rest(Stream& stream);
  void feed_until(Stream& stream, const Stream& next);

  Pipeline& pipeline_;
  Zone zone_;
  Watch watch_;
  parsers::CivilSeconds not_after_;
  std::shared_ptr<SpareChunks> spare_ = std::make_shared<SpareChunks>();
  std::vector<std::unique_ptr<Stream>> streams_;  // in the order in which equal times are fed
  bool any_entry_ = false;
  Extent extent_;
  std::uint64_t taken_ = 0;  // of files that are finished
};

}  // namespace agent
