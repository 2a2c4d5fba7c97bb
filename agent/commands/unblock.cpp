// unblock and release: take senders out of the lists, and thaw or delete their frozen mail.
// The service, if it runs, sees the file change and starts a fresh window.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <iostream>

#include "actions/exim/exim_queue.h"
#include "actions/posix_files.h"
#include "agent/commands/command.h"
#include "agent/commands/hand.h"
#include "agent/commands/list_scope.h"
#include "agent/core/attribution.h"
#include "agent/history/hand_notes.h"
#include "agent/output/complain.h"
#include "agent/output/terminal.h"
#include "agent/output/text_table.h"
#include "agent/service/queue_match.h"
#include "agent/state/checkpoint.h"
#include "agent/values/printable.h"

namespace agent {
namespace {

enum class Mail { leave, thaw, remove };

struct Listed {
  ScopedList list;
  actions::ListEntry entry;
};

struct Sender {
  IdentityKind kind;
  std::string identity;
  std::size_t argument;  // which one meant it
};

std::string in_kib(std::uint64_t bytes) {
  return fmt::format("{} KiB", (bytes + 1023) / 1024);
}

class Unblock {
 public:
  Unblock(const Invocation& invocation, std::vector<ScopedList> lists, Mail mail)
      : invocation_(invocation),
        lists_(std::move(lists)),
        mail_(mail),
        tables_(tables_of(invocation.config)),
        queue_(invocation.config.exim.binary),
        found_(invocation.arguments.size()) {}

  Exit run() {
    dry_run_ = invocation_.options.count("dry-run") > 0;
    if (invocation_.output == Output::csv) fmt::print("{}\n", list_record({}).csv_header());
    look();
    if (mail_ != Mail::leave) look_into_queue();
    // What can't be done whole is not begun.
    if (mail_ == Mail::remove && exit_ != kDone) return exit_;
    if (dry_run_) return say_what_would_be();
    if (mail_ == Mail::remove && !frozen_.empty()) {
      if (!agreed()) return kNo;
      change_mail();
      if (exit_ != kDone) return exit_;
    }
    free();
    if (mail_ == Mail::thaw && !frozen_.empty()) change_mail();
    return verdict();
  }

 private:
  void fail(const actions::Error& error) { exit_ = complain_of(error); }

  Exit verdict() {
    say_pending();
    if (exit_ != kDone) return exit_;
    say_unmatched(invocation_.arguments, found_, known_);
    return std::find(found_.begin(), found_.end(), false) == found_.end() ? kDone : kNo;
  }

  Exit say_what_would_be() {
    for (const auto& one : listed_) report(one);
    const bool thaw = mail_ == Mail::thaw;
    for (const auto& message : frozen_) report(message, thaw);
    if (mail_ != Mail::leave && invocation_.output == Output::text) {
      fmt::print("would {} {}\n", thaw ? "thaw" : "delete",
                 counted(frozen_.size(), "frozen message"));
    }
    return verdict();
  }

  // Who is meant: in which list, and as which sender.
  void look() {
    const bool exact = invocation_.options.count("exact") > 0;
    for (const auto& list : lists_) {
      const auto view = actions::Blocklist(files_, list.path, {}).read();
      if (!view) {
        fail(view.error());
        continue;
      }
      const auto& entries = view.value().entries;
      for (const auto& entry : entries) known_.push_back(entry.key);
      for (std::size_t i = 0; i < invocation_.arguments.size(); ++i) {
        const auto& identity = invocation_.arguments[i];
        const auto wanted = meant(list, entries, {identity}, exact);
        for (const auto at : wanted.entries) {
          found_[i] = true;
          listed_.push_back({list, entries[at]});
          senders_.push_back({list.kind, entries[at].key, i});
        }
        // Freed already, but some of its mail may be frozen.
        if (wanted.entries.empty() && (exact || !is_glob(identity)))
          senders_.push_back({list.kind, key_in(list, identity), i});
      }
    }
  }

  // A block whose list can't be written is in no list yet, and will be.
  void say_pending() {
    constexpr std::size_t kMaxState = std::size_t{1} << 30;
    const auto saved = files_.read(invocation_.config.state.directory + "/checkpoint", kMaxState);
    if (!saved) return;
    const auto decoded = decode_checkpoint(saved.value().bytes);
    if (!decoded) return;
    for (std::size_t i = 0; i < found_.size(); ++i) {
      if (found_[i]) continue;
      for (const auto& block : decoded->pending) {
        if (folded(block.identity) != folded(invocation_.arguments[i])) continue;
        complain(
            fmt::format("{} will be blocked as soon as {} can be written; to prevent "
                        "that, add it to exempt.users and reload",
                        block.identity, block.list));
      }
    }
  }

  void look_into_queue() {
    const auto messages = queue_.messages();
    if (!messages) return fail(messages.error());
    for (const auto& message : messages.value()) {
      if (!message.frozen) continue;
      bool wanted = false;
      for (const auto& sender : senders_) {
        if (!sent_by(message, sender.kind, sender.identity, tables_->identities)) continue;
        wanted = found_[sender.argument] = true;
      }
      if (wanted) frozen_.push_back(message);
    }
  }

  // Asks on standard error, so that standard output holds results only.
  [[nodiscard]] bool agreed() const {
    std::uint64_t bytes = 0;
    for (const auto& message : frozen_) bytes += message.size;
    const auto what =
        fmt::format("{}, {}", counted(frozen_.size(), "frozen message"), in_kib(bytes));
    if (invocation_.options.count("yes") > 0) return true;
    if (::isatty(STDIN_FILENO) == 0) {
      complain(fmt::format("{}: not deleted, nobody to ask; --yes deletes them", what));
      return false;
    }
    fmt::print(stderr, "Delete {}? [y/N] ", what);
    std::string answer;
    std::getline(std::cin, answer);
    if (answer == "y" || answer == "Y" || answer == "yes") return true;
    complain("nothing was changed");
    return false;
  }

