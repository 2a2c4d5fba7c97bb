// The rows of check about the farm.
#include "agent/check/checks.h"

#ifdef EXIWARDEN_FARM
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <cstdlib>
#include <utility>

#include "agent/config/host_facts.h"
#include "agent/farm/session.h"

#endif

namespace agent {

#ifndef EXIWARDEN_FARM
// A program without the farm refuses farm.url when it reads the configuration.
void check_farm(const CheckContext&, Findings&) {}
#else

namespace {

constexpr const char* kAbout = "farm";
constexpr int kOldestVersion = 7;
constexpr std::int64_t kGoodClock = 2, kBadClock = 60;  // seconds

void check_password(const FarmConfig& farm, Findings& findings) {
  if (farm.password_file.empty()) {
    findings.doubtful(kAbout,
                      "farm.password_file is not given: anyone who reaches the server can "
                      "block any sender",
                      "give the farm a user of its own, see conf/farm.md");
    return;
  }
  struct stat info{};
  if (::stat(farm.password_file.c_str(), &info) == 0 && (info.st_mode & 07) != 0) {
    findings.bad(kAbout, farm.password_file + ": everybody on this machine may read it",
                 fmt::format("chmod 0640 {}", farm.password_file));
  }
}

void check_server(const FarmServer& server, Findings& findings) {
  int major = 0;
  std::from_chars(server.version.data(), server.version.data() + server.version.size(), major);
  if (major < kOldestVersion) {
    findings.bad(kAbout, fmt::format("the server is version {}", server.version),
                 fmt::format("version {} or later is needed", kOldestVersion));
  } else {
    findings.good(kAbout, fmt::format("the server is version {}", server.version));
  }
  if (server.memory_policy == "noeviction") {
    findings.good(kAbout, "maxmemory-policy: noeviction");
  } else {
    findings.bad(kAbout,
                 fmt::format("maxmemory-policy is \"{}\": a full server would throw windows away, "
                             "and nobody would know",
                             server.memory_policy),
                 "set maxmemory-policy noeviction");
  }
}

void check_clock(std::int64_t milliseconds, Findings& findings) {
  const auto apart = std::abs(milliseconds) / 1000;
  const auto what = fmt::format("its clock is {} s from this machine's", apart);
  if (apart <= kGoodClock) {
    findings.good(kAbout, what);
  } else if (apart <= kBadClock) {
    findings.doubtful(kAbout, what, "let both keep time by NTP");
  } else {
    findings.bad(kAbout, what + "; from 5 min on events are refused", "let both keep time by NTP");
  }
}

// Everything that the service will ask for, but what changes something.
actions::Result<actions::Done> try_all(FarmSession& session, const Config& config) {
  if (const auto counted = session.count(farm_rules(config.rules), {}); !counted)
    return counted.error();
  if (const auto changed = session.change({}); !changed) return changed.error();
  if (const auto pulled = session.pull("0"); !pulled) return pulled.error();
  if (const auto hosts = session.hosts(); !hosts) return hosts.error();
  if (const auto forgot = session.forget({}, std::chrono::hours(1)); !forgot) return forgot.error();
  const auto end = session.feed_end();
  if (!end) return end.error();
  if (const auto holds = session.feed_holds(end.value()); !holds) return holds.error();
  return actions::Done{};
}

}  // namespace

void check_farm(const CheckContext& context, Findings& findings) {
  const auto& farm = context.config.farm;
  if (farm.url.empty()) return;
  check_password(farm, findings);
  auto settings = farm_settings(farm, host_name());
  if (!is_farm_host(settings.host)) {
    findings.bad(
        kAbout,
        fmt::format("this machine is called \"{}\", which no host of a farm can be", settings.host),
        "set farm.host");
    return;
  }
  // Without a name: it is the service that others hear of, not this.
  const auto name = std::exchange(settings.host, "");
  auto session = FarmSession::open(settings);
  if (!session)
    return findings.bad(kAbout, session.error().what,
                        "see conf/farm.md; until then each host "
                        "counts alone");
  findings.good(kAbout, fmt::format("{} knows this host, {}", text_of(settings.address), name));
  check_server(session->server(), findings);
  check_clock(session->clock_offset(), findings);
  const auto tried = try_all(session.value(), context.config);
  if (!tried) {
    findings.bad(kAbout, "the user may not do all that is needed: " + tried.error().what,
                 "give it the rights in conf/redis/exiwarden.acl");
  } else {
    findings.good(kAbout, "the user may do all that is needed");
  }
}

#endif

}  // namespace agent
