#include "actions/exim/exim_queue.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <memory>
#include <optional>

#include "actions/exim/exim_settings.h"
#include "actions/exim/spool_header.h"
#include "actions/fd.h"
#include "actions/program.h"

namespace actions {
namespace {

constexpr std::chrono::milliseconds kDeadline{120'000};
constexpr std::size_t kIdsAtOnce = 200;

// The ones whose values others choose come last, so that nothing in them is taken for a field.
constexpr const char* kVariables =
    "deliver_freeze,manually_thawed,received_time,message_size,sender_host_address,"
    "sender_host_authenticated,originator_login,authenticated_id";

// " name='value'" up to the next quote; the last one up to the end of the line.
bool take(std::string_view& rest, std::string_view name, bool last, std::string& value) {
  const auto head = " " + std::string(name) + "='";
  if (!rest.starts_with(head)) return false;
  rest.remove_prefix(head.size());
  const auto end = last ? rest.rfind('\'') : rest.find('\'');
  if (end == std::string_view::npos) return false;
  value = rest.substr(0, end);
  rest.remove_prefix(end + 1);
  return true;
}

template <class Number>
bool take_number(std::string_view& rest, std::string_view name, Number& value) {
  std::string text;
  if (!take(rest, name, false, text)) return false;
  return text.empty() ||
         std::from_chars(text.data(), text.data() + text.size(), value).ec == std::errc();
}

// So much at most is read of a header file, and of so many messages.
constexpr std::size_t kMaxHeader = std::size_t{16} << 20;
constexpr std::size_t kMaxMessages = 1'000'000;

struct CloseDirectory {
  void operator()(DIR* directory) const { ::closedir(directory); }
};
using Directory = std::unique_ptr<DIR, CloseDirectory>;

Directory open_directory(const std::string& path) {
  return Directory(::opendir(path.c_str()));
}

// Reads a whole file into `text`, which is reused. Returns false if it is gone, cannot be read or
// is no file; errno says which.
bool read_file(int directory, const char* name, std::string& text) {
  const Fd file(::openat(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  struct stat info{};
  if (!file || ::fstat(file.get(), &info) != 0) return false;
  errno = EINVAL;
  if (!S_ISREG(info.st_mode) || static_cast<std::size_t>(info.st_size) > kMaxHeader) return false;
  text.resize(static_cast<std::size_t>(info.st_size));
  std::size_t have = 0;
  while (have < text.size()) {
    const auto got = ::read(file.get(), text.data() + have, text.size() - have);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    have += static_cast<std::size_t>(got);
  }
  return true;
}

// The messages of one directory of the spool. Returns false if any of them is not understood.
bool read_messages(DIR* directory, const std::stop_token& stop,
                   std::vector<QueuedMessage>& messages) {
  std::string text;
  const int at = ::dirfd(directory);
  while (const auto* entry = ::readdir(directory)) {
    const std::string_view name = entry->d_name;
    if (!name.ends_with("-H")) continue;
    const auto id = name.substr(0, name.size() - 2);
    if (!is_message_id(id)) continue;
    if (stop.stop_requested() || messages.size() == kMaxMessages) return false;
    if (!read_file(at, entry->d_name, text)) {
      if (errno == ENOENT) continue;  // delivered meanwhile
      return false;
    }
    QueuedMessage message;
    if (!parse_spool_header(text, id, message)) return false;
    // The body's file begins with a line that says its name.
    const auto body = message.id + "-D";
    struct stat info{};
    const auto start = static_cast<std::int64_t>(body.size() + 1);
    const bool there =
        ::fstatat(at, body.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0 && info.st_size >= start;
    message.size = there ? message.size + static_cast<std::uint64_t>(info.st_size - start) + 1 : 0;
    messages.push_back(std::move(message));
  }
  return true;
}

// The queue as its files say. nullopt if they can't be read, or any of them is not understood.
std::optional<std::vector<QueuedMessage>> read_spool(const std::string& input,
                                                     const std::stop_token& stop) {
  std::vector<QueuedMessage> messages;
  const auto top = open_directory(input);
  if (!top || !read_messages(top.get(), stop, messages)) return std::nullopt;
  // With split_spool_directory: the parts have names of one letter or digit.
  for (const char part :
       std::string_view("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")) {
    const auto directory = open_directory(input + "/" + part);
    if (!directory && errno == ENOENT) continue;
    if (!directory || !read_messages(directory.get(), stop, messages)) return std::nullopt;
  }
  return messages;
}

}  // namespace

bool parse_queued_message(std::string_view line, QueuedMessage& message) {
  const auto id = line.substr(0, line.find(' '));
  if (!is_message_id(id)) return false;
  message.id = id;
  auto rest = line.substr(id.size());
  std::string frozen, thawed;
  if (!take(rest, "deliver_freeze", false, frozen) || !take(rest, "manually_thawed", false, thawed))
    return false;
  message.frozen = !frozen.empty() && frozen != "0";
  message.thawed_by_hand = !thawed.empty() && thawed != "0";
  return take_number(rest, "received_time", message.received) &&
         take_number(rest, "message_size", message.size) &&
         take(rest, "sender_host_address", false, message.host) &&
         take(rest, "sender_host_authenticated", false, message.authenticator) &&
         take(rest, "originator_login", false, message.login) &&
         take(rest, "authenticated_id", true, message.user) && rest.empty();
}

EximQueue::EximQueue(std::string exim) : exim_(std::move(exim)) {
  const auto beside = std::filesystem::path(exim_).parent_path() / "exipick";
  exipick_ = ::access(beside.c_str(), X_OK) == 0 ? beside.string() : "/usr/sbin/exipick";
}

Result<std::vector<QueuedMessage>> EximQueue::messages(const std::stop_token& stop) const {
  const auto spool = exim_setting(exim_, "spool_directory", stop);
  if (!spool) return spool.error();
  // exipick reads the same files, and takes ten times as long; what is not understood here is left
  // to it, for it comes with this Exim.
  if (auto messages = read_spool(spool.value() + "/input", stop)) return std::move(*messages);
  ProgramOptions options;
  options.deadline = kDeadline;
  options.stop = stop;
  const auto ended = run_program({exipick_, "--spool", spool.value(), "--unsorted", "-i",
                                  std::string("--show-vars=") + kVariables},
                                 "", options);
  if (!ended) return ended.error();
  if (ended->exit_status != 0) {
    const bool denied = ended->errors.find("Permission denied") != std::string::npos;
    return Error{denied ? Errc::denied : Errc::refused, 0,
                 exipick_ + ": " + cleaned(ended->errors)};
  }
  std::vector<QueuedMessage> messages;
  std::string_view rest = ended->output;
  while (!rest.empty()) {
    const auto line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    QueuedMessage message;
    if (parse_queued_message(line, message)) messages.push_back(std::move(message));
  }
  return messages;
}

Result<std::uint64_t> EximQueue::size() const {
  ProgramOptions options;
  options.deadline = std::chrono::seconds(2);
  const auto ended = run_program({exim_, "-bpc"}, "", options);
  if (!ended) return ended.error();
  std::uint64_t count = 0;
  const auto& text = ended->output;
  if (ended->exit_status != 0 ||
      std::from_chars(text.data(), text.data() + text.size(), count).ec != std::errc())
    return Error{Errc::refused, 0, exim_ + " -bpc: " + cleaned(ended->errors)};
  return count;
}

Result<std::string> EximQueue::text(Text text, const std::string& id) const {
  if (!is_message_id(id)) return Error{Errc::malformed, 0, "no id of a message"};
  const char* option = text == Text::envelope ? "-Mvh" : "-Mvc";
  ProgramOptions options;
  options.limit = kLongestText + 1;
  auto ended = run_program({exim_, option, id}, "", options);
  if (!ended) return ended.error();
  if (ended->exit_status != 0) {
    const auto said = cleaned(ended->errors.empty() ? ended->output : ended->errors);
    const bool denied = said.find("ermission denied") != std::string::npos;
    return Error{denied ? Errc::denied : Errc::refused, 0, exim_ + " " + option + ": " + said};
  }
  if (ended->output.size() > kLongestText)
    return Error{Errc::refused, 0, "longer than " + std::to_string(kLongestText >> 20) + " MiB"};
  return std::move(ended->output);
}

Result<Done> EximQueue::order(Order order, const std::vector<std::string>& ids,
                              const std::stop_token& stop) const {
  const char* option = order == Order::freeze ? "-Mf" : order == Order::thaw ? "-Mt" : "-Mrm";
  ProgramOptions options;
  options.deadline = kDeadline;
  options.stop = stop;
  for (std::size_t done = 0; done < ids.size();) {
    std::vector<std::string> argv{exim_, option};
    for (; done < ids.size() && argv.size() < kIdsAtOnce + 2; ++done) argv.push_back(ids[done]);
    const auto ended = run_program(argv, "", options);
    if (!ended) return ended.error();
    if (ended->errors.find("permission denied") != std::string::npos)
      return Error{Errc::denied, 0, exim_ + " " + option + ": " + cleaned(ended->errors)};
    if (ended->exit_status > 1)
      return Error{Errc::refused, 0,
                   exim_ + " " + option + ": exit status " + std::to_string(ended->exit_status) +
                       ": " + cleaned(ended->errors)};
  }
  return Done{};
}

}  // namespace actions
