#include "tests/durability/lab.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include "actions/lists/lsearch.h"
#include "actions/posix_files.h"
#include "agent/config/config_file.h"
#include "agent/config/host_facts.h"
#include "agent/config/table_files.h"
#include "agent/output/decision_text.h"
#include "tests/durability/faults.h"

namespace lab {
namespace {

namespace fs = std::filesystem;

// Beside the calls that are counted: the world outside does not die with the program.
void put(const std::string& path, const std::string& text, bool append) {
  std::ofstream out(path, append ? std::ios::app | std::ios::binary : std::ios::binary);
  out << text << std::flush;
  if (!out) throw std::runtime_error("can't write " + path);
}

std::string stamp_of(std::chrono::sys_seconds time) {
  const std::time_t seconds = time.time_since_epoch().count();
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02}", parts.tm_year + 1900, parts.tm_mon + 1,
                     parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec);
}

}  // namespace

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  if (in) text << in.rdbuf();
  return text.str();
}

std::string scratch() {
  const auto* place =
      fs::is_directory("/dev/shm") && ::access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
  return fmt::format("{}/exiwarden-durability-{}", place, ::getpid());
}

void MailFile::send(const agent::Notice& mail) {
  if (!refusal.empty()) {
    done_.push_back({mail.message_id, refusal});
    return;
  }
  faults::point();
  put(path_, (writes_ == Writes::body ? mail.body : mail.data) + "\n", true);
  faults::point();
  done_.push_back({mail.message_id, ""});
}

Machine::Machine(std::string directory)
    : directory_(std::move(directory)),
      began_(std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now())),
      notifier_(directory_ + "/mails") {
  fs::remove_all(directory_);
  for (const auto* name : {"log", "lists", "state"}) fs::create_directories(path(name));
  config_ = agent::default_config();
  config_.log.paths = {log()};
  config_.log.timezone = "UTC";
  config_.state.directory = path("state");
  config_.exim.user = "root";
  config_.notify.to = {"abuse@example.org"};
  agent::Rule rule;
  rule.name = "users";
  rule.limit = 3;
  rule.list = list();
  config_.rules = {rule};
}

Machine::~Machine() {
  engine_.reset();
  std::error_code ignored;
  fs::remove_all(directory_, ignored);
}

agent::Now Machine::now() const {
  return {began_ + std::chrono::floor<std::chrono::seconds>(time_),
          agent::Engine::Steady(std::chrono::hours(1) + time_)};
}

std::string Machine::stamp(std::chrono::seconds fast) const {
  return stamp_of(now().wall + fast);
}

std::string Machine::line(const std::string& user) {
  return fmt::format(
      "{} H=(h) [192.0.2.1] F=<a@example.com> A=plain:{} rejected RCPT <no{}@example.com>: "
      "Unrouteable address\n",
      stamp(), user, ++lines_);
}

void Machine::write(const std::string& text) {
  append("mainlog", text);
}

void Machine::rejections(const std::string& user, int count) {
  for (int i = 0; i < count; ++i) write(line(user));
}

void Machine::rename(const std::string& from, const std::string& to) const {
  fs::rename(path("log/" + from), path("log/" + to));
}

void Machine::append(const std::string& name, const std::string& text) const {
  put(path("log/" + name), text, true);
  date(path("log/" + name));
}

// The file's times are those of this machine.
void Machine::date(const std::string& file) const {
  const timespec time{now().wall.time_since_epoch().count(), 0};
  const timespec times[2]{time, time};
  ::utimensat(AT_FDCWD, file.c_str(), times, 0);
}

void Machine::copy_and_truncate(const std::string& to) const {
  put(path("log/" + to), read_file(log()), false);
  date(path("log/" + to));
  fs::resize_file(log(), 0);
  date(log());
}

void Machine::remove(const std::string& name) const {
  fs::remove(path("log/" + name));
  date(fs::path(path("log/" + name)).parent_path());
}

void Machine::compress(const std::string& name) const {
  const auto plain = path("log/" + name);
  const auto text = read_file(plain);
  const auto packed = ::gzopen((plain + ".gz").c_str(), "wb1");
  const bool done =
      packed != nullptr && ::gzwrite(packed, text.data(), static_cast<unsigned>(text.size())) ==
                               static_cast<int>(text.size());
  if (packed == nullptr || ::gzclose(packed) != Z_OK || !done)
    throw std::runtime_error("can't pack " + plain);
  // As gzip does: the rotation keeps its times.
  struct stat info{};
  if (::stat(plain.c_str(), &info) != 0) throw std::runtime_error("can't look at " + plain);
  const timespec times[2]{info.st_atim, info.st_mtim};
  ::utimensat(AT_FDCWD, (plain + ".gz").c_str(), times, 0);
  fs::remove(plain);
}

void Machine::edit(const std::string& content, bool in_place) const {
  const auto target = in_place ? list() : list() + ".new";
  put(target, content, false);
  if (!in_place) fs::rename(target, list());
  date(list());
}

void Machine::free_user(const std::string& user) const {
  std::string kept;
  const auto text = list_text();
  std::size_t done = 0;
  for (const auto& entry : actions::read_list(text)) {
    if (!actions::same_key(entry.key, user))
      kept += text.substr(entry.begin, entry.end - entry.begin);
    done = entry.end;
  }
  edit(kept + text.substr(done));
}

