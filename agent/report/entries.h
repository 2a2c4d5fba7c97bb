// A reader of the log entries that belong to a message ("=>", "**", "Completed", ...), beside the
// pipeline that reads the same bytes. For figures and evidence only: these entries charge nobody.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "parsers/fields/lines.h"
#include "parsers/fields/prefix.h"

namespace agent {

struct Entry {
  parsers::Prefix prefix;
  std::string_view line;  // without its LF
  const std::string& file;
  std::uint64_t number = 0;  // of the line, from 1
  std::uint64_t offset = 0;
};

class EntryReader {
 public:
  using OnEntry = std::function<void(const Entry& entry)>;

  explicit EntryReader(parsers::CivilSeconds not_after) : not_after_(not_after) {}
  // `offset` and `line`: the bytes and whole lines at its beginning that are not fed.
  void start_file(std::string file, std::uint64_t offset = 0, std::uint64_t line = 0);
  void feed(std::span<const char> bytes, const OnEntry& on_entry);

 private:
  void on_block(std::string_view block, const OnEntry& on_entry);

  parsers::CivilSeconds not_after_;
  parsers::WholeLines lines_;
  parsers::StampMemory stamps_;
  std::string file_;
  std::uint64_t number_ = 0, offset_ = 0;
};

}  // namespace agent
