#include "agent/commands/help.h"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>

namespace agent {
namespace {

// The words of `text` on lines of at most 80 columns.
std::string filled(std::string_view text) {
  std::string out;
  std::size_t used = 0;
  while (!text.empty()) {
    const auto end = std::min(text.find_first_of(" \n"), text.size());
    const auto word = text.substr(0, end);
    text.remove_prefix(std::min(text.size(), end + 1));
    if (word.empty()) continue;
    if (used > 0 && used + 1 + word.size() > 80) {
      out.push_back('\n');
      used = 0;
    }
    if (used > 0) out.push_back(' ');
    out.append(word);
    used += (used > 0 ? 1 : 0) + word.size();
  }
  return out;
}

}  // namespace

namespace po = boost::program_options;

po::options_description options_of(const Command& command) {
  po::options_description options("Options");
  options.add_options()  //
      ("config,c", po::value<std::string>()->value_name("FILE"),
       fmt::format("configuration (default {})", kDefaultConfig).c_str())  //
      ("output,o", po::value<std::string>()->value_name("FORM"),
       "text, jsonl or csv (default text)")  //
      ("help,h", "this text");
  command.add_options(options);
  return options;
}

std::string overview() {
  std::string text =
      "Usage: exiwarden COMMAND [options] [argument...]\n\n"
      "Blocks senders whose recipients do not exist, as Exim's mainlog shows.\n\n"
      "Commands:\n";
  for (const auto& command : commands())
    text += fmt::format("  {:<9} {}\n", command.name, command.summary);
  return text +
         "\nexiwarden COMMAND --help says more; exiwarden(8) has examples and exit codes.\n"
         "Last month's spammers: replay --since 2026-10-01 --until 2026-11-01 LOG...\n"
         "All about one of them: evidence ID [LOG...]\n";
}

std::string help_of(const Command& command) {
  std::string text = fmt::format("Usage: exiwarden {} [options]{}{}\n\n{}.\n{}\n\n", command.name,
                                 *command.arguments == '\0' ? "" : " ", command.arguments,
                                 command.summary, filled(command.help));
  std::ostringstream options;
  options << options_of(command);
  return text + options.str();
}

}  // namespace agent
