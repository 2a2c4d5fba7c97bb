#include "agent/follow/rotations.h"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <limits>
#include <utility>

namespace agent {
namespace {

namespace fs = std::filesystem;

constexpr int kMaxLinks = 8;

// The file a name stands for, link by link: each of them can be switched.
std::vector<fs::path> chain_of(const std::string& name) {
  std::vector<fs::path> chain{name};
  std::error_code error;
  for (int links = 0; links < kMaxLinks && fs::is_symlink(chain.back(), error); ++links) {
    auto target = fs::read_symlink(chain.back(), error);
    if (error) break;
    if (target.is_relative()) target = chain.back().parent_path() / target;
    chain.push_back(target.lexically_normal());
  }
  return chain;
}

bool goes_on_in(const LogPosition& position, LogFile& file) {
  return (file.packed() || file.size() >= position.reader.offset) &&
         file.tail_before(position.reader.offset) == position.tail;
}

}  // namespace

std::string expand_log_name(const std::string& pattern, const Zone& zone, Instant now) {
  const auto date = zone.text(now);  // 2026-11-23T...
  const auto month = date.substr(0, 4) + date.substr(5, 2);
  std::string name;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == '%' && i + 1 < pattern.size() &&
        (pattern[i + 1] == 'D' || pattern[i + 1] == 'M')) {
      name += pattern[++i] == 'D' ? month + date.substr(8, 2) : month;
    } else {
      name += pattern[i];
    }
  }
  return name;
}

std::vector<std::string> directories_of(const std::string& current) {
  std::vector<std::string> directories;
  for (const auto& name : chain_of(current)) {
    auto directory = name.parent_path().string();
    if (std::find(directories.begin(), directories.end(), directory) == directories.end()) {
      directories.push_back(std::move(directory));
    }
  }
  return directories;
}

Unreadable unreadable(const std::string& path, std::string why) {
  struct stat info{};
  const bool seen = ::stat(path.c_str(), &info) == 0;
  return {std::move(why), seen ? info.st_mtime : std::numeric_limits<std::int64_t>::max()};
}

std::vector<LogFile> rotations_of(const std::string& pattern, const std::string& current,
                                  const std::vector<std::string>& olddirs, bool with_packed,
                                  std::vector<Unreadable>& unread) {
  const auto chain = chain_of(current);
  std::vector<LogFile> found;
  std::error_code error;
  auto directories = directories_of(current);
  const auto is_olddir = [&](const std::string& directory) {
    return std::find(olddirs.begin(), olddirs.end(), directory) != olddirs.end();
  };
  std::erase_if(directories, is_olddir);
  directories.insert(directories.end(), olddirs.begin(), olddirs.end());
  for (const auto& directory : directories) {
    fs::directory_iterator entries(directory, error);
    if (error && error != std::errc::no_such_file_or_directory)
      unread.push_back(unreadable(directory, directory + ": " + error.message()));
    for (const auto& entry : entries) {
      const auto name = entry.path().filename().string();
      const bool ours = std::any_of(chain.begin(), chain.end(), [&](const fs::path& link) {
        auto stem = (&link == &chain.front() ? fs::path(pattern) : link).filename().string();
        stem = stem.substr(0, stem.find('%'));
        return !stem.empty() && name.starts_with(stem) &&
               (entry.path().parent_path() == link.parent_path() || is_olddir(directory));
      });
      const bool is_current = std::find(chain.begin(), chain.end(), entry.path()) != chain.end();
      if (!ours || is_current || entry.is_symlink(error)) continue;
      auto file = LogFile::open(entry.path().string());
      if (file && (with_packed || !file->packed())) found.push_back(std::move(file.value()));
      if (!file &&
          (file.error().code == actions::Errc::denied || file.error().code == actions::Errc::io))
        unread.push_back(unreadable(entry.path().string(), file.error().what));
    }
  }
  std::sort(found.begin(), found.end(), [](const LogFile& a, const LogFile& b) {
    return std::pair(a.modified(), a.inode()) < std::pair(b.modified(), b.inode());
  });
  return found;
}

std::vector<std::optional<std::size_t>> find_positions(const std::vector<LogPosition>& positions,
                                                       std::vector<LogFile>& files) {
  std::vector<std::optional<std::size_t>> found(positions.size());
  std::vector<bool> taken(files.size());
  const auto find = [&](auto fits) {
    for (std::size_t i = 0; i < positions.size(); ++i) {
      for (std::size_t file = 0; file < files.size() && !found[i]; ++file) {
        if (taken[file] || !fits(positions[i], files[file])) continue;
        found[i] = file;
        taken[file] = true;
      }
    }
  };
  // Nothing of it was read as long as its first line was not whole: then only the inode tells.
  find([](const LogPosition& position, LogFile& file) {
    if (file.inode() != position.file.inode || file.device() != position.file.device) return false;
    return position.file.first_line.empty() ||
           (file.identity() == position.file &&
            (goes_on_in(position, file) ||
             // The disk failed when they were to be read.
             (position.tail.empty() && file.size() >= position.reader.offset)));
  });
  for (const bool packed : {false, true}) {
    find([&](const LogPosition& position, LogFile& file) {
      return file.packed() == packed && !position.file.first_line.empty() &&
             file.identity().first_line == position.file.first_line && goes_on_in(position, file);
    });
  }
  return found;
}

bool is_copy_of(const LogPosition& position, LogFile* original, LogFile& file) {
  if (position.file.first_line.empty() || position.file.first_line != file.identity().first_line) {
    return false;
  }
  const auto offset = position.reader.offset;
  if (file.tail_before(offset) == position.tail) return true;
  const auto size = file.size();
  return size < offset &&
         (original == nullptr || original->tail_before(size) == file.tail_before(size));
}

std::optional<std::size_t> find_cut_short(const LogPosition& position,
                                          std::vector<LogFile>& files) {
  if (position.file.first_line.empty()) return std::nullopt;
  for (std::size_t i = 0; i < files.size(); ++i) {
    if (!files[i].packed() && files[i].identity() == position.file) return i;
  }
  return std::nullopt;
}

}  // namespace agent
