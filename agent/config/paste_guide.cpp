#include "agent/config/paste_guide.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <vector>

#include "agent/config/frozen_keeping.h"
#include "agent/values/duration.h"

namespace agent {
namespace {

constexpr const char* kShare = "/usr/share/exiwarden";

enum class Place { new_file, top, after };

struct Step {
  std::string file;
  Place place = Place::new_file;
  std::string line;  // for Place::after
  std::string text;  // lines that end in a newline
};

std::string include(const char* name) {
  return fmt::format(".include {}/exim/{}\n", kShare, name);
}

// A word that is the same to a shell and to Exim as it is to us, or `otherwise`.
std::string word(const std::string& text, const char* otherwise) {
  const bool plain = !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '.' || c == '/';
  });
  return plain ? text : otherwise;
}

bool on_debian(const EximFacts& facts) {
  return facts.layout == Layout::debian_split || facts.layout == Layout::debian_single;
}

std::string macros_text(const EximFacts& facts) {
  std::string text;
  // Without this name Exim would not start; nobody relays then.
  if (facts.relay_list != "relay_from_hosts") {
    text = fmt::format("EXIWARDEN_RELAY_HOSTS ={}{}\n", facts.relay_list.empty() ? "" : " +",
                       facts.relay_list);
  }
  return text + include("macros.conf");
}

// One of Exim's ACLs, and the file to include in it. `own`: the name of a new one, for an option
// that names none yet (or ours, after an earlier paste); nullptr where Exim would do without one
// what no new one may allow.
struct Hook {
  const char* option;
  const char* otherwise;  // the ACL's usual name
  const char* own;
  const char* file;
};

// Parts of a configuration: what goes to its top, into its section of ACLs, and into its ACLs.
struct Parts {
  Step main, acls;
  std::vector<Step> others = {};

  void add(const EximFacts& facts, const Hook& hook, const std::string& file) {
    const auto name = actions::value_of(facts.settings, hook.option);
    if (hook.own != nullptr && (name.empty() || name == hook.own)) {
      main.text += fmt::format("{} = {}\n", hook.option, hook.own);
      acls.text += fmt::format("{}:\n  {}  accept\n", hook.own, include(hook.file));
    } else if (word(name, "").empty() && !name.empty()) {
      others.push_back({fmt::format("{}, the ACL that {} chooses by\n    {}\n", file, hook.option,
                                    one_line(name).substr(0, 70)),
                        Place::top, "", include(hook.file)});
    } else {
      others.push_back({file, Place::after, word(name, hook.otherwise) + ":", include(hook.file)});
    }
  }
  [[nodiscard]] std::vector<Step> steps() && {
    std::vector<Step> all{std::move(main)};
    if (!acls.text.empty()) all.push_back(std::move(acls));
    all.insert(all.end(), others.begin(), others.end());
    return all;
  }
};

const char* rcpt_file(const EximFacts& facts) {
  return facts.variant == AclVariant::count ? "rcpt-accept-and-log.conf" : "rcpt-reject.conf";
}

constexpr Hook kHelo{"acl_smtp_helo", "acl_check_helo", "acl_exiwarden_helo", "helo.conf"};
constexpr Hook kData{"acl_smtp_data", "acl_check_data", "acl_exiwarden_data", "data.conf"};

// Debian's own value, or ours after an earlier paste: another one has been set somewhere, and Exim
// would not start with this macro twice.
bool sets_keeping_by_macro(const EximFacts& facts) {
  constexpr std::chrono::days kDebians{7};
  const auto kept = frozen_keeping(facts.settings).cancelled;
  return on_debian(facts) && (kept == kDebians || kept == kAdvisedKeeping);
}

