#include "agent/farm/session.h"

#include <fmt/format.h>

#include <chrono>
#include <random>
#include <utility>

#include "actions/posix_files.h"
#include "agent/farm/scripts.h"
#include "agent/values/printable.h"

namespace agent {
namespace {

using actions::Errc;
using Words = FarmConnection::Words;

constexpr std::size_t kMaxPassword = 4096;

std::int64_t milliseconds_now() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

// Names a server's memory: whoever finds another one knows that all in it is gone.
std::string new_epoch() {
  std::random_device random;
  return fmt::format("{:08x}{:08x}{:08x}", random(), random(), random());
}

Words call(const std::string& script, Words arguments) {
  Words words{"EVALSHA", script};
  words.insert(words.end(), std::make_move_iterator(arguments.begin()),
               std::make_move_iterator(arguments.end()));
  return words;
}

actions::Error server_error(const FarmSettings& settings, Errc code, const std::string& why) {
  return {code, 0, fmt::format("farm server {}: {}", text_of(settings.address), why)};
}

}  // namespace

FarmSettings farm_settings(const FarmConfig& config, const std::string& machine) {
  FarmSettings settings;
  const auto address = parse_farm_url(config.url);
  if (address) settings.address = address.value();
  settings.user = config.user;
  settings.password_file = config.password_file;
  settings.prefix = config.prefix;
  settings.host = config.host.empty() ? machine : config.host;
  settings.timeouts = {config.connect_timeout, config.command_timeout};
  return settings;
}

actions::Result<std::string> read_password(const std::string& path) {
  actions::PosixFiles files;
  auto content = files.read(path, kMaxPassword);
  if (!content) return content.error();
  auto& bytes = content->bytes;
  bytes.resize(std::min(bytes.find('\n'), bytes.size()));
  if (bytes.ends_with('\r')) bytes.pop_back();
  if (bytes.empty()) return actions::Error{Errc::malformed, 0, path + ": holds no password"};
  return std::move(bytes);
}

actions::Result<FarmConnection> FarmSession::connect(const FarmSettings& settings) {
  auto opened = FarmConnection::open(settings.address, settings.timeouts);
  if (!opened) return opened.error();
  if (!settings.password_file.empty()) {
    auto password = read_password(settings.password_file);
    if (!password) return password.error();
    Words command{"AUTH"};
    if (!settings.user.empty()) command.push_back(settings.user);
    command.push_back(std::move(password.value()));
    const auto answer = opened->ask(command);
    if (!answer) return answer.error();
    // A server may repeat what it was told: nothing of its words is for anybody's eyes.
    if (answer->is_error())
      return server_error(settings, Errc::denied, "does not take farm.user and its password");
  }
  if (settings.address.database != 0) {
    const auto answer = opened->ask({"SELECT", std::to_string(settings.address.database)});
    if (!answer) return answer.error();
    if (answer->is_error())
      return server_error(settings, Errc::refused, "SELECT: " + refusal_text(answer.value()));
  }
  return opened;
}

actions::Result<FarmSession> FarmSession::open(const FarmSettings& settings) {
  auto connected = connect(settings);
  if (!connected) return connected.error();
  FarmSession session(std::move(connected.value()), settings);
  if (const auto begun = session.begin(); !begun) return begun.error();
  return session;
}

actions::Error FarmSession::strange(const char* what) const {
  return server_error(settings_, Errc::malformed,
                      fmt::format("its answer to {} is malformed", what));
}

actions::Error FarmSession::refused(const Answer& answer) const {
  switch (refusal_of(answer)) {
    case Refusal::other_epoch:
    case Refusal::no_script:
      return server_error(settings_, Errc::changed, "has lost what it knew");
    case Refusal::full:
      return server_error(settings_, Errc::full, "has no room: " + refusal_text(answer));
    case Refusal::not_permitted:
      return server_error(settings_, Errc::denied, refusal_text(answer));
    case Refusal::busy:
    case Refusal::other:
      break;
  }
  return server_error(settings_, Errc::refused, refusal_text(answer));
}

actions::Result<Answer> FarmSession::ask(const Words& command) {
  auto answer = connection_.ask(command);
  if (answer && answer->is_error()) return refused(answer.value());
  return answer;
}

actions::Result<std::string> FarmSession::load(std::string_view script) {
  auto answer = ask({"SCRIPT", "LOAD", std::string(script)});
  if (!answer) return answer.error();
  if (answer->type != Answer::Type::text || answer->text.size() != 40)
    return strange("SCRIPT LOAD");
  return answer->text;
}

actions::Result<actions::Done> FarmSession::compare_clocks() {
  const auto before = milliseconds_now();
  const auto answer = ask({"TIME"});
  const auto after = milliseconds_now();
  if (!answer) return answer.error();
  const auto time = read_time(answer.value());
  if (!time) return strange("TIME");
  offset_ = *time - (before + after) / 2;
  return actions::Done{};
}

actions::Result<actions::Done> FarmSession::begin() {
  const auto info = ask({"INFO"});
  if (!info) return info.error();
  auto server = read_info(info.value());
  if (!server) return strange("INFO");
  server_ = std::move(*server);

  if (const auto compared = compare_clocks(); !compared) return compared.error();
  for (const auto& [script, digest] :
       {std::pair(kCountScript, &count_script_), std::pair(kChangeScript, &change_script_),
        std::pair(kForgetScript, &forget_script_)}) {
    auto loaded = load(script);
    if (!loaded) return loaded.error();
    *digest = std::move(loaded.value());
  }
  const auto name = settings_.prefix + "epoch";
  if (const auto set = ask({"SET", name, new_epoch(), "NX"}); !set) return set.error();
  auto epoch = ask({"GET", name});
  if (!epoch) return epoch.error();
  if (epoch->type != Answer::Type::text || epoch->text.empty() || epoch->text.size() > 64)
    return strange("GET");
  epoch_ = std::move(epoch->text);
  return actions::Done{};
}

actions::Result<CountAnswer> FarmSession::count(const std::vector<std::string>& rules,
                                                std::span<const FarmEvent> events) {
  std::size_t calls = 0;
  for (std::size_t at = 0; at == 0 || at < events.size(); at += kMaxBatch, ++calls) {
    const auto batch = events.subspan(at, std::min(kMaxBatch, events.size() - at));
    connection_.add(call(count_script_,
                         count_arguments(settings_.prefix, epoch_, settings_.host, rules, batch)));
  }
  CountAnswer all;
  for (; calls > 0; --calls) {
    const auto answer = connection_.next();
    if (!answer) return answer.error();
    if (answer->is_error()) return refused(answer.value());
    auto read = read_count(answer.value());
    if (!read) return strange("a batch of events");
    all.strange += read->strange;
    all.counts.added += read->counts.added;
    all.counts.again += read->counts.again;
    all.counts.blocked += read->counts.blocked;
    all.counts.late += read->counts.late;
    all.counts.ahead += read->counts.ahead;
    all.counts.crowded += read->counts.crowded;
    std::move(read->decided.begin(), read->decided.end(), std::back_inserter(all.decided));
  }
  return all;
}

actions::Result<std::vector<ChangeAnswer>> FarmSession::change(
    std::span<const NamedStatement> words) {
  Words arguments{"1", settings_.prefix, epoch_, settings_.host};
  for (const auto& word : words) {
    arguments.push_back(encode(word.name));
    arguments.push_back(encode(word.record));
  }
  const auto answer = ask(call(change_script_, std::move(arguments)));
  if (!answer) return answer.error();
  auto read = read_changes(answer.value(), words);
  if (!read) return strange("changes");
  return std::move(*read);
}

actions::Result<PullAnswer> FarmSession::pull(const std::string& cursor) {
  const auto answer = ask({"HSCAN", settings_.prefix + "blocks", cursor, "COUNT", "500"});
  if (!answer) return answer.error();
  auto read = read_pull(answer.value());
  if (!read) return strange("HSCAN");
  return std::move(*read);
}

actions::Result<std::vector<FarmHost>> FarmSession::hosts() {
  const auto answer = ask({"HGETALL", settings_.prefix + "hosts"});
  if (!answer) return answer.error();
  auto read = read_hosts(answer.value());
  if (!read) return strange("HGETALL");
  return std::move(*read);
}

actions::Result<std::optional<FarmStatement>> FarmSession::word(const FarmName& name) {
  const auto answer = ask({"HGET", settings_.prefix + "blocks", encode(name)});
  if (!answer) return answer.error();
  if (answer->type == Answer::Type::nil) return std::optional<FarmStatement>();
  auto record = decode_farm_statement(name, answer->text);
  if (!record) return strange("HGET");
  return record;
}

actions::Result<FarmWindow> FarmSession::window(const Rule& rule, const std::string& key) {
  const auto name = farm_encoded(rule.name) + "|" + farm_encoded(key);
  const auto events = ask({"ZREVRANGE", settings_.prefix + "w:" + name, "0",
                           std::to_string(kMaxWindow - 1), "WITHSCORES"});
  if (!events) return events.error();
  std::optional<Answer> senders;
  if (rule.count != CountBy::attempts && events->list.size() > 1) {
    Words command{"HMGET", settings_.prefix + "r:" + name};
    for (std::size_t i = 0; i < events->list.size(); i += 2)
      command.push_back(events->list[i].text);
    auto hosts = ask(command);
    if (!hosts) return hosts.error();
    senders = std::move(hosts.value());
  }
  auto read = read_window(events.value(), senders ? &*senders : nullptr, rule.period);
  if (!read) return strange("ZREVRANGE");
  return std::move(*read);
}

actions::Result<actions::Done> FarmSession::forget(const std::vector<FarmName>& names,
                                                   std::chrono::seconds older_than) {
  Words arguments{"1", settings_.prefix, std::to_string(older_than.count())};
  for (const auto& name : names) arguments.push_back(encode(name));
  const auto answer = ask(call(forget_script_, std::move(arguments)));
  if (!answer) return answer.error();
  return actions::Done{};
}

actions::Result<std::string> FarmSession::feed_end() {
  const auto answer = ask({"XREVRANGE", settings_.prefix + "feed", "+", "-", "COUNT", "1"});
  if (!answer) return answer.error();
  if (answer->type != Answer::Type::list || answer->list.size() > 1) return strange("XREVRANGE");
  if (answer->list.empty()) return std::string("0-0");
  const auto& entry = answer->list[0];
  if (entry.type != Answer::Type::list || entry.list.empty() ||
      !is_feed_position(entry.list[0].text)) {
    return strange("XREVRANGE");
  }
  return entry.list[0].text;
}

actions::Result<bool> FarmSession::feed_holds(const std::string& position) {
  // Trimmed are the oldest: if the entry itself is there, so is all after it.
  const auto answer = ask({"XRANGE", settings_.prefix + "feed", position, position, "COUNT", "1"});
  if (!answer) return answer.error();
  return answer->type == Answer::Type::list && answer->list.size() == 1;
}

Words FarmSession::feed_command(const std::string& position) const {
  return {"XREAD",
          "COUNT",
          "500",
          "BLOCK",
          std::to_string(std::chrono::milliseconds(kFeedWait).count()),
          "STREAMS",
          settings_.prefix + "feed",
          position};
}

}  // namespace agent
