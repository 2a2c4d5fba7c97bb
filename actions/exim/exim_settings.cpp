#include "actions/exim/exim_settings.h"

#include <sys/statvfs.h>

#include <algorithm>
#include <cerrno>

#include "actions/files.h"
#include "actions/program.h"

namespace actions {
namespace {

Result<std::string> ask(const std::string& exim, const std::vector<std::string>& words,
                        const ProgramOptions& options = {}) {
  std::vector<std::string> argv{exim, "-bP"};
  argv.insert(argv.end(), words.begin(), words.end());
  const auto ended = run_program(argv, "", options);
  if (!ended) return ended.error();
  if (ended->exit_status != 0) {
    const auto said = cleaned(ended->errors.empty() ? ended->output : ended->errors);
    return Error{said.find("ermission denied") != std::string::npos ? Errc::denied : Errc::refused,
                 0, exim + " -bP: " + said};
  }
  return ended->output;
}

}  // namespace

EximSettings parse_settings(std::string_view text) {
  EximSettings settings;
  while (!text.empty()) {
    const auto line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    const auto equals = line.find(" =");
    if (line.empty() || line.find_first_of(" <") < equals) continue;
    if (equals == std::string_view::npos) {
      const bool no = line.starts_with("no_");
      settings.emplace(line.substr(no ? 3 : 0), no ? "false" : "true");
      continue;
    }
    auto value = line.substr(equals + 2);
    if (value.starts_with(' ')) value.remove_prefix(1);
    settings.emplace(line.substr(0, equals), value);
  }
  return settings;
}

std::string value_of(const EximSettings& settings, const std::string& name) {
  const auto found = settings.find(name);
  return found == settings.end() ? std::string() : found->second;
}

Result<std::string> exim_setting(const std::string& exim, const std::string& name,
                                 const std::stop_token& stop) {
  ProgramOptions options;
  options.stop = stop;
  const auto text = ask(exim, {name}, options);
  if (!text) return text.error();
  const auto settings = parse_settings(text.value());
  const auto found = settings.find(name);
  if (found == settings.end())
    return Error{Errc::malformed, 0, exim + " -bP " + name + ": " + cleaned(text.value())};
  return found->second;
}

Result<std::string> exim_answer(const std::string& exim, const std::string& question) {
  auto text = ask(exim, {question});
  if (!text) return text.error();
  while (text.value().ends_with('\n')) text.value().pop_back();
  return std::move(text.value());
}

Result<std::string> exim_macro(const std::string& exim, const std::string& name) {
  const auto text = ask(exim, {"macro", name});
  if (!text) return text.error();
  const auto line = std::string_view(text.value()).substr(0, text.value().find('\n'));
  if (!line.starts_with(name + "="))
    return Error{Errc::malformed, 0, exim + " -bP macro " + name + ": " + cleaned(line)};
  return std::string(line.substr(name.size() + 1));
}

Result<EximSettings> exim_settings(const std::string& exim, std::chrono::milliseconds deadline) {
  ProgramOptions options;
  options.deadline = deadline;
  const auto text = ask(exim, {}, options);
  if (!text) return text.error();
  return parse_settings(text.value());
}

Result<std::uint64_t> free_space(const std::string& directory) {
  struct statvfs found{};
  if (::statvfs(directory.c_str(), &found) != 0)
    return system_error("free space of " + directory, errno);
  return static_cast<std::uint64_t>(found.f_bavail) * found.f_frsize / 1024;
}

}  // namespace actions
