#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "actions/as_user.h"
#include "actions/lists/blocklist.h"
#include "actions/posix_files.h"
#include "agent/check/checks.h"
#include "agent/config/reason_file.h"
#include "agent/follow/follower.h"
#include "agent/values/printable.h"
#include "parsers/fields/prefix.h"
#include "parsers/fields/sure_entry.h"
#include "parsers/fields/syslog.h"

namespace agent {
namespace {

using actions::Deed;
using actions::try_as;

constexpr std::int64_t kClockSlack = 300;  // seconds between a stamp and the writing of its line

// The last whole line of a file's last 64 KiB.
std::string last_line(const std::string& path) {
  auto log = LogFile::open(path);
  if (!log) return {};
  const auto size = log.value().size();
  std::string tail(std::min<std::uint64_t>(size, 65536), '\0');
  const auto got = log.value().read_at(size - tail.size(), tail);
  tail.resize(got ? got.value() : 0);
  const auto end = tail.rfind('\n');
  if (end == std::string::npos) return {};
  const auto begin = end == 0 ? std::string::npos : tail.rfind('\n', end - 1);
  return tail.substr(begin == std::string::npos ? 0 : begin + 1,
                     end - (begin == std::string::npos ? 0 : begin + 1));
}

// Is any line of the file surely an entry of Exim's? nullopt: none of its first kMaxSearched bytes.
std::optional<bool> has_entry(const std::string& path, parsers::CivilSeconds not_after) {
  constexpr std::uint64_t kMaxSearched = std::uint64_t{256} << 20;
  auto log = LogFile::open(path);
  if (!log) return std::nullopt;
  std::string block(std::size_t{1} << 20, '\0');
  std::uint64_t at = 0;
  while (at < kMaxSearched) {
    const auto got = log.value().read_at(at, block);
    if (!got) return std::nullopt;
    auto text = std::string_view(block).substr(0, got.value());
    const auto whole = text.rfind('\n') + 1;  // npos + 1 == 0
    if (text.empty()) return false;
    text = whole > 0 ? text.substr(0, whole) : text;
    at += text.size();
    while (!text.empty()) {
      const auto line = text.substr(0, text.find('\n'));
      const auto prefix = parsers::parse_prefix(line);
      if (prefix ? parsers::is_surely_exim(*prefix)
                 : parsers::parse_syslog(line, not_after).has_value()) {
        return true;
      }
      text.remove_prefix(std::min(text.size(), line.size() + 1));
    }
  }
  return std::nullopt;
}

void check_stamp(const CheckContext& context, const std::string& path, Findings& findings) {
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0) return;
  const auto line = last_line(path);
  if (line.empty()) return findings.good("log", path + ": can be read; nothing in it yet");
  const auto prefix = parsers::parse_prefix(line);
  const auto not_after = context.now.time_since_epoch().count() + 86400;
  // Continuation lines have no stamp; syslog has another form.
  if (!prefix && parsers::parse_syslog(line, not_after))
    return findings.good("log", path + ": can be read; syslog's form");
  // A site's own lines may be all that there is of late, or at all.
  const bool sure =
      prefix && (parsers::is_surely_exim(*prefix) || !context.config.patterns.empty());
  if (!sure && has_entry(path, not_after) == false) {
    return findings.bad("log", path + ": not one line of it is an entry of Exim's",
                        "is it Exim's main log? log.paths names the logs to read");
  }
  if (!prefix) {
    return findings.doubtful("log", path + ": the newest line has no Exim timestamp",
                             "is it Exim's main log? log.paths names the logs to read");
  }
  const auto stamp = StampClock(context.zone).resolve(prefix->stamp).time_since_epoch().count();
  const auto written = std::int64_t{info.st_mtim.tv_sec};
  if (std::abs(stamp - written) > kClockSlack) {
    return findings.doubtful(
        "log",
        fmt::format("{}: the newest timestamp is {}, but the log was written at {}", path,
                    context.zone.short_text(Instant(std::chrono::seconds(stamp))),
                    context.zone.short_text(Instant(std::chrono::seconds(written)))),
        "if Exim's timezone is not this machine's, set log.timezone; a copied log is fine");
  }
  findings.good("log", path + ": can be read; its timestamps agree with the clock");
}

void check_log(const CheckContext& context, const std::string& pattern, Findings& findings) {
  const auto path = expand_log_name(pattern, context.zone, context.now);
  const auto directory = std::filesystem::path(path).parent_path().string();
  const auto who = context.service_name;
  if (const auto listed = try_as(context.service, Deed::list, directory); !listed) {
    return findings.bad("log", fmt::format("as {}: {}", who, listed.error().what),
                        "let it into the log's directory: on Debian, put it into group adm");
  }
  const auto read = try_as(context.service, Deed::read, path);
  if (!read && read.error().code == actions::Errc::not_found) {
    return findings.doubtful("log", path + ": no such file yet",
                             "Exim makes it with its next entry; else see exim -bP log_file_path");
  }
  if (!read) {
    return findings.bad("log", fmt::format("as {}: {}", who, read.error().what),
                        "let it read the log: on Debian, put it into group adm");
  }
  check_stamp(context, path, findings);
}

// The nearest directory that exists: what is below it will be made.
std::string existing(std::string path) {
  struct stat info{};
  while (path.size() > 1 && ::stat(path.c_str(), &info) != 0)
    path = std::filesystem::path(path).parent_path().string();
  return path;
}

void check_place(const CheckContext& context, const char* about, const std::string& directory,
                 const std::string& advice, Findings& findings) {
  const auto there = existing(directory);
  const auto written = try_as(context.service, Deed::make_in, there);
  if (!written && context.unit && context.unit->takes_over(there)) {
    findings.good(about, fmt::format("{}: systemd gives it to {} when the service starts",
                                     directory, context.service_name));
  } else if (!written) {
    findings.bad(about, fmt::format("as {}: {}", context.service_name, written.error().what),
                 advice);
  } else if (there != directory) {
    findings.good(about, directory + ": will be made");
  } else {
    findings.good(about, directory + ": can be written");
  }
}

void check_list_content(const std::string& path, Findings& findings) {
  actions::PosixFiles files;
  const auto content = files.read(path, std::size_t{64} << 20);
  if (!content) return;
  const std::string_view bytes = content.value().bytes;
  const auto entries = actions::read_list(bytes);
  std::size_t ipv6 = 0;
  for (const auto& entry : entries) {
    // "2001:db8::2" without quotes is the key "2001".
    if (bytes[entry.begin] != '"' && entry.data.find(':') != std::string::npos &&
        entry.key.find_first_not_of("0123456789abcdefABCDEF") == std::string::npos &&
        entry.data.find(' ') == std::string::npos)
      ++ipv6;
  }
  if (bytes.find('\0') != std::string_view::npos)
    findings.bad("list", path + ": a NUL byte hides a line from Exim", "edit the list");
  if (ipv6 > 0)
    findings.bad("list",
                 fmt::format("{}: keys cut at a colon, as IPv6 addresses without quotes are: {}",
                             path, ipv6),
                 "put such keys in double quotes");
  if (!bytes.empty() && bytes.back() != '\n')
    findings.doubtful("list", path + ": no newline at its end",
                      "the next line that a script appends would spoil the last key");
  findings.good("list", fmt::format("{}: {} blocked", path, entries.size()));
}

void check_list(const CheckContext& context, const std::string& path, Findings& findings) {
  const auto directory = std::filesystem::path(path).parent_path().string();
  check_place(context, "list", directory,
              "the list's directory must be the service's: new files are made in it", findings);
  struct stat info{};
  if (::stat(directory.c_str(), &info) != 0) info.st_mode = 0;
  if ((info.st_mode & S_IWOTH) != 0)
    findings.bad("list", directory + ": everybody can write into it, and free themselves",
                 "chmod o-w " + directory);
  else if ((info.st_mode & S_IROTH) != 0)
    findings.good("list", directory + ": everybody on this machine can see who is blocked");
  const auto lock = directory + "/" + actions::kLockName;
  if (::lstat(lock.c_str(), &info) == 0 && (info.st_mode & (S_IRWXG | S_IRWXO)) != 0)
    findings.bad("list", lock + ": others can open it, and so hold up removals from the lists",
                 "chmod 600 " + lock);
  if (context.exim) {
    if (const auto readable = actions::readable_by(*context.exim, path); !readable) {
      return findings.bad("list", readable.error().what,
                          "Exim defers all mail that it looks up there: fix it at once");
    }
  }
  if (::lstat(path.c_str(), &info) != 0) {
    return findings.good("list", path + ": nobody blocked (file not created yet)");
  }
  if ((info.st_mode & S_IWOTH) != 0)
    findings.bad("list", path + ": everybody can write it, and free themselves",
                 "chmod o-w " + path);
  if (context.exim) {
    if (const auto read = try_as(context.exim, Deed::read, path); !read) {
      return findings.bad("list",
                          fmt::format("as {}: {}", context.config.exim.user, read.error().what),
                          "Exim defers all mail that it looks up there: fix it at once");
    }
  }
  const bool given = context.unit && context.unit->takes_over(path);
  if (const auto written = try_as(context.service, Deed::append, path); !written && !given) {
    findings.bad("list", fmt::format("as {}: {}", context.service_name, written.error().what),
                 "the service must be able to append: chown it to its user");
  }
  check_list_content(path, findings);
}

}  // namespace

