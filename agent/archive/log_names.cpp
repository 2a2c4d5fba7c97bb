#include "agent/archive/log_names.h"

#include <fmt/format.h>
#include <glob.h>
#include <sys/stat.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <optional>
#include <set>
#include <string_view>
#include <system_error>
#include <utility>

#include "agent/config/nearest_file.h"
#include "agent/config/spelling.h"

namespace agent {
namespace {

bool exists(const std::string& path) {
  struct stat info{};
  return ::stat(path.c_str(), &info) == 0;
}

bool is_host_label(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '.' || c == '-' || c == '_';
  });
}

// "rejectlog", "exim_paniclog.1", "reject.log-20261123.gz"
bool is_other_log(const std::string& path) {
  std::string name = std::filesystem::path(path).filename().string();
  for (const std::string_view prefix : {"exim_", "exim-"}) {
    if (name.starts_with(prefix)) name.erase(0, prefix.size());
  }
  return name.starts_with("rejectlog") || name.starts_with("paniclog") ||
         name.starts_with("reject.log") || name.starts_with("panic.log");
}

// `hint`: what may be meant.
actions::Error nothing(const std::string& shown, int error, const std::string& hint = "") {
  const auto code = error == EACCES ? actions::Errc::denied : actions::Errc::not_found;
  return {code, error, fmt::format("{}: {}{}", shown, std::strerror(error), did_you_mean(hint))};
}

class Naming {
 public:
  void take(const std::string& argument) {
    std::string host;
    std::string path = argument;
    const auto colon = argument.find(':');
    if (argument != "-" && !exists(argument) && colon != std::string::npos &&
        is_host_label(std::string_view(argument).substr(0, colon))) {
      host = argument.substr(0, colon);
      path = argument.substr(colon + 1);
    }
    if (path == "-" || exists(path)) {
      take_path(host, path);
    } else if (path.find_first_of("*?[") != std::string::npos) {
      take_glob(host, path);
    } else {
      const int why = errno == 0 ? ENOENT : errno;
      const auto near = why == ENOENT ? nearest_file(path) : "";
      named_.errors.push_back(nothing(argument, why, near.empty() ? "" : shown(host, near)));
    }
  }

  NamedLogs finish() {
    auto& logs = named_.logs;
    const auto other = std::stable_partition(
        logs.begin(), logs.end(), [](const LogName& log) { return !is_other_log(log.path); });
    if (other == logs.begin()) return std::move(named_);
    for (auto log = other; log != logs.end(); ++log) {
      named_.notes.push_back(log->shown + ": left out, not a main log");
    }
    logs.erase(other, logs.end());
    return std::move(named_);
  }

 private:
  void take_path(const std::string& host, const std::string& path) {
    std::error_code error;
    if (path == "-" || !std::filesystem::is_directory(path, error)) return add(host, path);
    std::vector<std::string> found;
    std::filesystem::directory_iterator entries(path, error);
    if (error) {
      named_.errors.push_back(nothing(shown(host, path), error.value()));
      return;
    }
    for (const auto& entry : entries) {
      std::error_code ignored;
      if (!entry.is_directory(ignored)) found.push_back(entry.path().string());
    }
    if (found.empty()) named_.notes.push_back(shown(host, path) + ": no file in it");
    std::sort(found.begin(), found.end());
    for (const auto& file : found) add(host, file);
  }

  void take_glob(const std::string& host, const std::string& pattern) {
    glob_t found{};
    const int result = ::glob(pattern.c_str(), GLOB_ERR, nullptr, &found);
    for (std::size_t i = 0; result == 0 && i < found.gl_pathc; ++i) {
      take_path(host, found.gl_pathv[i]);
    }
    ::globfree(&found);
    if (result != 0) named_.errors.push_back(nothing(shown(host, pattern), ENOENT));
  }

  void add(const std::string& host, const std::string& path) {
    std::error_code error;
    const auto canonical = path == "-" ? path : std::filesystem::canonical(path, error).string();
    if (!taken_.insert(error ? path : canonical).second) {
      named_.notes.push_back(shown(host, path) + ": given twice, read once");
      return;
    }
    named_.logs.push_back({host, path, shown(host, path)});
  }

  static std::string shown(const std::string& host, const std::string& path) {
    return host.empty() ? path : host + ":" + path;
  }

  NamedLogs named_;
  std::set<std::string> taken_;
};

}  // namespace

NamedLogs name_logs(std::span<const std::string> arguments) {
  // The order of the arguments must not matter; which name of one file is shown does.
  std::vector<std::string> sorted(arguments.begin(), arguments.end());
  std::sort(sorted.begin(), sorted.end());
  Naming naming;
  for (const auto& argument : sorted) {
    errno = 0;
    naming.take(argument);
  }
  return naming.finish();
}

}  // namespace agent
