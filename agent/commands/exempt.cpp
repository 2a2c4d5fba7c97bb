// exempt: senders that are not counted, for a time or for good, in two files beside the checkpoint.
// The service, if it runs, sees the files change.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>

#include "actions/exim/exim_access.h"
#include "actions/lists/blocklist.h"
#include "actions/posix_files.h"
#include "agent/commands/command.h"
#include "agent/commands/hand.h"
#include "agent/commands/list_scope.h"
#include "agent/config/table_files.h"
#include "agent/core/attribution.h"
#include "agent/core/list_lines.h"
#include "agent/output/complain.h"
#include "agent/output/relative_time.h"
#include "agent/output/terminal.h"
#include "agent/output/text_table.h"
#include "agent/values/duration.h"
#include "agent/values/network.h"
#include "agent/values/printable.h"

namespace agent {
namespace {

constexpr actions::Creation kPrivate{0600, std::nullopt, 0600};

class Exempt {
 public:
  explicit Exempt(const Invocation& invocation)
      : invocation_(invocation),
        zone_(Zone::named(invocation.config.log.timezone).value_or(Zone::utc())),
        now_(std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now())),
        users_(files_, exempt_users_path(invocation.config.state.directory), kPrivate),
        hosts_(files_, exempt_hosts_path(invocation.config.state.directory), kPrivate) {}

  Exit run() {
    if (invocation_.output == Output::csv) fmt::print("{}\n", row(users_, {}, "").csv_header());
    const bool remove = given("remove");
    if (invocation_.arguments.empty()) {
      if (remove || given("for") || given("reason") || given("host")) return no_identity("exempt");
      return show();
    }
    if (remove && (given("for") || given("reason"))) {
      complain("--remove takes no --for and no --reason");
      return kUsage;
    }
    return remove ? take_out() : add();
  }

 private:
  [[nodiscard]] bool given(const char* name) const { return invocation_.options.count(name) > 0; }
  [[nodiscard]] std::string option(const char* name) const {
    return given(name) ? invocation_.options[name].as<std::string>() : "";
  }
  [[nodiscard]] bool is_host(const std::string& id) const {
    return given("host") || Network::parse(id).has_value();
  }

  [[nodiscard]] OutputRow row(const actions::Blocklist& file, const actions::ListEntry& entry,
                              std::string_view change) const {
    const auto line = read_list_data(entry.data);
    const auto time = [&](const std::optional<Instant>& at) {
      return at ? std::optional(zone_.text(*at)) : std::nullopt;
    };
    OutputRow row;
    row.add("identity_kind", name_of(&file == &hosts_ ? IdentityKind::relay : IdentityKind::user))
        .add("identity", entry.key)
        .add_optional("since", time(line.since))
        .add_optional("by", line.by)
        .add_optional("until", time(line.until))
        .add_optional("reason", line.reason)
        .add("change", change);
    return row;
  }
  void print(const OutputRow& row) const {
    fmt::print("{}\n", invocation_.output == Output::csv ? row.csv() : row.json());
  }

  Exit show() {
    TextTable table({{"exempt"}, {"since"}, {"ends"}, {""}, {"by"}});
    std::size_t count = 0;
    for (auto* file : {&users_, &hosts_}) {
      const auto view = file->read();
      if (!view) return complain_of(view.error());
      for (const auto& entry : view->entries) {
        const auto line = read_list_data(entry.data);
        if (line.until && *line.until <= now_) continue;
        ++count;
        if (invocation_.output != Output::text) {
          print(row(*file, entry, "none"));
          continue;
        }
        table.row({printable(entry.key), line.since ? zone_.short_text(*line.since) : "unknown",
                   line.until ? zone_.short_text(*line.until) : "-",
                   line.until ? left_text(*line.until, now_) : "",
                   line.by ? printable(*line.by, 24) : "-"});
        if (line.reason) table.note(printable(*line.reason));
      }
    }
    if (invocation_.output != Output::text) return kDone;
    const auto& exempt = invocation_.config.exempt;
    const auto more = exempt.users.size() + exempt.domains.size() + exempt.hosts.size();
    const auto others = exempt.user_files.size() + exempt.host_files.size();
    fmt::print("{}{} by this command", table.empty() ? "" : table.text() + "\n",
               count == 0 ? "nobody exempt" : grouped(count) + " exempt");
    if (more > 0) fmt::print("; {} in the configuration", grouped(more));
    if (others > 0) fmt::print("; more in {}", counted(others, "file", "files"));
    fmt::print("\n");
    return kDone;
  }

