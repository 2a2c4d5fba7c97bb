#include "agent/notify/notifier.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "actions/send/mail.h"
#include "actions/send/sendmail.h"
#include "actions/send/smtp.h"
#include "actions/send/webhook.h"
#include "agent/notify/customer_addresses.h"
#include "agent/notify/notice_json.h"
#include "agent/values/printable.h"

namespace agent {
namespace {

bool is_mail(Transport transport) {
  return transport == Transport::smtp || transport == Transport::sendmail;
}

// A transport, and where it hands over to, for people.
std::string shown(const NotifyConfig& config, Transport transport) {
  switch (transport) {
    case Transport::smtp:
      return "smtp " + config.smtp;
    case Transport::sendmail:
      return "sendmail " + config.sendmail.front();
    case Transport::exec:
      return "exec " + config.exec.front();
    case Transport::webhook:
      return "webhook " + actions::shown_address(config.webhook);
    case Transport::none:
      break;
  }
  return "none";
}

// Not every name that a machine can have is one that mail can come from.
std::string default_sender(const std::string& host) {
  const auto sender = "exiwarden@" + host;
  return actions::is_mail_address(sender) ? sender : "exiwarden@localhost";
}

}  // namespace

bool wants_notices(const NotifyConfig& config) {
  return std::any_of(config.transports.begin(), config.transports.end(), [&](Transport transport) {
    return transport != Transport::none &&
           (!config.to.empty() || !config.to_file.empty() || !is_mail(transport));
  });
}

Notifier::Notifier(NotifyConfig config, std::string host)
    : host_(std::move(host)),
      config_(std::move(config)),
      thread_([this](const std::stop_token& stop) { work(stop); }) {}

Notifier::~Notifier() {
  thread_.request_stop();
  wake_.notify_all();
  thread_.join();
}

void Notifier::send(const Notice& mail) {
  const std::lock_guard lock(mutex_);
  waiting_.push_back(mail);
  under_way_ = true;
  wake_.notify_one();
}

void Notifier::configure(const NotifyConfig& config) {
  const std::lock_guard lock(mutex_);
  config_ = config;
}

std::vector<NoticeSender::Outcome> Notifier::outcomes() {
  const std::lock_guard lock(mutex_);
  if (done_.empty()) return {};  // then the descriptor is not readable either
  done_fd_.drain();
  return std::exchange(done_, {});
}

void Notifier::wait(std::chrono::milliseconds most) {
  std::unique_lock lock(mutex_);
  ended_.wait_for(lock, most, [&] { return !under_way_; });
}

bool Notifier::busy() const {
  const std::lock_guard lock(mutex_);
  return under_way_;
}

void Notifier::work(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (wake_.wait(lock, stop, [&] { return !waiting_.empty(); })) {
    if (stop.stop_requested()) return;
    const auto mail = std::move(waiting_.front());
    waiting_.pop_front();
    const auto config = config_;
    lock.unlock();
    const auto from = config.from.empty() ? default_sender(host_) : config.from;
    auto outcome = attempt(config, from, mail);
    lock.lock();
    done_.push_back(std::move(outcome));
    under_way_ = !waiting_.empty();
    ended_.notify_all();
    done_fd_.signal();
  }
}

NoticeSender::Outcome Notifier::attempt(const NotifyConfig& config, const std::string& from,
                                        const Notice& mail) {
  auto to = config.to;
  if (!config.to_file.empty()) {
    const auto subject = subject_of(mail);
    auto found = customer_addresses(config.to_file, subject.identity);
    if (!found) return {mail.message_id, found.error()};
    to = std::move(found).value();
    if (to.empty())
      return {mail.message_id, "", "nobody", "",
              fmt::format("{} has no address for {}", printable(config.to_file),
                          printable(subject.identity, 80))};
  }
  const auto by_mail = [&](Transport transport) -> actions::Result<actions::Done> {
    const auto message = actions::compose(
        {from, to, mail.subject, std::chrono::sys_seconds(std::chrono::seconds(mail.date)),
         mail.message_id, mail.body, mail.page});
    if (!message) return message.error();
    return transport == Transport::smtp
               ? actions::send_by_smtp(config.smtp, to, message.value(), kDeadline)
               : actions::send_by_program(config.sendmail, to, message.value(), kDeadline);
  };
  std::string errors;
  for (const auto transport : config.transports) {
    if (transport == Transport::none) return {mail.message_id, "", "none", errors};
    if (is_mail(transport) && to.empty()) continue;
    const auto sent = transport == Transport::exec
                          ? actions::hand_to_program(config.exec, notice_environment(mail),
                                                     notice_json(mail), kDeadline)
                      : transport == Transport::webhook
                          ? actions::post_json(config.webhook, notice_json(mail), kDeadline)
                          : by_mail(transport);
    if (sent) return {mail.message_id, "", shown(config, transport), errors};
    errors += (errors.empty() ? "" : "; ") + sent.error().what;
  }
  return {mail.message_id, errors};
}

}  // namespace agent
