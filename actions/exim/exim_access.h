// Checks that Exim can read a list. A list that it can't read stops the mail of every authenticated
// user (451 for each recipient), so this is checked before and after each change of a list's path
// or rights.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "actions/files.h"
#include "actions/result.h"

namespace actions {

struct EximUser {
  uid_t uid = 0;
  std::vector<gid_t> groups;  // the primary one first
};

// Finds a user by login name; returns nullopt if this machine has no such user.
[[nodiscard]] std::optional<EximUser> find_exim_user(const std::string& name);

// Returns the rights of a new list: readable by Exim's group, or by all if that can't be set.
[[nodiscard]] Creation creation_of_list(const std::optional<EximUser>& user);

// Decides by the permission bits of the file and every directory above it (it does not see ACLs and
// security modules). A missing file is no error: our ACL checks for it first. The error names the
// file or directory that `user` can't read or search.
[[nodiscard]] Result<Done> readable_by(const EximUser& user, const std::string& path);

// Sets the group and mode that Exim needs on a list that exists and only lacks these: group and
// group-read if we may set the group, else read for others. It leaves directories alone.
Result<Done> make_readable(const EximUser& user, const std::string& path);

// Makes a directory, and those above it, if it is missing; returns true if it was. With a user it
// gets the rights for lists, 2750 and Exim's group; without, 0711.
Result<bool> make_directory(const std::optional<EximUser>& user, const std::string& path);

}  // namespace actions
