#include "agent/state/checkpoint_file.h"

#include <fmt/format.h>

#include <cerrno>

#include "agent/state/heap_reserve.h"

namespace agent {
namespace {

constexpr std::size_t kMaxState = std::size_t{1} << 30;
constexpr std::size_t kGrows = 5;  // by so much is what it becomes larger than its text
constexpr int kMostAside = 100;
constexpr actions::Creation kPrivate{0600, std::nullopt, 0600};

// rename(2) puts a file in the place of a file, and a directory in that of an empty one.
bool is_in_the_way(const actions::Error& error) {
  return error.os == EISDIR || error.os == ENOTDIR || error.os == ENOTEMPTY || error.os == EEXIST;
}

}  // namespace

actions::Result<std::string> CheckpointFile::set_aside(const std::string& path) {
  for (int number = 1;; ++number) {
    auto aside = path + ".damaged";
    if (number > 1) aside += fmt::format(".{}", number);
    const auto moved = files_.rename(path, aside);
    if (moved) return aside;
    if (number == kMostAside || !is_in_the_way(moved.error())) return moved.error();
  }
}

std::optional<Checkpoint> CheckpointFile::load_one(const std::string& path, bool& damaged,
                                                   const Say& say) {
  const auto content = files_.read(path, kMaxState);
  std::string why;
  if (content) {
    const HeapReserve room(content.value().bytes.size() * kGrows);
    auto decoded = decode_checkpoint(content.value().bytes);
    if (decoded) return std::move(decoded).value();
    why = decoded.error();
  } else {
    if (content.error().code == actions::Errc::not_found) return std::nullopt;
    why = content.error().what;
  }
  damaged = true;
  const auto aside = set_aside(path);
  say(fmt::format("{} is not used: {}; {}", path, why,
                  aside ? "set aside as " + aside.value() : aside.error().what));
  return std::nullopt;
}

CheckpointFile::Loaded CheckpointFile::load(const Say& say) {
  Loaded loaded;
  loaded.state = load_one(path_, loaded.damaged, say);
  if (!loaded.state) loaded.state = load_one(previous_, loaded.damaged, say);
  return loaded;
}

actions::Result<actions::Done> CheckpointFile::save(std::string_view text) {
  // Should we stop between the two renames, the previous generation is there and is used.
  const auto kept = files_.rename(path_, previous_);
  if (!kept && is_in_the_way(kept.error())) {
    auto error = kept.error();
    const auto aside = set_aside(error.os == EISDIR ? previous_ : path_);
    if (aside) error.what += "; what lay there is set aside as " + aside.value();
    return error;
  }
  if (!kept && kept.error().code != actions::Errc::not_found) return kept.error();
  const auto saved = files_.replace(path_, text, kPrivate, std::nullopt);
  if (!saved) return saved.error();
  return actions::Done{};
}

}  // namespace agent