void check_reasons(const CheckContext& context, Findings& findings) {
  actions::PosixFiles files;
  const auto in_force = reasons_in_force(context.config, files);
  const auto& path = context.config.reasons.file;
  if (!in_force)
    return findings.bad("reasons", in_force.error(),
                        "fix or remove it: the service does not start with it");
  const auto& [catalog, from_file, ignored] = in_force.value();
  if (ignored) {
    findings.doubtful("reasons", path + ": changed, but its date is not newer: it is not used",
                      "raise the date in it");
  }
  if (!from_file) return;  // those built in are tested
  const auto faults = faults_of(catalog);
  for (const auto& fault : faults)
    findings.bad("reasons", fmt::format("{}: {}", path, fault), "fix the pattern or its samples");
  if (faults.empty())
    findings.good("reasons", fmt::format("{}: {} patterns of {} replace the built-in ones", path,
                                         catalog.patterns.size(), catalog.date));
}

void check_logs(const CheckContext& context, Findings& findings) {
  for (const auto& path : context.config.log.paths) check_log(context, path, findings);
}

void check_state(const CheckContext& context, Findings& findings) {
  const auto& state = context.config.state;
  check_place(context, "state", state.directory, "state.directory must be the service's", findings);
  if (!state.metrics.empty()) {
    check_place(context, "state", std::filesystem::path(state.metrics).parent_path().string(),
                "the directory of state.metrics must be writable to the service", findings);
  }
}

void check_lists(const CheckContext& context, Findings& findings) {
  if (!context.exim) {
    findings.doubtful(
        "list", fmt::format("exim.user: this machine has no user \"{}\"", context.config.exim.user),
        "set exim.user to the user Exim runs as; until then all can read the lists");
  }
  std::vector<std::string> seen;
  for (const auto& rule : context.config.rules) {
    if (rule.mode == RuleMode::trial) {
      findings.good("list", "rule " + printable(rule.name) + " is on trial: it blocks nobody");
      continue;
    }
    if (std::find(seen.begin(), seen.end(), rule.list) != seen.end()) continue;
    seen.push_back(rule.list);
    check_list(context, rule.list, findings);
  }
}

}  // namespace agent
