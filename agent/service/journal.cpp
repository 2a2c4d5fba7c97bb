#include "agent/service/journal.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/uio.h>
// Where in this file it was sent from is of no use to anybody.
#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>
#include <unistd.h>

#include <cstdlib>

#include "agent/output/decision_text.h"
#include "agent/values/printable.h"

namespace agent {
namespace {

// What each kind of news is known by.
constexpr const char* kBlocked = "d4fc0a8867d84dc597ac22058ffb3816";
constexpr const char* kWatched = "d129692f7c654b7c8c6d881b5a2a47e7";
constexpr const char* kTrial = "5be9c1f2a06d4b0e9d7a4a0c1c3f8e52";

bool is_journal(int fd, const char* stream) {
  struct stat info{};
  return ::fstat(fd, &info) == 0 && fmt::format("{}:{}", info.st_dev, info.st_ino) == stream;
}

}  // namespace

bool journal_is_there() {
  const char* stream = std::getenv("JOURNAL_STREAM");
  return stream != nullptr && is_journal(STDERR_FILENO, stream) &&
         is_journal(STDOUT_FILENO, stream);
}

std::vector<std::string> journal_fields(const Decision& decision, News news, const Zone& zone) {
  const char* said = news == News::blocked   ? "blocked"
                     : news == News::watched ? "watched"
                                             : "trial";
  const char* id = news == News::blocked ? kBlocked : news == News::watched ? kWatched : kTrial;
  std::vector<std::string> fields{fmt::format("MESSAGE={} {}", said, text_of(decision, zone)),
                                  fmt::format("MESSAGE_ID={}", id),
                                  "PRIORITY=4",
                                  fmt::format("EXIWARDEN_RULE={}", printable(decision.rule)),
                                  fmt::format("EXIWARDEN_KIND={}", name_of(decision.identity_kind)),
                                  fmt::format("EXIWARDEN_LIST={}", printable(decision.list)),
                                  fmt::format("COUNT={}", decision.count),
                                  fmt::format("LIMIT={}", decision.limit),
                                  fmt::format("WINDOW_SEC={}", decision.period.count())};
  const bool relay = is_by_address(decision.identity_kind);
  fields.push_back(
      fmt::format("{}={}", relay ? "EXIM_HOST" : "EXIM_USER", printable(decision.identity)));
  for (const auto& host : decision.hosts) {
    if (!relay) fields.push_back("EXIM_HOST=" + printable(host.host));
  }
  return fields;
}

bool send_to_journal(const std::vector<std::string>& fields) {
  std::vector<iovec> parts;
  for (const auto& field : fields) {
    // The journal's interface takes it without const, but only reads.
    parts.push_back({const_cast<char*>(field.data()), field.size()});
  }
  // Without the socket the library throws the entry away, and says that all is well.
  return ::access("/run/systemd/journal/socket", F_OK) == 0 &&
         ::sd_journal_sendv(parts.data(), static_cast<int>(parts.size())) == 0;
}

bool send_to_journal(const std::string& text, int priority) {
  return send_to_journal({"MESSAGE=" + printable(text), fmt::format("PRIORITY={}", priority)});
}

}  // namespace agent