  Exit take_out() {
    Exit exit = kDone;
    for (const auto& id : invocation_.arguments) {
      bool found = false;
      for (auto* file : {&users_, &hosts_}) {
        if (given("host") && file == &users_) continue;
        const auto view = file->read();
        if (!view) return complain_of(view.error());
        for (const auto& entry : view->entries) {
          if (folded(entry.key) != folded(id) && folded(entry.key) != folded(host_key(id)))
            continue;
          const auto removed = patiently([&] { return file->remove({entry.key}); });
          if (!removed) return complain_of(removed.error());
          found = true;
          report(*file, entry, "removed",
                 fmt::format("{} is exempt no more", printable(entry.key)));
        }
      }
      if (found) continue;
      complain(fmt::format("{} is not exempt by this command", printable(id)));
      exit = kNo;
    }
    return exit;
  }

  [[nodiscard]] static std::string host_key(const std::string& id) {
    const auto network = Network::parse(id);
    return network ? network->text() : id;
  }

  Exit add() {
    const auto length = parse_duration(option("for"));
    if (given("for") && (!length || length->count() < 1)) {
      complain(fmt::format("--for: no duration \"{}\"; accepted: 1d, 1h30m, 90s",
                           printable(option("for"))));
      return kUsage;
    }
    const auto& directory = invocation_.config.state.directory;
    if (const auto made = actions::make_directory(std::nullopt, directory); !made)
      return complain_of(made.error());
    auto data = fmt::format("{} by-hand by={}", zone_.text(now_), printable(hand(), 40));
    if (given("for")) data += " until=" + zone_.text(now_ + *length);
    if (given("reason")) data += " reason=" + printable(option("reason"));
    Exit exit = kDone;
    for (const auto& id : invocation_.arguments) {
      const bool host = is_host(id);
      if (const auto wrong = what_is_wrong(id, host); !wrong.empty()) {
        complain(wrong);
        exit = kUsage;
        continue;
      }
      auto& file = host ? hosts_ : users_;
      const auto key = host ? host_key(id) : id;
      const auto added = patiently([&] { return put(file, key, data); });
      if (!added) {
        exit = complain_of(added.error());
        continue;
      }
      report(file, {key, data, 0, 0}, "exempted",
             fmt::format("{} is exempt{}", printable(key),
                         given("for") ? " until " + zone_.short_text(now_ + *length) : ""));
      say_if_blocked(key);
    }
    return exit;
  }

  [[nodiscard]] static std::string what_is_wrong(const std::string& id, bool host) {
    if (host && !Network::parse(id)) {
      return fmt::format("{} is no address and no network like 192.0.2.0/24", printable(id));
    }
    if (!host && (id.starts_with("@") || id.starts_with("*@"))) {
      return fmt::format(
          "{} is a pattern, and would exempt nobody; exempt.domains names all of a "
          "domain",
          printable(id));
    }
    return {};
  }

  // A new line, or another end and reason for the sender's old one. What has ended goes.
  actions::Result<actions::Done> put(actions::Blocklist& file, const std::string& key,
                                     const std::string& data) {
    const auto view = file.read();
    if (!view) return view.error();
    std::vector<std::string> gone;
    for (const auto& entry : view->entries) {
      const auto until = ends_at(entry.data);
      if (folded(entry.key) == folded(key) || (until && *until <= now_)) gone.push_back(entry.key);
    }
    // Of its old lines the first is changed in place: there is no moment without an exemption.
    const auto old = std::find_if(gone.begin(), gone.end(),
                                  [&](const auto& one) { return folded(one) == folded(key); });
    if (old != gone.end()) {
      const auto changed = file.change(*old, data);
      if (!changed) return changed.error();
      gone.erase(old);
      std::erase_if(gone, [&](const auto& one) { return folded(one) == folded(key); });
    } else {
      const auto added = file.add(key, data);
      if (!added) return added.error();
    }
    if (!gone.empty()) {
      const auto removed = file.remove(gone);
      if (!removed) return removed.error();
    }
    const auto synced = file.sync();
    if (!synced) return synced.error();
    return actions::Done{};
  }

  void say_if_blocked(const std::string& key) {
    for (const auto& list : lists_of(invocation_.config)) {
      const auto view = actions::Blocklist(files_, list.path, {}).read();
      if (!view) continue;
      const auto forms = forms_of(list, key);
      for (const auto& entry : view->entries) {
        if (std::find(forms.begin(), forms.end(), folded(entry.key)) == forms.end()) continue;
        complain(fmt::format("{} stays blocked in {} until you free it: exiwarden unblock",
                             printable(entry.key), printable(list.path)));
      }
    }
  }

  void report(const actions::Blocklist& file, const actions::ListEntry& entry,
              std::string_view change, const std::string& text) const {
    if (invocation_.output != Output::text) return print(row(file, entry, change));
    fmt::print("{}\n", Terminal::standard_output().wrapped(text, 4));
  }

  const Invocation& invocation_;
  Zone zone_;
  Instant now_;
  actions::PosixFiles files_;
  actions::Blocklist users_, hosts_;
};

}  // namespace

Exit run_exempt(const Invocation& invocation) {
  return Exempt(invocation).run();
}

}  // namespace agent
