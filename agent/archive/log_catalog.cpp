#include "agent/archive/log_catalog.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <utility>

#include "agent/archive/log_copies.h"
#include "parsers/fields/prefix.h"
#include "parsers/fields/syslog.h"

namespace agent {
namespace {

constexpr std::size_t kFirstLine = 1024;
// Concurrent writers put lines out of order by less than this.
constexpr parsers::CivilSeconds kDisorder = 5;

std::string_view first_line(std::string_view text) {
  return text.substr(0, text.find('\n'));
}

std::optional<parsers::Stamp> first_stamp(std::string_view text, parsers::CivilSeconds not_after) {
  while (!text.empty()) {
    const auto line = first_line(text);
    if (auto stamp = stamp_of_line(line, not_after)) return stamp;
    text.remove_prefix(std::min(text.size(), line.size() + 1));
  }
  return std::nullopt;
}

std::string_view view(std::span<const char> bytes) {
  return {bytes.data(), bytes.size()};
}

// The input of a file, from its start.
actions::Result<std::unique_ptr<LogInput>> reopen(const CatalogEntry& file) {
  return LogInput::open(file.name.path);
}

// What is wrong with the end of a file, if anything.
std::optional<actions::Error> fault_of(const CatalogEntry& file) {
  const auto input = reopen(file);
  if (!input) return input.error();
  for (;;) {
    const auto chunk = input.value()->read();
    if (!chunk) return chunk.error();
    if (chunk.value().empty()) return std::nullopt;
  }
}

void drop_copies(std::vector<CatalogEntry>& files, Catalog& catalog) {
  std::map<std::string_view, std::vector<std::size_t>> alike;
  for (std::size_t i = 0; i < files.size(); ++i) {
    if (!files[i].first_line.empty()) alike[files[i].first_line].push_back(i);
  }
  std::vector<bool> dropped(files.size());
  const auto drop = [&](std::size_t copy, std::size_t of) {
    dropped[copy] = true;
    catalog.notes.push_back(fmt::format("{}: the same as {}, counted once", files[copy].name.shown,
                                        files[of].name.shown));
    if (auto fault = fault_of(files[copy])) catalog.errors.push_back(std::move(*fault));
  };
  for (const auto& [line, members] : alike) {
    for (std::size_t i = 0; i < members.size(); ++i) {
      for (std::size_t j = i + 1; j < members.size() && !dropped[members[i]]; ++j) {
        const auto left = members[i], right = members[j];
        if (dropped[right]) continue;
        if (files[left].input != nullptr || files[right].input != nullptr) {
          catalog.notes.push_back(
              fmt::format("{} and {} begin alike; a pipe can't be compared, both are counted",
                          files[left].name.shown, files[right].name.shown));
          continue;
        }
        const auto same = compare_logs(files[left].name.path, files[right].name.path);
        // Of equal ones the first by name stays: "mainlog.1", not "mainlog.1.gz".
        if (same == Sameness::left_in_right) drop(left, right);
        if (same == Sameness::equal || same == Sameness::right_in_left) drop(right, left);
      }
    }
  }
  std::size_t i = 0;
  files.erase(
      std::remove_if(files.begin(), files.end(), [&](const CatalogEntry&) { return dropped[i++]; }),
      files.end());
}

std::optional<parsers::CivilSeconds> last_stamp(const CatalogEntry& file,
                                                parsers::CivilSeconds not_after) {
  const auto input = reopen(file);
  std::optional<parsers::CivilSeconds> last;
  std::string tail;
  while (input) {
    const auto chunk = input.value()->read();
    if (!chunk || chunk.value().empty()) break;
    std::string_view text = view(chunk.value());
    const auto end = text.rfind('\n');
    if (end == std::string_view::npos) continue;
    // The last stamp of a chunk is enough: a rotation goes on where the one before ended.
    text = text.substr(0, end);
    while (!text.empty()) {
      const auto begin = text.rfind('\n') + 1;  // npos + 1 == 0
      if (const auto stamp = stamp_of_line(text.substr(begin), not_after)) {
        last = stamp->civil;
        break;
      }
      text = text.substr(0, begin == 0 ? 0 : begin - 1);
    }
  }
  return last;
}

// Files that begin inside the hour that autumn repeats: their first stamps do not say which pass
// they belong to. Each goes on where another one ended.
void chain(std::span<CatalogEntry> before, std::span<CatalogEntry> files,
           parsers::CivilSeconds not_after) {
  if (std::any_of(files.begin(), files.end(),
                  [](const CatalogEntry& f) { return f.input != nullptr; }))
    return;
  auto at = before.empty() || before.back().input != nullptr ? std::nullopt
                                                             : last_stamp(before.back(), not_after);
  for (std::size_t done = 0; done < files.size(); ++done) {
    const auto rest = files.subspan(done);
    const auto distance = [&](const CatalogEntry& file) {
      const auto ahead = file.first->civil - at.value_or(rest.front().first->civil);
      // Behind: only in the second pass, after all that are ahead.
      return ahead >= -kDisorder ? ahead : ahead + 86400;
    };
    const auto next = std::min_element(
        rest.begin(), rest.end(),
        [&](const CatalogEntry& a, const CatalogEntry& b) { return distance(a) < distance(b); });
    std::swap(*rest.begin(), *next);
    at = last_stamp(rest.front(), not_after).value_or(rest.front().first->civil);
  }
}

// Of two that begin in the same second: does the other one begin inside of `file`?
bool begins_inside(const CatalogEntry& other, const CatalogEntry& file) {
  if (other.input != nullptr || file.input != nullptr || other.first_line.empty()) return false;
  const auto input = reopen(file);
  const auto head = input ? input.value()->peek() : actions::Result(std::span<const char>());
  return head && view(head.value()).find("\n" + other.first_line) != std::string_view::npos;
}

void put_in_order(std::vector<CatalogEntry>& files, const Zone& zone,
                  parsers::CivilSeconds not_after) {
  const auto begin = [&](const CatalogEntry& file) {
    return file.first ? StampClock(zone).resolve(*file.first) : Instant::min();
  };
  std::stable_sort(files.begin(), files.end(), [&](const CatalogEntry& a, const CatalogEntry& b) {
    const auto x = begin(a), y = begin(b);
    return x != y ? x < y : a.name.shown < b.name.shown;
  });
  // An excerpt comes after the log it is of, for that is where it is looked for.
  for (std::size_t i = 1; i < files.size(); ++i) {
    for (auto j = i;
         j > 0 && begin(files[j - 1]) == begin(files[j]) && begins_inside(files[j - 1], files[j]);
         --j) {
      std::swap(files[j - 1], files[j]);
    }
  }
  const auto is_unsure = [&](const CatalogEntry& file) {
    return file.first && !file.first->utc_offset && zone.is_repeated(file.first->civil);
  };
  for (auto first = std::find_if(files.begin(), files.end(), is_unsure); first != files.end();) {
    const auto end = std::find_if_not(first, files.end(), is_unsure);
    if (end - first > 1) chain({files.begin(), first}, {first, end}, not_after);
    first = std::find_if(end, files.end(), is_unsure);
  }
}

// False: nothing can be read of it, and the catalog says so.
bool look_into(CatalogEntry& file, Catalog& catalog) {
  auto opened = file.input == nullptr ? reopen(file) : actions::Result(std::move(file.input));
  if (!opened) {
    catalog.errors.push_back(opened.error());
    return false;
  }
  auto input = std::move(opened.value());
  const auto head = input->peek();
  if (!head) {
    catalog.errors.push_back(head.error());
    return false;
  }
  const auto text = view(head.value());
  file.first_line = first_line(text).substr(0, kFirstLine);
  file.first = first_stamp(text, catalog.newest_written);
  if (!file.first && !text.empty()) {
    catalog.notes.push_back(file.name.shown + ": no line of Exim at its start");
  }
  if (!input->is_regular()) file.input = std::move(input);
  return true;
}

}  // namespace

std::optional<parsers::Stamp> stamp_of_line(std::string_view line,
                                            parsers::CivilSeconds not_after) {
  std::string_view rest = line;
  auto stamp = parsers::take_exim_stamp(rest);
  if (!stamp) {
    const auto syslog = parsers::parse_syslog(line, not_after);
    if (!syslog) return std::nullopt;
    const auto entry = parsers::parse_syslog_message(syslog->stamp, syslog->message);
    stamp = entry ? entry->stamp : syslog->stamp;
  }
  stamp->text = {};
  return stamp;
}

Catalog take_stock(NamedLogs named, const Zone& zone, const LogInput::Patience& patience) {
  Catalog catalog;
  catalog.notes = std::move(named.notes);
  catalog.errors = std::move(named.errors);
  std::vector<CatalogEntry> files;
  for (auto& name : named.logs) {
    auto input = LogInput::open(name.path, patience);
    if (!input) {
      catalog.errors.push_back(input.error());
      continue;
    }
    auto& file = files.emplace_back();
    file.name = std::move(name);
    file.size = input.value()->size();
    catalog.newest_written = std::max(catalog.newest_written, input.value()->written());
    // Files are closed again: there may be more of them than descriptors.
    if (!input.value()->is_regular()) file.input = std::move(input.value());
  }
  const auto unreadable = std::remove_if(
      files.begin(), files.end(), [&](CatalogEntry& file) { return !look_into(file, catalog); });
  files.erase(unreadable, files.end());
  drop_copies(files, catalog);

  std::map<std::string, std::vector<CatalogEntry>> hosts;
  for (auto& file : files) {
    catalog.size += file.size;
    hosts[file.name.host].push_back(std::move(file));
  }
  for (auto& [label, logs] : hosts) {
    put_in_order(logs, zone, catalog.newest_written);
    catalog.hosts.push_back({label, std::move(logs)});
  }
  return catalog;
}

}  // namespace agent
