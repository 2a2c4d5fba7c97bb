#include <fmt/format.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/timex.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>

#include "actions/fd.h"
#include "agent/check/checks.h"
#include "agent/core/digest.h"
#include "agent/follow/inotify.h"
#include "agent/notify/notifier.h"

namespace agent {
namespace {

constexpr int kConnectMilliseconds = 5000;

bool answers(const addrinfo& address) {
  const actions::Fd fd(::socket(address.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return false;
  bool good = ::connect(fd.get(), address.ai_addr, address.ai_addrlen) == 0;
  if (!good && errno == EINPROGRESS) {
    pollfd waiting{fd.get(), POLLOUT, 0};
    int error = 0;
    socklen_t size = sizeof error;
    good = ::poll(&waiting, 1, kConnectMilliseconds) == 1 &&
           ::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0;
  }
  return good;
}

bool answers(const std::string& server) {
  const auto colon = server.rfind(':');
  auto host = server.substr(0, colon);
  if (host.size() > 2 && host.front() == '[') host = host.substr(1, host.size() - 2);
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (::getaddrinfo(host.c_str(), server.substr(colon + 1).c_str(), &hints, &found) != 0)
    return false;
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(found, &::freeaddrinfo);
  for (const auto* one = found; one != nullptr; one = one->ai_next) {
    if (answers(*one)) return true;
  }
  return false;
}

void send_test(const CheckContext& context, Findings& findings) {
  std::array<char, 256> host{};
  (void)::gethostname(host.data(), host.size() - 1);
  Notifier mailer(context.config.notify, host.data());
  Notice notice;
  notice.date = context.now.time_since_epoch().count();
  const auto id = sha256_hex(fmt::format("{} {} {}", host.data(), notice.date, ::getpid()));
  notice.message_id = fmt::format("exiwarden.check.{}@{}", id.substr(0, 16), host.data());
  notice.subject = fmt::format("[{}] exiwarden: a test notice", host.data());
  notice.body = "exiwarden check --send-test sent this. Notices of blocks come the same way.\n";
  mailer.send(notice);
  pollfd waiting{mailer.fd(), POLLIN, 0};
  const auto most = std::chrono::milliseconds(Notifier::kDeadline) *
                    static_cast<int>(context.config.notify.transports.size() + 1);
  (void)::poll(&waiting, 1, static_cast<int>(most.count()));
  const auto outcomes = mailer.outcomes();
  if (outcomes.empty() || !outcomes.front().error.empty()) {
    findings.bad("notice",
                 "the test notice was not accepted: " +
                     (outcomes.empty() ? "no answer" : outcomes.front().error),
                 "see notify.transports, notify.smtp and notify.sendmail");
  } else {
    findings.good("notice", "a test notice was accepted; check that it arrives");
  }
}

}  // namespace

void check_notices(const CheckContext& context, bool send, Findings& findings) {
  const auto& notify = context.config.notify;
  bool somewhere = false, possible = false;
  for (const auto transport : notify.transports) {
    const bool mail = transport == Transport::smtp || transport == Transport::sendmail;
    if (transport == Transport::none || (mail && notify.to.empty())) continue;
    somewhere = true;
    // Whether a web server takes it only --send-test can tell.
    if (transport == Transport::webhook) possible = true;
    if (transport == Transport::exec && ::access(notify.exec.front().c_str(), X_OK) == 0)
      possible = true;
    if (transport == Transport::smtp && answers(notify.smtp)) possible = true;
    if (transport == Transport::sendmail && !notify.sendmail.empty() &&
        ::access(notify.sendmail.front().c_str(), X_OK) == 0)
      possible = true;
  }
  if (!somewhere) {
    return findings.doubtful("notice", "nobody is told of a block",
                             "set notify.to = [\"abuse@...\"]; the service's own log has it");
  }
  if (!possible) {
    return findings.bad(
        "notice",
        fmt::format("no transport works: {} does not answer, and there is no {}", notify.smtp,
                    notify.sendmail.empty() ? "program" : notify.sendmail[0]),
        "see notify.transports, notify.smtp, notify.sendmail and notify.exec");
  }
  if (send) return send_test(context, findings);
  const auto recipients =
      notify.to.empty()
          ? std::string("no mail, exec or webhook only")
          : fmt::format("to {}{}", notify.to.front(), notify.to.size() > 1 ? " and others" : "");
  findings.good("notice", recipients + "; --send-test sends one");
}

void check_machine(const CheckContext& context, Findings& findings) {
  if (const auto inotify = Inotify::open(); !inotify) {
    findings.doubtful("machine", inotify.error().what,
                      "raise fs.inotify.max_user_instances; until then files are polled");
  } else {
    findings.good("machine", "inotify works: changes are seen at once");
  }
  timex time{};
  if (::adjtimex(&time) == TIME_ERROR) {
    findings.doubtful("machine", "the clock is not synchronised",
                      "run chrony or systemd-timesyncd");
  } else {
    findings.good("machine", "the clock is synchronised");
  }
  findings.good("machine", fmt::format("it is {} in the zone of the logs",
                                       context.zone.short_text(context.now)));
}

}  // namespace agent
