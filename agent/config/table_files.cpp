#include "agent/config/table_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "actions/lists/lsearch.h"
#include "agent/core/attribution.h"
#include "agent/core/list_lines.h"
#include "agent/values/printable.h"

namespace agent {
namespace {

constexpr std::size_t kMaxBytes = std::size_t{64} << 20;

std::vector<std::string> paths_of(const Config& config) {
  std::vector<std::string> paths = config.exempt.user_files;
  paths.insert(paths.end(), config.exempt.host_files.begin(), config.exempt.host_files.end());
  for (const auto& map : config.identity_maps) {
    if (!map.file.empty()) paths.push_back(map.file);
  }
  paths.push_back(exempt_users_path(config.state.directory));
  paths.push_back(exempt_hosts_path(config.state.directory));
  return paths;
}

// What stands behind a key: until when it holds.
enum class Held { now, no_more, odd };
Held held(std::string_view data, Instant now, std::optional<Instant>& until) {
  if (has_odd_end(data)) return Held::odd;
  until = ends_at(data);
  return until && *until <= now ? Held::no_more : Held::now;
}

constexpr std::string_view kOddEnd =
    "until= is no time with its zone, like until=2026-12-24T18:00:00+01:00";

// Cuts the key off a line of hosts: an address or a network, perhaps quoted, perhaps with the colon
// of a list behind it.
std::string_view take_host(std::string_view& line) {
  std::string_view key;
  if (line.starts_with('"')) {
    const auto end = std::min(line.find('"', 1), line.size());
    key = line.substr(1, end - 1);
    line.remove_prefix(std::min(line.size(), end + 1));
    if (line.starts_with(':')) line.remove_prefix(1);
  } else {
    key = line.substr(0, line.find_first_of(" \t"));
    line.remove_prefix(key.size());
    if (key.ends_with(':') && !Network::parse(key)) key.remove_suffix(1);
  }
  line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
  return key;
}

// One address or network a line, perhaps with until= and text behind it; "#" begins a comment. ""
// or what is wrong.
std::string read_hosts(std::string_view text, Instant now, IdentityTables& tables) {
  for (std::size_t number = 1; !text.empty(); ++number) {
    auto line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    line = line.substr(0, line.find('#'));
    const auto begin = line.find_first_not_of(" \t\r");
    if (begin == std::string_view::npos) continue;
    line = line.substr(begin, line.find_last_not_of(" \t\r") - begin + 1);
    const auto whole = line;
    const auto key = take_host(line);
    const auto network = Network::parse(key);
    if (!network) {
      return fmt::format(
          "line {} is \"{}\"; accepted: an address or a network like \"192.0.2.0/24\"", number,
          printable(whole, 80));
    }
    std::optional<Instant> until;
    const auto holds = held(line, now, until);
    if (holds == Held::odd) return fmt::format("line {}: {}", number, kOddEnd);
    if (holds == Held::no_more) continue;
    tables.exempt_hosts.push_back(*network);
    if (until) tables.ends.push_back({std::string(key), network, *until, std::string(line)});
  }
  return {};
}

// Keys are text; a control byte shows that the file is something else. "" or what is wrong.
std::string not_text(std::string_view bytes) {
  const auto odd = std::find_if(bytes.begin(), bytes.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < ' ' && (byte < '\t' || byte > '\r')) || byte == 0x7f;
  });
  if (odd == bytes.end()) return {};
  return fmt::format("line {} has the control byte {:#04x}: this is no list of keys",
                     1 + std::count(bytes.begin(), odd, '\n'), static_cast<unsigned char>(*odd));
}

// One key a line, as Exim's lsearch reads it. "" or what is wrong.
std::string read_users(std::string_view text, Instant now, IdentityTables& tables) {
  for (const auto& entry : actions::read_list(text)) {
    if (entry.key.starts_with("*@") || entry.key.starts_with("@")) {
      return fmt::format(
          "\"{}\" is a pattern, and would exempt nobody; exempt.domains names all of a domain",
          printable(entry.key));
    }
    std::optional<Instant> until;
    const auto holds = held(entry.data, now, until);
    if (holds == Held::odd) return fmt::format("\"{}\": {}", printable(entry.key), kOddEnd);
    if (holds == Held::no_more) continue;
    auto key = folded(entry.key);
    if (until) tables.ends.push_back({key, std::nullopt, *until, entry.data});
    tables.exempt_users.insert(std::move(key));
  }
  return {};
}

}  // namespace

std::string exempt_users_path(const std::string& state_directory) {
  return state_directory + "/exempt_users";
}

