// Can Exim read a list? One it can't read stops the mail of every authenticated user (451 for each
// recipient), so this is asked before and after each change of a list's place or rights.
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

// By login name; nullopt if this machine has no such user.
[[nodiscard]] std::optional<EximUser> find_exim_user(const std::string& name);

// How a list that does not exist yet is made: by Exim's group, and by all if that can't be had.
[[nodiscard]] Creation creation_of_list(const std::optional<EximUser>& user);

// From the permission bits of the file and every directory above it (ACLs and security modules are
// not seen). A missing file is fine: our ACL asks for it first. The error names what is in the way.
[[nodiscard]] Result<Done> readable_by(const EximUser& user, const std::string& path);

// Gives a list that exists, and that only lacks the right group or mode, what Exim needs: group and
// group-read where we may set the group, else read for others. Directories are left alone.
Result<Done> make_readable(const EximUser& user, const std::string& path);

// Makes a directory, and those above it, if it is missing: true if it was. With a user it is one
// for lists, 2750 and Exim's group; without, 0711.
Result<bool> make_directory(const std::optional<EximUser>& user, const std::string& path);

}  // namespace actions
