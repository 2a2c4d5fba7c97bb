#include "agent/commands/frozen_mail.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <vector>

#include "actions/exim/exim_queue.h"
#include "actions/new_directory.h"
#include "agent/output/complain.h"
#include "agent/output/output_row.h"
#include "agent/output/text_table.h"
#include "agent/service/queue_match.h"
#include "agent/values/digest.h"
#include "agent/values/network.h"

namespace agent {
namespace {

using namespace std::chrono_literals;

// Of all messages, and the time for all of them.
constexpr std::uint64_t kMostBytes = std::uint64_t{1} << 30;
constexpr std::chrono::minutes kMostTime{10};

class FrozenCopies {
 public:
  FrozenCopies(const actions::EximQueue& queue, actions::NewDirectory directory, const Zone& zone)
      : queue_(queue), directory_(std::move(directory)), zone_(zone) {}

  // Returns an error if nothing more can be written.
  actions::Result<actions::Done> copy(const actions::QueuedMessage& message) {
    const auto envelope = queue_.text(actions::EximQueue::Text::envelope, message.id);
    const auto whole = queue_.text(actions::EximQueue::Text::whole, message.id);
    if (!envelope || !whole) {
      leave_out(message, (!envelope ? envelope.error() : whole.error()).what);
      return actions::Done{};
    }
    for (const auto& [suffix, text] :
         {std::pair{".eml", &whole.value()}, std::pair{".envelope", &envelope.value()}}) {
      const auto name = message.id + suffix;
      if (auto written = directory_.write(name, *text); !written) return written;
      add_row(message, name, *text);
    }
    ++copied_;
    return actions::Done{};
  }
  void leave_out(const actions::QueuedMessage& message, const std::string& why) {
    complain(fmt::format("left out {}: {}", message.id, why));
    ++left_out_;
  }
  actions::Result<actions::Done> finish() { return directory_.write("manifest.csv", manifest_); }
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }
  [[nodiscard]] std::size_t copied() const { return copied_; }
  [[nodiscard]] std::size_t left_out() const { return left_out_; }

 private:
  void add_row(const actions::QueuedMessage& message, const std::string& file,
               const std::string& text) {
    OutputRow row;
    row.add("file", file)
        .add("sha256", sha256_hex(text))
        .add("bytes", text.size())
        .add("message_id", message.id)
        .add("received", zone_.text(Instant(std::chrono::seconds(message.received))))
        .add("host", message.host)
        .add("user", message.user);
    if (manifest_.empty()) manifest_ = row.csv_header() + "\r\n";
    manifest_ += row.csv() + "\r\n";
    bytes_ += text.size();
  }

  const actions::EximQueue& queue_;
  actions::NewDirectory directory_;
  const Zone& zone_;
  std::string manifest_;
  std::uint64_t bytes_ = 0;
  std::size_t copied_ = 0, left_out_ = 0;
};

bool is_of(const actions::QueuedMessage& message, const std::string& identity,
           const IdentityMap& map) {
  const auto kinds = {IdentityKind::user, IdentityKind::relay, IdentityKind::local};
  return std::any_of(kinds.begin(), kinds.end(),
                     [&](IdentityKind kind) { return sent_by(message, kind, identity, map); });
}

Exit no_copy(const actions::Error& error, Exit otherwise) {
  complain(error.what);
  return error.code == actions::Errc::denied ? kNotPermitted : otherwise;
}

}  // namespace

Exit copy_frozen_mail(const Invocation& invocation, const Config& config,
                      const IdentityTables& tables, const Zone& zone, const std::string& identity) {
  const auto path = invocation.options["mail"].as<std::string>();
  const std::size_t most = invocation.options["messages"].as<std::uint32_t>();
  const actions::EximQueue queue(config.exim.binary);
  auto messages = queue.messages();
  if (!messages) return no_copy(messages.error(), kUnavailable);
  auto& frozen = messages.value();
  std::erase_if(frozen, [&](const auto& message) {
    return !message.frozen || !is_of(message, identity, tables.identities);
  });
  if (frozen.empty()) {
    complain(fmt::format("no frozen message of {} in the queue; {} was not made", identity, path));
    return kNo;
  }
  std::sort(frozen.begin(), frozen.end(), [](const auto& a, const auto& b) {
    return a.received != b.received ? a.received < b.received : a.id < b.id;
  });
  auto directory = actions::NewDirectory::make(path);
  if (!directory) return no_copy(directory.error(), kCantCreate);
  FrozenCopies copies(queue, std::move(directory.value()), zone);
  const auto end = std::chrono::steady_clock::now() + kMostTime;
  std::size_t at = 0;
  const char* bound = nullptr;
  for (; at < frozen.size(); ++at) {
    bound = at >= most                                      ? "--messages"
            : copies.bytes() + frozen[at].size > kMostBytes ? "1 GiB in all"
            : std::chrono::steady_clock::now() >= end       ? "ten minutes"
                                                            : nullptr;
    if (bound != nullptr) break;
    if (const auto copied = copies.copy(frozen[at]); !copied)
      return no_copy(copied.error(), kIoError);
  }
  if (const auto written = copies.finish(); !written) return no_copy(written.error(), kIoError);
  complain(fmt::format("wrote {}, {} bytes, and manifest.csv into {}",
                       counted(copies.copied(), "frozen message"), grouped(copies.bytes()), path));
  if (bound != nullptr)
    complain(
        fmt::format("left out the {} newest: more than {}", grouped(frozen.size() - at), bound));
  return copies.left_out() > 0 ? kNo : kDone;
}

}  // namespace agent
