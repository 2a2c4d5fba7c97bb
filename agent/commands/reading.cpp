#include "agent/commands/reading.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <optional>

#include "agent/log_input.h"
#include "agent/printable.h"
#include "parsers/prefix.h"
#include "parsers/syslog.h"

namespace agent {
namespace {

struct Source {
  std::string path;
  std::unique_ptr<LogInput> input;
  std::vector<char> head;  // what was read to find the first stamp
  std::optional<parsers::CivilSeconds> first;
};

std::optional<parsers::CivilSeconds> first_stamp(std::string_view head,
                                                 parsers::CivilSeconds not_after) {
  while (!head.empty()) {
    const auto line = head.substr(0, head.find('\n'));
    if (const auto prefix = parsers::parse_prefix(line)) return prefix->stamp.civil;
    if (const auto syslog = parsers::parse_syslog(line, not_after)) return syslog->stamp.civil;
    head.remove_prefix(std::min(head.size(), line.size() + 1));
  }
  return std::nullopt;
}

Exit complain(const actions::Error& error) {
  fmt::print(stderr, "exiwarden: {}\n", printable(error.what));
  switch (error.code) {
    case actions::Errc::not_found:
    case actions::Errc::denied:
      return kNoInput;
    case actions::Errc::malformed:
      return kBadData;
    default:
      return kIoError;
  }
}

}  // namespace

Exit read_logs(const std::vector<std::string>& paths, const Config& config, PipelineOptions options,
               const std::function<void(Pipeline&)>& prepare) {
  if (paths.empty()) {
    fmt::print(stderr, "exiwarden: no LOG given; \"-\" is standard input\n");
    return kUsage;
  }
  Exit exit = kDone;
  std::vector<Source> sources;
  std::int64_t newest_file = 0;
  for (const auto& path : paths) {
    auto input = LogInput::open(path);
    if (!input) {
      exit = complain(input.error());
      continue;
    }
    newest_file = std::max(newest_file, input.value()->written());
    sources.push_back({path, std::move(input.value()), {}, std::nullopt});
  }
  // A wall clock may be ahead of UTC by up to 14 hours; a day of grace is in the parser.
  options.not_after = newest_file;
  if (sources.size() > 1) {
    for (auto& source : sources) {
      const auto chunk = source.input->read();
      if (!chunk) {
        exit = complain(chunk.error());
        continue;
      }
      source.head.assign(chunk.value().begin(), chunk.value().end());
      source.first = first_stamp({source.head.data(), source.head.size()}, newest_file);
    }
    std::stable_sort(sources.begin(), sources.end(), [](const Source& a, const Source& b) {
      return a.first.value_or(0) < b.first.value_or(0);
    });
  }

  Pipeline pipeline(config, std::move(options));
  prepare(pipeline);
  const auto log = pipeline.add_log("");
  for (auto& source : sources) {
    pipeline.start_file(log, source.path);
    pipeline.feed(log, source.head);
    for (;;) {
      const auto chunk = source.input->read();
      if (!chunk) {
        exit = complain(chunk.error());
        break;
      }
      if (chunk.value().empty()) break;
      pipeline.feed(log, chunk.value());
    }
    source.input.reset();
    // A finished file's last line may lack its LF; nothing more will come.
    if (pipeline.reader(log).pending() > 0) pipeline.feed(log, std::string_view("\n"));
  }
  return exit;
}

}  // namespace agent
