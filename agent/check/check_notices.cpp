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
#include "agent/notify/customer_addresses.h"
#include "agent/notify/notifier.h"
#include "agent/values/digest.h"
#include "agent/values/printable.h"

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
// ended. `action`: see kSendTestAlone.
actions::Result<actions::Ended> send_within(const ServiceUnit& unit, const std::string& config,
                                            const std::string& action) {
  const auto systemd_run = program_in_path("systemd-run");
  if (systemd_run.empty()) return actions::Error{actions::Errc::not_found, 0, "no systemd-run"};
  std::error_code error;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", error).string();
  std::vector<std::string> argv{systemd_run, "--quiet", "--wait", "--pipe", "--collect"};
  const auto limits = unit.limits();
  argv.insert(argv.end(), limits.begin(), limits.end());
  argv.insert(argv.end(),
              {"-E", std::string(kSendTestAlone) + "=" + action, "--", program, "check", "--config",
               std::filesystem::absolute(config, error).string(), "--send-test"});
  actions::ProgramOptions options;
  options.deadline = std::chrono::minutes(3);
  options.limit = options.errors_limit = 4096;
  return actions::run_program(argv, "", options);
}

// Where a test notice goes: the chain of [notify], or one action.
struct Destination {
  const NotifyConfig& via;
  std::string action;  // its name; "" for [notify]
  [[nodiscard]] std::string about() const { return action.empty() ? "notice" : "action"; }
  [[nodiscard]] std::string prefix() const { return action.empty() ? "" : action + ": "; }
  [[nodiscard]] std::string advice() const {
    return action.empty() ? "see notify.transports, notify.smtp and notify.sendmail"
                          : "see [[action]] in exiwarden.toml(5)";
  }
};

void add_outcome(const Destination& to, const TestNotice& test, const std::string& where,
                 Findings& findings) {
  if (!test.accepted) {
    findings.bad(
        to.about(),
        fmt::format("{}the test notice was not accepted{}: {}", to.prefix(), where, test.said),
        to.advice());
  } else {
    findings.good(to.about(),
                  fmt::format("{}a test notice was accepted by {}{}; check that it arrives",
                              to.prefix(), test.said, where));
  }
}

// In the service's place where that can be done; else here, which proves less, and it is said.
void send_test(const CheckContext& context, const Destination& to, Findings& findings) {
  if (context.unit && ::geteuid() == 0) {
    const auto ended = send_within(*context.unit, context.config_path,
                                   to.action.empty() ? "1" : "action:" + to.action);
    const auto said = ended ? actions::cleaned(ended->output) : "";
    if (ended && !said.empty() && (ended->exit_status == 0 || ended->exit_status == 1))
      return add_outcome(to, {ended->exit_status == 0, said},
                         fmt::format(" within the service's limits, as {}", context.unit->user()),
                         findings);
    findings.doubtful(
        to.about(),
        fmt::format("{}could not send within the service's limits: {}", to.prefix(),
                    !ended ? ended.error().what
                           : fmt::format("systemd-run ended with {}: {}", ended->exit_status,
                                         actions::cleaned(ended->errors))),
        "the line below is about this shell; the first notice shows whether the service can");
    return add_outcome(to, send_test_notice(to.via, context.now), " from this shell", findings);
  }
  add_outcome(to, send_test_notice(to.via, context.now), "", findings);
  if (context.service_name != "the caller" || context.unit)
    findings.doubtful(
        to.about(), to.prefix() + "that was sent by this shell, not within the service's limits",
        context.unit ? "run check as root to try it there"
                     : "systemd does not run the service here; the first notice shows "
                       "whether it can");
}

// Returns why libcurl, by which this is handed over, can't be loaded; "" if it is not so.
std::string curl_fault(Transport transport) {
  if (transport != Transport::webhook && transport != Transport::smtp) return {};
  const auto curl = actions::load_curl();
  return curl ? std::string() : curl.error().what;
}

// Whether a web server takes it only --send-test can tell.
bool may_work(const NotifyConfig& via, Transport transport) {
  if (!curl_fault(transport).empty()) return false;
  switch (transport) {
    case Transport::webhook:
      return true;
    case Transport::exec:
      return ::access(via.exec.front().c_str(), X_OK) == 0;
    case Transport::smtp:
      return answers(via.smtp);
    case Transport::sendmail:
      return !via.sendmail.empty() && ::access(via.sendmail.front().c_str(), X_OK) == 0;
    case Transport::none:
      break;
  }
  return false;
}