  // Before it is done: the service sees the lines go, and asks who it was.
  void leave_note() {
    if (listed_.empty()) return;
    const auto& reason = invocation_.options["reason"];
    const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
    std::vector<HandNotes::Note> notes;
    for (const auto& one : listed_) {
      const auto key = folded(one.entry.key);
      if (!notes.empty() && notes.back().key == key) continue;
      notes.push_back({key, now, printable(hand(), 40),
                       reason.empty() ? "" : printable(reason.as<std::string>())});
    }
    HandNotes file(files_, invocation_.config.state.directory);
    const auto noted = patiently([&] { return file.add(notes); });
    if (!noted && noted.error().code != actions::Errc::not_found) {
      complain(fmt::format("note: the history will not say that it was you: {}",
                           printable(noted.error().what)));
    }
  }

  void free() {
    leave_note();
    for (const auto& list : lists_) {
      std::vector<std::string> keys;
      for (const auto& one : listed_) {
        if (one.list.path == list.path) keys.push_back(one.entry.key);
      }
      if (keys.empty()) continue;
      actions::Blocklist file(files_, list.path, {});
      const auto removed = patiently([&] { return file.remove(keys); });
      if (!removed) {
        fail(removed.error());
        continue;
      }
      for (const auto& one : listed_) {
        if (one.list.path == list.path) report(one);
      }
    }
  }

  // Exim does not say reliably what became of a message: look at the queue again.
  void change_mail() {
    std::vector<std::string> ids;
    for (const auto& message : frozen_) ids.push_back(message.id);
    const bool thaw = mail_ == Mail::thaw;
    const auto done = queue_.order(
        thaw ? actions::EximQueue::Order::thaw : actions::EximQueue::Order::remove, ids);
    if (!done) return fail(done.error());
    const auto after = queue_.messages();
    if (!after) return fail(after.error());
    std::size_t changed = 0;
    for (const auto& message : frozen_) {
      const auto left =
          std::find_if(after.value().begin(), after.value().end(),
                       [&](const actions::QueuedMessage& other) { return other.id == message.id; });
      if (left != after.value().end() && (!thaw || left->frozen)) {
        complain(fmt::format("{} is still {}", message.id, thaw ? "frozen" : "there"));
        exit_ = kUnavailable;
        continue;
      }
      ++changed;
      report(message, thaw);
    }
    if (invocation_.output != Output::text) return;
    fmt::print("{} {}{}\n", thaw ? "thawed" : "deleted", counted(changed, "message"),
               thaw ? "; Exim delivers in its next queue run" : "");
  }

  [[nodiscard]] OutputRow list_record(const Listed& listed) const {
    auto record = row_of(listed.list, listed.entry);
    record.add("change", dry_run_ ? "would be freed" : "freed")
        .add_optional("message_id", std::nullopt);
    return record;
  }

  void print(const OutputRow& record) const {
    fmt::print("{}\n", invocation_.output == Output::csv ? record.csv() : record.json());
  }

  void report(const Listed& listed) const {
    if (invocation_.output != Output::text) return print(list_record(listed));
    const auto text = fmt::format("{} {} from {}", dry_run_ ? "would free" : "freed",
                                  printable(listed.entry.key), printable(listed.list.path));
    fmt::print("{}\n", Terminal::standard_output().wrapped(text, 4));
  }

  void report(const actions::QueuedMessage& message, bool thaw) const {
    if (invocation_.output == Output::text) return;
    const auto sender = std::find_if(senders_.begin(), senders_.end(), [&](const Sender& known) {
      return sent_by(message, known.kind, known.identity, tables_->identities);
    });
    OutputRow record;
    record.add_optional("list", std::nullopt)
        .add_optional("rule", std::nullopt)
        .add("identity", sender->identity)
        .add_optional("data", std::nullopt)
        .add("change", std::string(dry_run_ ? "would be " : "") + (thaw ? "thawed" : "deleted"))
        .add("message_id", message.id);
    print(record);
  }

  const Invocation& invocation_;
  std::vector<ScopedList> lists_;
  Mail mail_;
  std::shared_ptr<const IdentityTables> tables_;
  actions::PosixFiles files_;
  actions::EximQueue queue_;
  std::vector<bool> found_;  // beside the arguments
  std::vector<std::string> known_;
  std::vector<Listed> listed_;
  std::vector<Sender> senders_;
  std::vector<actions::QueuedMessage> frozen_;
  bool dry_run_ = false;
  Exit exit_ = kDone;
};

Exit run(const Invocation& invocation, Mail mail) {
  if (invocation.arguments.empty()) return no_identity(mail == Mail::thaw ? "release" : "unblock");
  auto chosen = chosen_lists(invocation);
  if (!chosen) return chosen.error();
  return Unblock(invocation, std::move(chosen).value(), mail).run();
}

}  // namespace

Exit run_unblock(const Invocation& invocation) {
  const bool thaw = invocation.options.count("release") > 0;
  const bool remove = invocation.options.count("delete") > 0;
  if (thaw && remove) {
    complain("--release and --delete exclude each other");
    return kUsage;
  }
  return run(invocation, thaw ? Mail::thaw : remove ? Mail::remove : Mail::leave);
}

Exit run_release(const Invocation& invocation) {
  return run(invocation, Mail::thaw);
}

}  // namespace agent
