#include "agent/config/table_files.h"

#include <fmt/format.h>

#include <algorithm>

#include "actions/lists/lsearch.h"
#include "agent/core/attribution.h"
#include "agent/core/printable.h"

namespace agent {
namespace {

constexpr std::size_t kMaxBytes = std::size_t{64} << 20;

std::vector<std::string> paths_of(const Config& config) {
  std::vector<std::string> paths = config.exempt.user_files;
  paths.insert(paths.end(), config.exempt.host_files.begin(), config.exempt.host_files.end());
  for (const auto& map : config.identity_maps) {
    if (!map.file.empty()) paths.push_back(map.file);
  }
  return paths;
}

// One address or network a line; "#" begins a comment. "" or what is wrong.
std::string read_hosts(std::string_view text, std::vector<Network>& hosts) {
  for (std::size_t number = 1; !text.empty(); ++number) {
    auto line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    line = line.substr(0, line.find('#'));
    const auto begin = line.find_first_not_of(" \t\r");
    if (begin == std::string_view::npos) continue;
    line = line.substr(begin, line.find_last_not_of(" \t\r") - begin + 1);
    const auto network = Network::parse(line);
    if (!network) {
      return fmt::format(
          "line {} is \"{}\"; accepted: an address or a network like \"192.0.2.0/24\"", number,
          printable(line, 80));
    }
    hosts.push_back(*network);
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

}  // namespace

actions::Result<std::shared_ptr<const IdentityTables>, std::string> read_tables(
    const Config& config, actions::Files& files) {
  auto tables = std::make_shared<IdentityTables>(*IdentityTables::without_files(config));
  std::string bytes;
  const auto read = [&](const std::string& path) -> std::string {
    auto content = files.read(path, kMaxBytes);
    if (!content) return printable(content.error().what);
    bytes = std::move(content.value().bytes);
    const auto wrong = not_text(bytes);
    return wrong.empty() ? wrong : printable(path) + ": " + wrong;
  };
  for (const auto& path : config.exempt.user_files) {
    if (const auto wrong = read(path); !wrong.empty()) return "exempt.user_files: " + wrong;
    for (const auto& entry : actions::read_list(bytes)) {
      if (entry.key.starts_with("*@") || entry.key.starts_with("@")) {
        return fmt::format(
            "exempt.user_files: {}: \"{}\" is a pattern, and would exempt nobody; exempt.domains "
            "names all of a domain",
            printable(path), printable(entry.key));
      }
      tables->exempt_users.insert(folded(entry.key));
    }
  }
  for (const auto& path : config.exempt.host_files) {
    auto wrong = read(path);
    if (wrong.empty()) {
      wrong = read_hosts(bytes, tables->exempt_hosts);
      if (!wrong.empty()) wrong.insert(0, printable(path) + ": ");
    }
    if (!wrong.empty()) return "exempt.host_files: " + wrong;
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

std::shared_ptr<const IdentityTables> TableFiles::look(Steady now) {
  if (paths_.empty() || now < next_) return nullptr;
  next_ = now + kLook;
  auto seen = stamps();
  const bool settled = seen == last_;
  last_ = std::move(seen);
  if (!settled || last_ == read_) return nullptr;
  const bool again = !read_.empty();
  read_ = last_;
  auto tables = read_tables(config_, files_);
  if (!tables) {
    if (fault_ != tables.error()) say_(tables.error() + "; what was read before stays");
    fault_ = tables.error();
    return nullptr;
  }
  if (again || !fault_.empty()) say_("exempt and identity_map: files were read again");
  fault_.clear();
  return std::move(tables).value();
}

std::optional<TableFiles::Steady> TableFiles::next_look() const {
  return paths_.empty() ? std::nullopt : std::optional(next_);
}

}  // namespace agent
