#include "agent/report/entries.h"

#include <utility>

#include "parsers/fields/syslog.h"

namespace agent {

void EntryReader::start_file(std::string file, std::uint64_t offset, std::uint64_t line) {
  lines_.restart();
  file_ = std::move(file);
  number_ = line;
  offset_ = offset;
}

void EntryReader::feed(std::span<const char> bytes, const OnEntry& on_entry) {
  lines_.feed(
      bytes, [&](std::string_view block) { on_block(block, on_entry); },
      [&](std::uint64_t length) {
        ++number_;
        offset_ += length;
      });
}

void EntryReader::on_block(std::string_view block, const OnEntry& on_entry) {
  while (!block.empty()) {
    const auto line = block.substr(0, block.find('\n'));
    auto prefix = parsers::parse_prefix(line, stamps_);
    if (!prefix) {
      if (const auto syslog = parsers::parse_syslog(line, not_after_)) {
        prefix = parsers::parse_syslog_message(syslog->stamp, syslog->message);
      }
    }
    ++number_;
    if (prefix && !prefix->message_id.empty()) {
      on_entry({*prefix, line, file_, number_, offset_});
    }
    offset_ += line.size() + 1;
    block.remove_prefix(line.size() + 1);
  }
}

}  // namespace agent
