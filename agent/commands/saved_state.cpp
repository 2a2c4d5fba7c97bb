#include "agent/commands/saved_state.h"

#include <sys/stat.h>

#include "actions/posix_files.h"
#include "agent/follow/log_file.h"

namespace agent {
namespace {

constexpr std::size_t kMaxState = std::size_t{1} << 30;

}  // namespace

SavedState load_saved_state(const std::string& directory) {
  SavedState saved;
  actions::PosixFiles files;
  for (const char* name : {"/checkpoint", "/checkpoint.previous"}) {
    const auto path = directory + name;
    const auto content = files.read(path, kMaxState);
    if (!content) {
      if (content.error().code == actions::Errc::not_found) continue;
      saved.closed = content.error();
      return saved;
    }
    auto decoded = decode_checkpoint(content.value().bytes);
    if (decoded) {
      saved.state = std::move(decoded).value();
      saved.written = content.value().stamp.modified_ns / 1'000'000'000;
      return saved;
    }
    saved.faults.push_back(path + ": " + decoded.error());
  }
  saved.faults.push_back(directory + ": no checkpoint; has the service ever run?");
  return saved;
}

LogProgress progress_of(const std::string& pattern, const Checkpoint* state, const Zone& zone,
                        Instant now) {
  LogProgress found;
  found.path = expand_log_name(pattern, zone, now);
  struct stat info{};
  found.exists = ::stat(found.path.c_str(), &info) == 0;
  if (found.exists) {
    found.size = static_cast<std::uint64_t>(info.st_size);
    found.written = info.st_mtim.tv_sec;
  }
  found.lag = found.size;
  if (state == nullptr) return found;
  for (const auto& position : state->positions) {
    if (position.path != pattern || position.finished || position.file.inode == 0) continue;
    const bool same = found.exists && position.file.inode == info.st_ino &&
                      position.file.device == info.st_dev && position.reader.offset <= found.size;
    if (!same && found.known) continue;
    found.known = found.known || same;
    if (same) found.lag = found.size - position.reader.offset;
    found.offset = position.reader.offset;
    found.lines = position.reader.line;
    if (position.newest_stamp) found.read_to = *position.newest_stamp;
  }
  return found;
}

}  // namespace agent
