// The checkpoint on disk: two generations in the state directory. A damaged file is set aside and
// never fatal.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "actions/files.h"
#include "agent/state/checkpoint.h"

namespace agent {

class CheckpointFile {
 public:
  using Say = std::function<void(const std::string&)>;

  CheckpointFile(actions::Files& files, const std::string& directory)
      : files_(files), path_(directory + "/checkpoint"), previous_(path_ + ".previous") {}

  struct Loaded {
    std::optional<Checkpoint> state;  // nullopt: none is intact; the logs will be read again
    bool damaged = false;             // a damaged one was found
  };
  // The newest generation that is whole. What is none is set aside, and said: under a name of its
  // own with ".damaged" behind it, or ".damaged.2" and so on where something lies in the way.
  Loaded load(const Say& say);
  // What encode_checkpoint() gave. Atomic, and on the disk when it returns; the generation before
  // is kept. A directory in the place of either is an error once: it is set aside for the next try.
  actions::Result<actions::Done> save(std::string_view text);

 private:
  // Returns the new name.
  actions::Result<std::string> set_aside(const std::string& path);
  std::optional<Checkpoint> load_one(const std::string& path, bool& damaged, const Say& say);

  actions::Files& files_;
  std::string path_, previous_;
};

}  // namespace agent
