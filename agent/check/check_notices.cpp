// Whether notices can be handed over, as far as it can be told without one, or by sending one.
#include <fmt/format.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>

#include "actions/fd.h"
#include "actions/program.h"
#include "actions/send/curl.h"
#include "agent/check/checks.h"
#include "agent/core/digest.h"
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

// Runs this program again within the unit's limits, to send one notice: what it said and how it
// ended.
actions::Result<actions::Ended> send_within(const ServiceUnit& unit, const std::string& config) {
  const auto systemd_run = program_in_path("systemd-run");
  if (systemd_run.empty()) return actions::Error{actions::Errc::not_found, 0, "no systemd-run"};
  std::error_code error;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", error).string();
  std::vector<std::string> argv{systemd_run, "--quiet", "--wait", "--pipe", "--collect"};
  const auto limits = unit.limits();
  argv.insert(argv.end(), limits.begin(), limits.end());
  argv.insert(argv.end(),
              {"-E", std::string(kSendTestAlone) + "=1", "--", program, "check", "--config",
               std::filesystem::absolute(config, error).string(), "--send-test"});
  actions::ProgramOptions options;
  options.deadline = std::chrono::minutes(3);
  options.limit = options.errors_limit = 4096;
  return actions::run_program(argv, "", options);
}

void add_outcome(const TestNotice& test, const std::string& where, Findings& findings) {
  if (!test.accepted) {
    findings.bad("notice", fmt::format("the test notice was not accepted{}: {}", where, test.said),
                 "see notify.transports, notify.smtp and notify.sendmail");
  } else {
    findings.good("notice", fmt::format("a test notice was accepted by {}{}; check that it arrives",
                                        test.said, where));
  }
}

// In the service's place where that can be done; else here, which proves less, and it is said.
void send_test(const CheckContext& context, Findings& findings) {
  if (context.unit && ::geteuid() == 0) {
    const auto ended = send_within(*context.unit, context.config_path);
    const auto said = ended ? actions::cleaned(ended->output) : "";
    if (ended && !said.empty() && (ended->exit_status == 0 || ended->exit_status == 1))
      return add_outcome({ended->exit_status == 0, said},
                         fmt::format(" within the service's limits, as {}", context.unit->user()),
                         findings);
    findings.doubtful(
        "notice",
        fmt::format("could not send within the service's limits: {}",
                    !ended ? ended.error().what
                           : fmt::format("systemd-run ended with {}: {}", ended->exit_status,
                                         actions::cleaned(ended->errors))),
        "the line below is about this shell; the first notice shows whether the service can");
    return add_outcome(send_test_notice(context.config, context.now), " from this shell", findings);
  }
  add_outcome(send_test_notice(context.config, context.now), "", findings);
  if (context.service_name != "the caller" || context.unit)
    findings.doubtful("notice", "that was sent by this shell, not within the service's limits",
                      context.unit
                          ? "run check as root to try it there"
                          : "systemd does not run the service here; the first notice shows "
                            "whether it can");
}

}  // namespace

TestNotice send_test_notice(const Config& config, Instant now) {
  std::array<char, 256> host{};
  (void)::gethostname(host.data(), host.size() - 1);
  Notifier mailer(config.notify, host.data());
  Notice notice;
  notice.date = now.time_since_epoch().count();
  const auto id = sha256_hex(fmt::format("{} {} {}", host.data(), notice.date, ::getpid()));
  notice.message_id = fmt::format("exiwarden.check.{}@{}", id.substr(0, 16), host.data());
  notice.subject = fmt::format("[{}] exiwarden: a test notice", host.data());
  notice.body = "exiwarden check --send-test sent this. Notices of blocks come the same way.\n";
  mailer.send(notice);
  pollfd waiting{mailer.fd(), POLLIN, 0};
  const auto most = std::chrono::milliseconds(Notifier::kDeadline) *
                    static_cast<int>(config.notify.transports.size() + 1);
  (void)::poll(&waiting, 1, static_cast<int>(most.count()));
  const auto outcomes = mailer.outcomes();
  if (outcomes.empty()) return {false, "no answer"};
  const auto& [message_id, error, taker, refusals] = outcomes.front();
  if (!error.empty()) return {false, error};
  return {true, taker + (refusals.empty() ? "" : " (before it: " + refusals + ")")};
}

void check_notices(const CheckContext& context, bool send, Findings& findings) {
  const auto& notify = context.config.notify;
  bool somewhere = false, possible = false;
  std::string fault;
  const auto loads_curl = [&] {
    const auto curl = actions::load_curl();
    if (!curl) fault = curl.error().what;
    return static_cast<bool>(curl);
  };
  for (const auto transport : notify.transports) {
    const bool mail = transport == Transport::smtp || transport == Transport::sendmail;
    if (transport == Transport::none || (mail && notify.to.empty())) continue;
    somewhere = true;
    // Whether a web server takes it only --send-test can tell.
    if (transport == Transport::webhook && loads_curl()) possible = true;
    if (transport == Transport::exec && ::access(notify.exec.front().c_str(), X_OK) == 0)
      possible = true;
    if (transport == Transport::smtp && loads_curl() && answers(notify.smtp)) possible = true;
    if (transport == Transport::sendmail && !notify.sendmail.empty() &&
        ::access(notify.sendmail.front().c_str(), X_OK) == 0)
      possible = true;
  }
  if (!somewhere) {
    return findings.doubtful("notice", "nobody is told of a block",
                             "set notify.to = [\"abuse@...\"]; the service's own log has it");
  }
  if (!possible) {
    return findings.bad("notice",
                        fmt::format("no transport works: {}, and there is no {}",
                                    fault.empty() ? notify.smtp + " does not answer" : fault,
                                    notify.sendmail.empty() ? "program" : notify.sendmail[0]),
                        "see notify.transports, notify.smtp, notify.sendmail and notify.exec");
  }
  if (!fault.empty()) findings.doubtful("notice", fault, "install libcurl4");
  if (send) return send_test(context, findings);
  const auto recipients =
      notify.to.empty()
          ? std::string("no mail, exec or webhook only")
          : fmt::format("to {}{}", notify.to.front(), notify.to.size() > 1 ? " and others" : "");
  findings.good("notice", recipients + "; --send-test sends one");
}

}  // namespace agent
