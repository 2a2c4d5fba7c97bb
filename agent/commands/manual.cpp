// The manual pages and the completions.
#include <fmt/format.h>

#include <set>

#include "agent/commands/help.h"
#include "agent/commands/output_columns.h"
#include "agent/output/version.h"

namespace agent {
namespace {

namespace po = boost::program_options;

// Text in roff: no line of it is taken for a request, and minus signs can be copied.
std::string roff(std::string_view text) {
  std::string out;
  bool start = true;
  for (const char c : text) {
    if (start && (c == '.' || c == '\'')) out += "\\&";
    start = c == '\n';
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else {
      out.push_back(c);
    }
  }
  return out;
}

std::string capital(std::string_view text) {
  std::string out(text);
  if (!out.empty() && out[0] >= 'a' && out[0] <= 'z') out[0] -= 'a' - 'A';
  return out;
}

// One line that names the option, in bold with its value in italics, and its description. A tag of
// several lines would run into the text.
std::string roff_option(const po::option_description& option) {
  const auto dashed = option.canonical_display_name(po::command_line_style::allow_dash_for_short);
  const auto name = "--" + option.long_name();
  std::string tag;
  if (dashed != name && dashed.size() == 2) tag += "\\fB" + roff(dashed) + "\\fR, ";
  tag += "\\fB" + roff(name) + "\\fR";
  std::string about = capital(option.description());
  if (option.semantic()->max_tokens() != 0) {
    // Boost adds the default to the name: "N (=10)".
    std::string value = option.semantic()->name(), preset;
    if (const auto at = value.find(" (="); at != std::string::npos) {
      preset = value.substr(at + 3, value.size() - at - 4);
      value.erase(at);
    }
    tag += " \\fI" + roff(value) + "\\fR";
    if (!preset.empty()) about += "; default " + preset;
  }
  return ".TP\n" + tag + "\n" + roff(about) + ".\n";
}

std::string output_section() {
  std::string text =
      ".SH OUTPUT FOR PROGRAMS\n"
      "With \\fB\\-o jsonl\\fR one JSON object a line, with \\fB\\-o csv\\fR a header and a row a "
      "line "
      "(RFC 4180).\n"
      "What a line of the log lacks is null, in csv an empty cell. Times are RFC 3339 with their\n"
      "offset. Bytes that mean something to a terminal or a spreadsheet are escaped. Columns may\n"
      "be added at the end, but keep their names.\n";
  for (const auto& table : output_tables()) {
    text += fmt::format(".SS {}\n{}\n", roff(table.command), roff(table.about));
    for (const auto& column : table.columns)
      text +=
          fmt::format(".TP\n\\fB{}\\fR\n{}.\n", roff(column.name), roff(capital(column.meaning)));
  }
  return text;
}

struct Example {
  const char *about, *command;
};

std::string examples_section() {
  constexpr Example kExamples[] = {
      {"Who would have been blocked last month, when, and what a block would have stopped",
       "exiwarden replay --since 2026-10-01 --until 2026-11-01 /var/log/exim4"},
      {"A page on all of them, to attach to a ticket; its tables are in october.csv",
       "exiwarden replay --since 2026-10-01 --until 2026-11-01 --report october.html "
       "/var/log/exim4"},
      {"All that this machine knows about a sender", "exiwarden evidence mallory@example.org"},
      {"Who is charged for a line of the log, and why",
       "grep 'rejected RCPT' /var/log/exim4/mainlog | tail -n 1 | exiwarden explain"},
      {"Free a sender and let its frozen mail go", "exiwarden release alice@example.org"},
      {"After a spam run, once the password is changed",
       "exiwarden unblock --delete mallory@example.org"},
      {"The busiest senders of refused recipients, by jq",
       "exiwarden events -o jsonl /var/log/exim4 | jq -r 'select(.identity) | .identity' | sort | "
       "uniq -c | sort -rn | head"},
      {"The same by DuckDB",
       "exiwarden events -o csv /var/log/exim4 > events.csv; duckdb -c \"select identity, count(*) "
       "from 'events.csv' where identity is not null group by 1 order by 2 desc limit 10\""},
      {"The same by SQLite",
       "exiwarden events -o csv /var/log/exim4 > events.csv; sqlite3 :memory: '.import --csv "
       "events.csv events' \"select identity, count(*) from events where identity <> '' group by 1 "
       "order by 2 desc limit 10\""},
      {"Which blocks end by themselves, and when",
       "exiwarden list -o jsonl | jq -r 'select(.until) | [.identity, .until] | @tsv'"},
  };
  std::string text = ".SH EXAMPLES\n";
  for (const auto& [about, command] : kExamples)
    text += fmt::format(".TP\n{}:\n\\fB{}\\fR\n", roff(about), roff(command));
  return text;
}

struct OptionName {
  std::string text, about;
  bool takes_value;
};

std::vector<OptionName> option_names(const Command& command) {
  std::vector<OptionName> names;
  const auto options = options_of(command);  // the loop would not keep a temporary alive
  for (const auto& option : options.options()) {
    const bool value = option->semantic()->max_tokens() != 0;
    names.push_back({"--" + option->long_name(), option->description(), value});
    for (const auto& [letter, full] :
         {std::pair("-c", "config"), std::pair("-o", "output"), std::pair("-h", "help")}) {
      if (option->long_name() == full) names.push_back({letter, option->description(), value});
    }
  }
  return names;
}

bool takes_ids(const Command& command) {
  return std::string_view(command.arguments).find("ID") != std::string_view::npos;
}

constexpr const char* kFiles =
    ".SH FILES\n"
    ".TP\n.I /etc/exiwarden/exiwarden.toml\nThe configuration, see\n.BR exiwarden.toml (5).\n"
    ".TP\n.I /var/lib/exiwarden/checkpoint\nHow far the logs were read, the windows, unsent "
    "notices. A generation before it is kept.\n"
    ".TP\n.I /var/lib/exiwarden/history.sqlite\nWhat \"exiwarden history\" shows, as SQLite. A "
    "damaged one is set aside as history.sqlite.damaged.\n"
    ".TP\n.I /var/lib/exiwarden/exempt_users, exempt_hosts\nWho is "
    "exempt by \"exiwarden exempt\".\n"
    ".TP\n.I /var/lib/exiwarden/exim/blocked_*\nThe lists, in the form of Exim's lsearch. They "
    "have the last word: a sender removed from one, by any means, is free, and its count\n"
    "restarts.\n"
    ".SH SIGNALS\nSIGHUP takes a changed configuration, SIGTERM saves everything and stops.\n";

constexpr const char* kEnvironment =
    ".SH ENVIRONMENT\n"
    ".TP\n.B EXIWARDEN_CONFIG\nThe configuration, where no \\-\\-config names one.\n"
    ".TP\n.B NO_COLOR\nIf it is set, nothing is coloured.\n";

constexpr const char* kExitStatus =
    ".SH EXIT STATUS\n"
    ".TP\n0\nDone.\n"
    ".TP\n1\nThe answer is no: nobody listed, a fault in status, an error in check.\n"
    ".TP\n64\nThe command line is wrong.\n"
    ".TP\n65, 66\nThe logs are not Exim's or damaged; there are none. There is no verdict.\n"
    ".TP\n69\nExim, a mail server or the farm can't be asked.\n"
    ".TP\n70\nA fault in exiwarden itself.\n"
    ".TP\n73, 74\nA file can't be made; reading or writing failed.\n"
    ".TP\n77\nNot permitted: run it as root or as the service's user.\n"
    ".TP\n78\nThe configuration has faults; each one is reported.\n";

constexpr const char* kWords =
    ".SH WORDS\n"
    ".TP\nidentity\nWho is charged: a user (the authenticated id), a relay host (the address of a "
    "machine that may\nsend through this server without a password) or a local login.\n"
    ".TP\nsignal\nA kind of line in the log that is evidence, such as a refused recipient.\n"
    ".TP\nfrozen\nA message that Exim keeps in its queue and does not deliver until it is thawed.\n"
    ".TP\ncallout\nExim asks the recipient's own mail server whether the address exists before it "
    "accepts it.\n"
    ".TP\nfarm\nSeveral mail hosts that count as one, through a Redis server.\n";

}  // namespace

std::string manual_page() {
  auto text = fmt::format(
      ".TH EXIWARDEN 8 \"\" \"exiwarden {}\" \"System Administration\"\n"
      ".SH NAME\nexiwarden \\- blocks mail senders whose recipients do not exist\n"
      ".SH SYNOPSIS\n.B exiwarden\n.I COMMAND\n[options] [argument...]\n"
      ".SH DESCRIPTION\n"
      "Follows Exim's main log, charges each refused recipient to the authenticated user or relay\n"
      "host that tried it, counts in an exact sliding window, and at the limit writes the sender\n"
      "into the file that Exim's ACL looks up, freezes what is left in the queue and tells the\n"
      "abuse desk. A sender is freed by an admin, or when a rule's block_for is over.\n.PP\n"
      "Results go to standard output, messages to standard error. Colours are for terminals\n"
      "only and never with NO_COLOR set.\n.SH COMMANDS\n",
      kVersion);
  for (const auto& command : commands()) {
    text +=
        fmt::format(".SS {}{}{}\n{}.\n{}\n", command.name, *command.arguments == '\0' ? "" : " ",
                    roff(command.arguments), roff(capital(command.summary)), roff(command.help));
    const auto options = options_of(command);
    for (std::size_t i = 3; i < options.options().size(); ++i) {
      const auto& option = *options.options()[i];
      text += roff_option(option);
    }
  }
  text += ".SH OPTIONS OF EVERY COMMAND\n";
  const auto options = options_of(commands().front());
  for (std::size_t i = 0; i < 3; ++i) {
    const auto& option = *options.options()[i];
    text += roff_option(option);
  }
  return text + output_section() + kWords + kFiles + kEnvironment + kExitStatus +
         examples_section() + ".SH SEE ALSO\n.BR exiwarden.toml (5),\n.BR exim4 (8)\n";
}

std::string config_manual_page(std::string_view toml) {
  auto text = fmt::format(
      ".TH EXIWARDEN.TOML 5 \"\" \"exiwarden {}\" \"File Formats\"\n"
      ".SH NAME\nexiwarden.toml \\- configuration of exiwarden\n.SH DESCRIPTION\n",
      kVersion);
  std::string comment;
  const auto flush = [&] {
    if (!comment.empty()) text += roff(comment) + ".PP\n";
    comment.clear();
  };
  while (!toml.empty()) {
    auto line = toml.substr(0, toml.find('\n'));
    toml.remove_prefix(std::min(toml.size(), line.size() + 1));
    if (line.empty()) {
      flush();
    } else if (line.starts_with('[')) {
      flush();
      text += ".SH " + roff(line) + "\n";
    } else if (line.starts_with("# ") && line.find(" = ") != std::string_view::npos &&
               line.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_", 2) ==
                   line.find(" = ")) {
      // A key that is shown commented out.
      text += ".TP\n.B " + roff(line.substr(2)) + "\n" + roff(comment);
      comment.clear();
    } else if (line.starts_with('#')) {
      line.remove_prefix(std::min<std::size_t>(2, line.size()));
      if (line.starts_with('[')) {
        flush();
        text += ".SH " + roff(line) + "\n";
      } else {
        comment += std::string(line) + "\n";
      }
    } else {
      text += ".TP\n.B " + roff(line) + "\n" + roff(comment);
      comment.clear();
    }
  }
  flush();
  return text + ".SH SEE ALSO\n.BR exiwarden (8)\n";
}

std::string bash_completion() {
  std::string names;
  for (const auto& command : commands())
    names += (names.empty() ? "" : " ") + std::string(command.name);
  std::string text = fmt::format(
      "# bash completion for exiwarden\n"
      "_exiwarden() {{\n"
      "  local cur=${{COMP_WORDS[COMP_CWORD]}} prev=${{COMP_WORDS[COMP_CWORD-1]}} ids id\n"
      "  COMPREPLY=()\n"
      "  if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
      "    COMPREPLY=($(compgen -W '{} --help --version' -- \"$cur\"))\n"
      "    return\n  fi\n"
      "  case $prev in\n"
      "    -o|--output) COMPREPLY=($(compgen -W 'text jsonl csv' -- \"$cur\")); return ;;\n"
      "    -c|--config|--list|--write|--exim) COMPREPLY=($(compgen -f -- \"$cur\")); return ;;\n"
      "  esac\n"
      "  case ${{COMP_WORDS[1]}}:$cur in\n",
      names);
  for (const auto& command : commands()) {
    std::string options;
    for (const auto& option : option_names(command))
      options += (options.empty() ? "" : " ") + option.text;
    text += fmt::format("    {}:-*) COMPREPLY=($(compgen -W '{}' -- \"$cur\")) ;;\n", command.name,
                        options);
    if (takes_ids(command)) {
      // What a sender's id may hold is quoted for the shell, never run by it.
      text += fmt::format(
          "    {}:*) mapfile -t ids < <(exiwarden list --ids 2>/dev/null)\n"
          "      for id in \"${{ids[@]}}\"; do\n"
          "        [[ $id == \"$cur\"* ]] && COMPREPLY+=(\"$(printf %q \"$id\")\")\n"
          "      done ;;\n",
          command.name);
    } else if (*command.arguments != '\0') {
      text += fmt::format("    {}:*) COMPREPLY=($(compgen -f -- \"$cur\")) ;;\n", command.name);
    }
  }
  return text + "  esac\n}\ncomplete -o filenames -F _exiwarden exiwarden\n";
}

std::string zsh_completion() {
  // In _arguments and _describe, brackets, colons and quotes mean something.
  const auto plain = [](std::string_view text) {
    std::string out;
    for (const char c : text) {
      if (c == '[' || c == ']' || c == ':') out.push_back('\\');
      if (c == '\'') {
        out += "'\\''";
      } else {
        out.push_back(c);
      }
    }
    return out;
  };
  std::string text =
      "#compdef exiwarden\n"
      "_exiwarden_ids() {\n"
      "  local -a ids\n"
      "  ids=(\"${(@f)$(exiwarden list --ids 2>/dev/null)}\")\n"
      "  compadd -a ids\n}\n"
      "_exiwarden() {\n"
      "  local -a commands\n  commands=(\n";
  for (const auto& command : commands())
    text += fmt::format("    '{}:{}'\n", command.name, plain(command.summary));
  text +=
      "  )\n"
      "  if (( CURRENT == 2 )); then\n    _describe command commands\n    return\n  fi\n"
      "  local command=$words[2]\n"
      "  shift words\n  (( CURRENT-- ))\n"
      "  case $command in\n";
  for (const auto& command : commands()) {
    text += fmt::format("    {}) _arguments", command.name);
    for (const auto& option : option_names(command)) {
      text += fmt::format(" \\\n      '{}[{}]{}'", option.text, plain(option.about),
                          option.takes_value ? ":value:_files" : "");
    }
    if (takes_ids(command)) {
      text += " \\\n      '*:id:_exiwarden_ids'";
    } else if (*command.arguments != '\0') {
      text += " \\\n      '*:log:_files'";
    }
    text += " ;;\n";
  }
  return text + "  esac\n}\n_exiwarden \"$@\"\n";
}

}  // namespace agent