std::multiset<std::string> Machine::history() const {
  std::multiset<std::string> entries;
  const auto read = agent::read_history(path("state"), {}, [&](const agent::HistoryEntry& entry) {
    entries.insert(fmt::format("{} {} {}", agent::name_of(entry.event), entry.identity, entry.by));
  });
  if (!read) entries.insert(read.error().what);
  return entries;
}

std::string Machine::list_text() const {
  return read_file(list());
}

agent::PipelineOptions Machine::around() const {
  static const auto made = agent::pipeline_options_for(config_).value();
  auto options = made;
  options.zone = agent::Zone::named(config_.log.timezone).value();
  actions::PosixFiles files;
  options.tables = agent::read_tables(config_, files).value();
  return options;
}

void Machine::start() {
  agent::EngineOptions options;
  options.host = "mx.example.org";
  options.say = [this](const std::string& text) { put(path("said"), text + "\n", true); };
  options.on_decision = [this](const agent::Decision& decision, const agent::Zone& zone) {
    put(path("decided"),
        fmt::format("{} {} {} {}\n", decision.identity, decision.rule, decision.count,
                    zone.text(decision.time)),
        true);
  };
  if (spent) options.clock = [this] { return now().steady + spent(); };
  saver_ = std::make_unique<agent::DirectSaver>(files_, config_.state.directory);
  engine_ = std::make_unique<agent::Engine>(
      config_, around(), agent::LogTrust{},
      agent::EngineParts{files_, inotify, notifier_, *saver_, nullptr,
                         [this](const agent::NotifyConfig&) {
                           return std::make_unique<MailFile>(path("acts"), MailFile::Writes::data);
                         }},
      options);
  engine_->start(now(), agent::CheckpointFile(files_, config_.state.directory).load(options.say));
}

void Machine::stop() {
  engine_->stop(now());
  engine_.reset();
}

void Machine::reload() {
  engine_->reload(config_, around(), agent::LogTrust{}, now());
}

void Machine::turns(int count, std::chrono::milliseconds apart) {
  for (int i = 0; i < count; ++i) {
    time_ += apart;
    if (on_time) on_time();
    while (engine_->turn(now())) {
    }
  }
}

bool Machine::one_turn(std::chrono::milliseconds after) {
  time_ += after;
  return engine_->turn(now());
}

void Machine::settle() {
  using namespace std::chrono_literals;
  turns(6, 100ms);
  turns(4, 1100ms);
}

std::vector<std::string> Machine::listed() const {
  std::vector<std::string> keys;
  for (const auto& entry : actions::read_list(list_text())) keys.push_back(entry.key);
  std::sort(keys.begin(), keys.end());
  return keys;
}

std::map<std::string, int> Machine::told() const {
  std::map<std::string, int> told;
  const std::string opening = "has blocked the user\n\n    ";
  const auto text = read_file(path("mails"));
  for (auto at = text.find(opening); at != std::string::npos; at = text.find(opening, at)) {
    at += opening.size();
    const auto user = text.substr(at, text.find('\n', at) - at);
    const auto between = text.find("between ", at);
    ++told[user + " " + text.substr(between, text.find('\n', between) - between)];
  }
  return told;
}

std::map<std::string, int> Machine::acted() const {
  std::map<std::string, int> acted;
  std::istringstream lines(read_file(path("acts")));
  for (std::string line; std::getline(lines, line);) {
    const auto field = [&](const std::string& name) {
      const auto begin = line.find("\"" + name + "\":\"") + name.size() + 4;
      return line.substr(begin, line.find('"', begin) - begin);
    };
    const auto event = field("event");
    ++acted[event + " " + field("identity") + (event == "blocked" ? " " + field("time") : "")];
  }
  return acted;
}

std::set<std::string> Machine::decided() const {
  std::set<std::string> decided;
  std::istringstream text(read_file(path("decided")));
  for (std::string line; std::getline(text, line);) decided.insert(line);
  return decided;
}

std::vector<std::string> Machine::said() const {
  std::vector<std::string> said;
  std::istringstream text(read_file(path("said")));
  for (std::string line; std::getline(text, line);) said.push_back(line);
  return said;
}

std::string Machine::relative(std::string_view text) const {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    std::tm parts{};
    const auto part = std::string(text.substr(at, 19));
    const bool may_be = part.size() == 19 && part[0] >= '0' && part[0] <= '9';
    const char* end = may_be ? ::strptime(part.c_str(), "%Y-%m-%d", &parts) : nullptr;
    if (end != nullptr && (*end == 'T' || *end == ' ')) end = ::strptime(end + 1, "%T", &parts);
    if (end == nullptr || end != part.c_str() + 19) {
      out.push_back(text[at++]);
      continue;
    }
    out += fmt::format("+{}s", ::timegm(&parts) - began_.time_since_epoch().count());
    at += 19;
  }
  return out;
}

std::string Machine::account() {
  std::string out = relative(list_text());
  for (const auto& decision : decided()) out += "decided " + relative(decision) + "\n";
  const auto& subjects = engine_->pipeline().counting().subjects();
  const auto began = began_.time_since_epoch().count();
  std::map<std::string, const agent::Subject*> sorted;
  for (const auto& [key, subject] : subjects)
    sorted.emplace(fmt::format("{} {}", name_of(key.kind), key.id), &subject);
  for (const auto& [name, subject] : sorted) {
    out += fmt::format("{} blocked={}", name, subject->blocked);
    for (const auto& window : subject->windows) {
      for (const auto time : window.times()) out += fmt::format(" {}", time - began);
      out += ";";
    }
    out += "\n";
  }
  return out;
}

}  // namespace lab
