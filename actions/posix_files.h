// PosixFiles: files as the operating system has them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "actions/files.h"

namespace actions {

struct PosixFiles : Files {
  Result<FileStamp> stamp(const std::string& path) override;
  Result<Content> read(const std::string& path, std::size_t limit) override;
  Result<Content> read_from(const std::string& path, std::uint64_t offset,
                            std::size_t limit) override;
  Result<FileStamp> append(const std::string& path, std::string_view bytes,
                           const Creation& creation) override;
  Result<Done> sync(const std::string& path) override;
  Result<FileStamp> replace(const std::string& path, std::string_view bytes,
                            const Creation& creation,
                            const std::optional<FileStamp>& expected) override;
  Result<Done> rename(const std::string& from, const std::string& to) override;
  Result<std::unique_ptr<Lock>> lock(const std::string& directory, int milliseconds) override;
};

}  // namespace actions