// What an action that can't work would need, for people.
std::string needed(const NotifyConfig& via) {
  if (auto fault = curl_fault(via.transports.front()); !fault.empty()) return fault;
  switch (via.transports.front()) {
    case Transport::smtp:
      return via.smtp + " does not answer";
    case Transport::exec:
      return via.exec.front() + " can't be run";
    case Transport::sendmail:
      return (via.sendmail.empty() ? "the program" : via.sendmail.front()) + " can't be run";
    default:
      return "its transport does not work";
  }
}

void check_action(const CheckContext& context, const ActionConfig& action, bool send,
                  Findings& findings) {
  const Destination to{action.via, action.name};
  const auto transport = action.via.transports.front();
  if (!may_work(action.via, transport))
    return findings.bad("action", to.prefix() + needed(action.via), to.advice());
  if (!action.via.to_file.empty()) {
    const auto wrong = customer_file_problem(action.via.to_file);
    if (!wrong.empty())
      return findings.bad("action", to.prefix() + wrong,
                          "a line is \"alice: alice@example.org\" or \"example.org: "
                          "postmaster@example.org\"");
    return findings.good("action", fmt::format("{}to the addresses in {}{}", to.prefix(),
                                               printable(action.via.to_file),
                                               send ? "; nobody there gets a test" : ""));
  }
  if (send) return send_test(context, to, findings);
  std::vector<std::string> edges;
  for (const auto edge : action.on) edges.emplace_back(name_of(edge));
  findings.good("action",
                fmt::format("{}on {}; --send-test tries it", to.prefix(), fmt::join(edges, ", ")));
}

}  // namespace

TestNotice send_test_notice(const NotifyConfig& via, Instant now) {
  std::array<char, 256> host{};
  (void)::gethostname(host.data(), host.size() - 1);
  Notifier mailer(via, host.data());
  Notice notice;
  notice.date = now.time_since_epoch().count();
  const auto id = sha256_hex(fmt::format("{} {} {}", host.data(), notice.date, ::getpid()));
  notice.message_id = fmt::format("exiwarden.check.{}@{}", id.substr(0, 16), host.data());
  notice.subject = fmt::format("[{}] exiwarden: a test notice", host.data());
  notice.body = "exiwarden check --send-test sent this. Notices of blocks come the same way.\n";
  notice.data = R"({"event":"test"})";  // what a program tells it by
  mailer.send(notice);
  pollfd waiting{mailer.fd(), POLLIN, 0};
  const auto most =
      std::chrono::milliseconds(Notifier::kDeadline) * static_cast<int>(via.transports.size() + 1);
  (void)::poll(&waiting, 1, static_cast<int>(most.count()));
  const auto outcomes = mailer.outcomes();
  if (outcomes.empty()) return {false, "no answer"};
  const auto& outcome = outcomes.front();
  if (!outcome.error.empty()) return {false, outcome.error};
  return {true, outcome.taker +
                    (outcome.refusals.empty() ? "" : " (before it: " + outcome.refusals + ")")};
}

void check_notices(const CheckContext& context, bool send, Findings& findings) {
  const auto& notify = context.config.notify;
  bool somewhere = false, possible = false;
  std::string fault;
  for (const auto transport : notify.transports) {
    const bool mail = transport == Transport::smtp || transport == Transport::sendmail;
    if (transport == Transport::none || (mail && notify.to.empty())) continue;
    somewhere = true;
    if (may_work(notify, transport)) possible = true;
    if (fault.empty()) fault = curl_fault(transport);
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
  if (send) return send_test(context, {notify, ""}, findings);
  const auto recipients =
      notify.to.empty()
          ? std::string("no mail, exec or webhook only")
          : fmt::format("to {}{}", notify.to.front(), notify.to.size() > 1 ? " and others" : "");
  findings.good("notice", recipients + "; --send-test sends one");
}

void check_actions(const CheckContext& context, bool send, Findings& findings) {
  for (const auto& action : context.config.actions) check_action(context, action, send, findings);
}

}  // namespace agent
