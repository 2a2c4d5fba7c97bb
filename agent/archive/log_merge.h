// A catalog of logs -> the pipeline. The files of one host are one log that goes on from file to
// file. Hosts, and files of one host that cover the same time, are read side by side: each line is
// fed when its time has come. The order depends on the bytes of the logs alone.
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
    std::function<void(const actions::Error&)> error;  // the rest is read all the same
    std::function<bool(std::uint64_t taken)> go_on;    // once a chunk; bytes on disk that were read
    LogInput::Patience patience;                       // for pipes
    // The same bytes once the pipeline has had them, by log as it numbers them; and where a file of
    // that log begins, or which of its lines is the first to come. May be empty.
    std::function<void(std::size_t log, std::span<const char> bytes)> bytes;
    std::function<void(std::size_t log, const std::string& file, const FilePlace& from)> file;
  };

  LogMerge(Pipeline& pipeline, Catalog catalog, const Zone& zone, Watch watch);
  ~LogMerge();
  // False: go_on said no, and the rest was not read.
  bool run();
  // Was any line of any log an entry of Exim's? To be asked after run().
  [[nodiscard]] bool any_entry() const { return any_entry_; }

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
  std::uint64_t taken_ = 0;  // of files that are finished
};

}  // namespace agent
