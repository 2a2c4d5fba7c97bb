// NewDirectory: a directory that was not there before, for its maker's eyes only, and new files in
// it. Nothing that lies there already is followed or overwritten.
#pragma once

#include <string>
#include <string_view>

#include "actions/fd.h"
#include "actions/result.h"

namespace actions {

class NewDirectory {
 public:
  // Makes `path` with mode 0700; an error if anything has that name, or its parent is not there.
  static Result<NewDirectory> make(const std::string& path);
  // Writes a file of mode 0600. `name`: one component; an error if there is such a file. What could
  // not be written whole is taken back.
  Result<Done> write(const std::string& name, std::string_view bytes);

 private:
  NewDirectory(std::string path, Fd fd) : path_(std::move(path)), fd_(std::move(fd)) {}
  std::string path_;
  Fd fd_;
};

}  // namespace actions
