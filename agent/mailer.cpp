#include "agent/mailer.h"

#include <fmt/format.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "actions/mail.h"
#include "actions/sendmail.h"
#include "actions/smtp.h"

namespace agent {

Mailer::Mailer(NotifyConfig config, std::string host)
    : config_(std::move(config)),
      from_(config_.from.empty() ? "exiwarden@" + host : config_.from),
      event_fd_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
      thread_([this](const std::stop_token& stop) { work(stop); }) {}

Mailer::~Mailer() {
  thread_.request_stop();
  wake_.notify_all();
  thread_.join();
  ::close(event_fd_);
}

bool Mailer::wanted() const {
  return !config_.to.empty() &&
         std::any_of(config_.transports.begin(), config_.transports.end(),
                     [](Transport transport) { return transport != Transport::none; });
}

void Mailer::send(const Notice& notice) {
  const std::lock_guard lock(mutex_);
  waiting_.push_back(notice);
  wake_.notify_one();
}

std::vector<Mailer::Outcome> Mailer::outcomes() {
  std::uint64_t ignored = 0;
  (void)!::read(event_fd_, &ignored, sizeof ignored);
  const std::lock_guard lock(mutex_);
  return std::exchange(done_, {});
}

void Mailer::work(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (wake_.wait(lock, stop, [&] { return !waiting_.empty(); })) {
    if (stop.stop_requested()) return;
    const auto notice = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    Outcome outcome{notice.message_id, attempt(notice)};
    lock.lock();
    done_.push_back(std::move(outcome));
    const std::uint64_t one = 1;
    (void)!::write(event_fd_, &one, sizeof one);
  }
}

std::string Mailer::attempt(const Notice& notice) const {
  const auto message =
      actions::compose({from_, config_.to, notice.subject,
                        std::chrono::sys_seconds(std::chrono::seconds(notice.date)),
                        notice.message_id, notice.body});
  if (!message) return message.error().what;
  std::string errors;
  for (const auto transport : config_.transports) {
    if (transport == Transport::none) return {};
    const auto sent =
        transport == Transport::smtp
            ? actions::send_by_smtp(config_.smtp, config_.to, message.value(), kDeadline)
            : actions::send_by_program(config_.sendmail, config_.to, message.value(), kDeadline);
    if (sent) return {};
    errors += (errors.empty() ? "" : "; ") + sent.error().what;
  }
  return errors;
}

}  // namespace agent