std::vector<Step> debian_steps(const EximFacts& facts) {
  const bool split = facts.layout == Layout::debian_split;
  const std::string conf_d = "/etc/exim4/conf.d/", all = "/etc/exim4/exim4.conf.template";
  Parts parts{{split ? conf_d + "main/000_exiwarden" : "/etc/exim4/exim4.conf.localmacros",
               split ? Place::new_file : Place::top, "", macros_text(facts)},
              {split ? conf_d + "acl/00_exiwarden" : all, split ? Place::new_file : Place::after,
               "begin acl", ""}};
  parts.main.text += fmt::format("CHECK_DATA_LOCAL_ACL_FILE = {}/exim/data.conf\n", kShare);
  if (sets_keeping_by_macro(facts))
    parts.main.text +=
        fmt::format("MAIN_TIMEOUT_FROZEN_AFTER = {}\n", duration_text(kAdvisedKeeping));
  parts.add(facts, {"", "acl_check_rcpt", nullptr, rcpt_file(facts)},
            split ? conf_d + "acl/30_exim4-config_check_rcpt" : all);
  parts.add(facts, kHelo, split ? "the file of " + conf_d + "acl that has it" : all);
  return std::move(parts).steps();
}

std::vector<Step> plain_steps(const EximFacts& facts) {
  const auto file = facts.config.empty() ? "Exim's configuration" : one_line(facts.config);
  Parts parts{{file, Place::top, "", macros_text(facts)}, {file, Place::after, "begin acl", ""}};
  parts.add(facts, {"acl_smtp_rcpt", "acl_check_rcpt", nullptr, rcpt_file(facts)}, file);
  parts.add(facts, kData, file);
  parts.add(facts, kHelo, file);
  return std::move(parts).steps();
}

// The names are those of WHM's Advanced Editor.
std::vector<Step> cpanel_steps(const EximFacts& facts) {
  const std::string editor = "WHM, Exim's Advanced Editor";
  return {{editor + ", the box of section CONFIG", Place::top, "", macros_text(facts)},
          {editor + ", box custom_begin_pre_recipient", Place::top, "", include(rcpt_file(facts))},
          {editor + ", box custom_begin_check_message_pre", Place::top, "", include("data.conf")},
          {editor + ", box custom_begin_smtp_helo", Place::top, "", include("helo.conf")}};
}

std::vector<Step> steps_for(const EximFacts& facts) {
  if (on_debian(facts)) return debian_steps(facts);
  return facts.layout == Layout::cpanel ? cpanel_steps(facts) : plain_steps(facts);
}

// Where the setting stands is for the admin to find.
std::string keeping_advice(const EximFacts& facts) {
  const auto keeping = frozen_keeping(facts.settings);
  std::string text;
  if (!sets_keeping_by_macro(facts) && keeping.cancelled && *keeping.cancelled < kAdvisedKeeping) {
    text += fmt::format(
        "Exim bounces frozen mail, the evidence, to its forged sender after {}. Change\n"
        "the setting of that name to\n\n    timeout_frozen_after = {}\n\n",
        duration_text(*keeping.cancelled), duration_text(kAdvisedKeeping));
  }
  if (keeping.thawed)
    text += fmt::format("Take auto_thaw out: Exim delivers frozen spam by itself after {}.\n\n",
                        duration_text(*keeping.thawed));
  if (keeping.moved)
    text += "Take move_frozen_messages out: what it moves can't be shown or released.\n\n";
  return text;
}

std::string indented(const std::string& text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const auto end = std::min(text.find('\n', at), text.size());
    out += "    " + text.substr(at, end - at) + "\n";
    at = end + 1;
  }
  return out;
}

std::string where(const Step& step) {
  constexpr std::size_t kColumns = 78;
  const auto place = step.place == Place::new_file ? std::string("a new file:")
                     : step.place == Place::top    ? std::string("at the top:")
                                                   : fmt::format("right after \"{}\":", step.line);
  const bool fits = step.file.size() + place.size() + 2 <= kColumns;
  return fmt::format("{},{}{}\n", step.file, fits ? " " : "\n", place);
}

std::string new_configuration(const EximFacts& facts) {
  if (facts.layout == Layout::cpanel)
    return "Save: WHM makes the configuration anew and restarts Exim.\n";
  if (on_debian(facts)) return "    update-exim4.conf && systemctl reload exim4\n";
  return fmt::format("    {} -bV >/dev/null && systemctl reload exim\n",
                     word(facts.binary, "exim"));
}