std::string exempt_hosts_path(const std::string& state_directory) {
  return state_directory + "/exempt_hosts";
}

actions::Result<std::shared_ptr<const IdentityTables>, std::string> read_tables(
    const Config& config, actions::Files& files) {
  return read_tables(config, files,
                     std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()));
}

actions::Result<std::shared_ptr<const IdentityTables>, std::string> read_tables(
    const Config& config, actions::Files& files, Instant now) {
  auto tables = std::make_shared<IdentityTables>(*IdentityTables::without_files(config));
  std::string bytes;
  const auto read = [&](const std::string& path, bool ours = false) -> std::string {
    auto content = files.read(path, kMaxBytes);
    if (!content && ours && content.error().code == actions::Errc::not_found) {
      bytes.clear();
      return {};
    }
    if (!content) return printable(content.error().what);
    bytes = std::move(content.value().bytes);
    const auto wrong = not_text(bytes);
    return wrong.empty() ? wrong : printable(path) + ": " + wrong;
  };
  using Reader = std::string (*)(std::string_view, Instant, IdentityTables&);
  const auto read_exempt = [&](const std::string& path, Reader reader, bool ours) {
    auto wrong = read(path, ours);
    if (!wrong.empty()) return wrong;
    wrong = reader(bytes, now, *tables);
    return wrong.empty() ? wrong : printable(path) + ": " + wrong;
  };
  for (const auto& path : config.exempt.user_files) {
    if (const auto wrong = read_exempt(path, read_users, false); !wrong.empty())
      return "exempt.user_files: " + wrong;
  }
  for (const auto& path : config.exempt.host_files) {
    if (const auto wrong = read_exempt(path, read_hosts, false); !wrong.empty())
      return "exempt.host_files: " + wrong;
  }
  const auto& state = config.state.directory;
  for (const auto& wrong : {read_exempt(exempt_users_path(state), read_users, true),
                            read_exempt(exempt_hosts_path(state), read_hosts, true)}) {
    if (!wrong.empty()) return wrong;
  }
  std::vector<IdentityMap::Names> names;
  for (const auto& map : config.identity_maps) {
    auto& known = names.emplace_back();
    if (map.file.empty()) continue;
    if (const auto wrong = read(map.file); !wrong.empty()) return "identity_map.file: " + wrong;
    // Of equal keys the first counts, as for Exim; one without a name stands for itself.
    for (const auto& entry : actions::read_list(bytes)) {
      auto key = folded(entry.key);
      if (is_by_address(map.identity)) {
        if (const auto address = IpAddress::parse(key)) key = address->text();
      }
      known.emplace(std::move(key), entry.data.empty() ? entry.key : entry.data);
    }
  }
  tables->identities = IdentityMap(config.identity_maps, std::move(names));
  return std::shared_ptr<const IdentityTables>(std::move(tables));
}

TableFiles::Stamps TableFiles::stamps() const {
  Stamps stamps;
  for (const auto& path : paths_) {
    const auto stamp = files_.stamp(path);
    stamps.push_back(stamp ? std::optional(stamp.value()) : std::nullopt);
  }
  return stamps;
}

void TableFiles::follow(const Config& config) {
  config_ = config;
  paths_ = paths_of(config);
  fault_.clear();
  // Changed since they were read for this? Nobody knows: the first look reads them once more.
  read_.clear();
  last_ = stamps();
  next_ = {};
}

std::shared_ptr<const IdentityTables> TableFiles::look(Now now) {
  if (paths_.empty() || now.steady < next_) return nullptr;
  next_ = now.steady + kLook;
  auto seen = stamps();
  const bool settled = seen == last_;
  last_ = std::move(seen);
  const bool ended = next_end_ && *next_end_ <= now.wall;
  if (!settled || (last_ == read_ && !ended)) return nullptr;
  const bool again = !read_.empty() && last_ != read_;
  read_ = last_;
  auto tables = read_tables(config_, files_, now.wall);
  if (!tables) {
    if (fault_ != tables.error()) say_(tables.error() + "; what was read before stays");
    fault_ = tables.error();
    return nullptr;
  }
  if (again || !fault_.empty()) say_("exempt and identity_map: files were read again");
  fault_.clear();
  next_end_.reset();
  for (const auto& end : tables.value()->ends)
    next_end_ = next_end_ ? std::min(*next_end_, end.until) : end.until;
  return std::move(tables).value();
}

std::optional<TableFiles::Steady> TableFiles::next_look() const {
  return paths_.empty() ? std::nullopt : std::optional(next_);
}

}  // namespace agent
