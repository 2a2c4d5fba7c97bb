// The keyed tag of the ACL's lines: its secret must be known to Exim and the service, and to nobody
// else.
#include <fmt/format.h>
#include <grp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "actions/as_user.h"
#include "actions/exim/exim_settings.h"
#include "agent/check/checks.h"

namespace agent {
namespace {

constexpr const char* kAbout = "tag";
constexpr const char* kMacro = "EXIWARDEN_TAG_SECRET";

using actions::Deed;
using actions::try_as;

bool in_groups(const std::optional<actions::EximUser>& user, gid_t group) {
  return user && std::find(user->groups.begin(), user->groups.end(), group) != user->groups.end();
}

std::string owner_and_mode(const CheckContext& context, const std::string& path) {
  const auto* group =
      context.exim && !context.exim->groups.empty() ? ::getgrgid(context.exim->groups[0]) : nullptr;
  return fmt::format("chown {0}:{1} {2}; chmod 0440 {2}",
                     context.service ? context.service_name : "exiwarden",
                     group != nullptr ? group->gr_name : context.config.exim.user, path);
}

// Adds findings about who may read and change the secret; true if it is as it should be.
bool check_secret(const CheckContext& context, const std::string& path, Findings& findings) {
  const auto mend = owner_and_mode(context, path);
  const auto before = findings.all.size();
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0) {
    findings.bad(kAbout, path + ": can't be looked at", mend);
    return false;
  }
  if ((info.st_mode & S_IROTH) != 0)
    findings.bad(kAbout, path + ": everybody can read this secret, and make lines that count",
                 mend);
  if ((info.st_mode & (S_IWOTH | S_IWGRP)) != 0)
    findings.bad(kAbout, path + ": others can change this secret", mend);
  if ((info.st_mode & S_IRGRP) != 0 && info.st_gid != 0 && !in_groups(context.exim, info.st_gid)) {
    const auto* group = ::getgrgid(info.st_gid);
    findings.doubtful(kAbout,
                      fmt::format("{}: group {} can read this secret, and it is not Exim's", path,
                                  group != nullptr ? group->gr_name : std::to_string(info.st_gid)),
                      mend);
  }
  if (context.exim) {
    if (const auto read = try_as(context.exim, Deed::read, path); !read)
      findings.bad(kAbout, fmt::format("as {}: {}", context.config.exim.user, read.error().what),
                   "Exim defers each dead recipient then: " + mend);
  }
  if (context.service) {
    if (const auto read = try_as(context.service, Deed::read, path); !read)
      findings.bad(kAbout, fmt::format("as {}: {}", context.service_name, read.error().what),
                   "the service does not start then: " + mend);
  }
  return findings.all.size() == before;
}

}  // namespace

void check_tag(const CheckContext& context, Findings& findings) {
  const auto& path = context.config.log.tag_secret_file;
  const auto& exim = context.config.exim.binary;
  std::string in_exim;  // "": not known
  if (::access(exim.c_str(), X_OK) == 0) {
    if (const auto macro = actions::exim_macro(exim, kMacro)) in_exim = macro.value();
  }
  if (path.empty()) {
    if (!in_exim.empty() && ::access(in_exim.c_str(), F_OK) == 0)
      findings.doubtful(kAbout,
                        fmt::format("Exim's lines are tagged by {}, but log.tag_secret_file is not "
                                    "set: no tag is looked at",
                                    in_exim),
                        fmt::format("set log.tag_secret_file = \"{}\"", in_exim));
    return;
  }
  bool good = check_secret(context, path, findings);
  if (!in_exim.empty() && in_exim != path) {
    findings.bad(kAbout, fmt::format("Exim's {} is {}, not {}", kMacro, in_exim, path),
                 "let both name the same file: without the right tag no line counts");
    good = false;
  }
  if (good)
    findings.good(kAbout,
                  fmt::format("{}: Exim {}, others can't", path,
                              context.service ? "and the service can read it" : "can read it"));
  const auto& rules = context.config.rules;
  if (std::none_of(rules.begin(), rules.end(), [](const Rule& rule) {
        return std::find(rule.signals.begin(), rule.signals.end(), Signal::tagged) !=
               rule.signals.end();
      }))
    findings.doubtful(kAbout, "log.tag_secret_file is set, but no rule counts tagged lines",
                      "add \"tagged\" to the signals of a rule");
}

}  // namespace agent