std::string exim_user(const EximFacts& facts) {
  return word(actions::value_of(facts.settings, "exim_user"), "Debian-exim");
}
std::string exim_group(const EximFacts& facts) {
  return word(actions::value_of(facts.settings, "exim_group"), exim_user(facts).c_str());
}

std::string secret_commands(const EximFacts& facts) {
  return fmt::format(
      "The secret of the keyed tag, for Exim's user and exiwarden's alone:\n\n"
      "    (umask 077; openssl rand -hex 32 > {})\n"
      "    chown exiwarden:{} {}\n"
      "    chmod 0440 {}\n\n",
      kTagSecret, exim_group(facts), kTagSecret, kTagSecret);
}

std::string directory_of(const std::string& path) {
  return path.substr(0, path.rfind('/'));
}

// The drop-in by which the service runs as Exim's user.
std::string queue_commands(const EximFacts& facts) {
  constexpr const char* kDropIns = "/etc/systemd/system/exiwarden.service.d";
  std::string text =
      "To freeze also what a blocked sender already has in the queue, let the service\n"
      "run as Exim's user (Exim takes such orders from no other):\n\n";
  if (on_debian(facts)) {
    return text + fmt::format(
                      "    install -D -m 0644 {}/exiwarden-queue.conf \\\n"
                      "        {}/queue.conf\n"
                      "    systemctl daemon-reload && systemctl try-restart exiwarden\n\n",
                      kShare, kDropIns);
  }
  const auto log = actions::value_of(facts.settings, "log_file_path");
  const auto slash = log.find('/');
  const auto spool = word(actions::value_of(facts.settings, "spool_directory"), "/var/spool/exim");
  const auto logs =
      slash == std::string::npos
          ? std::string()
          : word(directory_of(log.substr(slash, log.find_first_of(" :", slash) - slash)), "");
  return text + fmt::format(
                    "    mkdir -p {0}\n"
                    "    printf '%s\\n' '[Service]' User={1} Group={2} \\\n"
                    "        ReadWritePaths={3} {4}\\\n"
                    "        > {0}/queue.conf\n"
                    "    systemctl daemon-reload && systemctl try-restart exiwarden\n\n",
                    kDropIns, exim_user(facts), exim_group(facts), spool,
                    logs.empty() ? "" : "ReadWritePaths=" + logs + " ");
}

}  // namespace

std::string paste_guide(const EximFacts& facts) {
  std::string text;
  if (facts.variant == AclVariant::count) text += secret_commands(facts);
  text += "To let Exim look the lists up, include exiwarden's files in its own:\n\n";
  for (const auto& step : steps_for(facts)) text += where(step) + indented(step.text) + "\n";
  text +=
      keeping_advice(facts) + "Then:\n\n" + new_configuration(facts) + "\n" + queue_commands(facts);
  return text + "At last:\n\n    exiwarden check\n    systemctl enable --now exiwarden\n";
}

std::string removal_guide(const EximFacts& facts) {
  std::string text = "To take exiwarden out of Exim's configuration:\n\n";
  auto steps = steps_for(facts);
  std::reverse(steps.begin(), steps.end());  // what uses the macros goes before them
  for (const auto& step : steps) {
    if (step.place == Place::new_file) {
      text += fmt::format("delete {}\n\n", step.file);
    } else {
      text += fmt::format("{}, take out:\n{}\n", step.file, indented(step.text));
    }
  }
  text += "Then:\n\n" + new_configuration(facts) +
          "\nNothing is frozen any more. What is frozen goes out or is deleted by\n\n"
          "    exiwarden list\n"
          "    exiwarden release ID      # or: exiwarden unblock ID --delete\n\n"
          "At last:\n\n"
          "    systemctl disable --now exiwarden\n"
          "    rm -rf /etc/systemd/system/exiwarden.service.d\n";
  return text + (on_debian(facts) ? "    apt purge exiwarden\n    rm -rf /var/lib/exiwarden\n"
                                  : "    rm -rf /usr/share/exiwarden /var/lib/exiwarden\n");
}

}  // namespace agent
