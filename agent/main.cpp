// exiwarden COMMAND [options] [argument...]
#include <fmt/format.h>

#include <clocale>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <string>
#include <vector>

#include "agent/commands/command.h"
#include "agent/printable.h"
#include "agent/spelling.h"
#include "agent/version.h"

namespace {

namespace po = boost::program_options;
using agent::Command;
using agent::Exit;

constexpr const char* kDefaultConfig = "/etc/exiwarden/exiwarden.toml";

void say(const std::string& text) {
  fmt::print(stderr, "exiwarden: {}\n", text);
}

std::string overview() {
  std::string text =
      "Usage: exiwarden COMMAND [options] [argument...]\n\n"
      "Watches Exim's mainlog for senders whose recipients do not exist; blocks them.\n\n"
      "Commands:\n";
  for (const auto& command : agent::commands()) {
    text += fmt::format("  {:<8} {}\n", command.name, command.summary);
  }
  text +=
      "\nexiwarden COMMAND --help says more. Exit codes: 0 done, 1 the answer is no,\n"
      "64 usage, 65 bad data, 66 no input, 69 unavailable, 70 internal,\n"
      "73/74 can't write, 77 not permitted, 78 config.\n";
  return text;
}

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

std::string help_of(const Command& command) {
  std::string text = fmt::format("Usage: exiwarden {} [options]{}{}\n\n{}.\n{}\n\n", command.name,
                                 *command.arguments == '\0' ? "" : " ", command.arguments,
                                 command.summary, command.help);
  std::ostringstream options;
  options << options_of(command);
  return text + options.str();
}

// For an option that does not exist: the one that may have been meant.
std::string hint_of(const Command& command, const po::error& error) {
  const auto* unknown = dynamic_cast<const po::unknown_option*>(&error);
  if (unknown == nullptr) return "";
  std::vector<std::string> names;
  const auto options = options_of(command);
  for (const auto& option : options.options()) names.push_back("--" + option->long_name());
  const auto hint = agent::nearest(unknown->get_option_name(), names);
  return hint.empty() ? "" : fmt::format(" (did you mean \"{}\"?)", hint);
}

const Command* find_command(const std::string& name) {
  for (const auto& command : agent::commands()) {
    if (command.name == name) return &command;
  }
  return nullptr;
}

Exit unknown_command(const std::string& name) {
  std::vector<std::string> names{"--help", "--version"};
  for (const auto& command : agent::commands()) names.emplace_back(command.name);
  const auto hint = agent::nearest(name, names);
  say(fmt::format("no command \"{}\"{}; exiwarden --help lists them", agent::printable(name),
                  hint.empty() ? "" : fmt::format(" (did you mean \"{}\"?)", hint)));
  return agent::kUsage;
}

// The configuration the command runs with; Exit if there is none.
std::variant<agent::Config, Exit> configuration(const Command& command,
                                                agent::Invocation& invocation) {
  const bool given = invocation.options.count("config") > 0;
  invocation.config_path = given ? invocation.options["config"].as<std::string>() : kDefaultConfig;
  std::error_code ignored;
  if (!given && command.config == Command::NeedsConfig::or_defaults &&
      !std::filesystem::exists(invocation.config_path, ignored)) {
    say(fmt::format("no {}: using the built-in defaults (no relay hosts)", kDefaultConfig));
    invocation.config_path.clear();
    return agent::Config::defaults();
  }
  auto loaded = agent::load_config(invocation.config_path);
  if (auto* config = std::get_if<agent::Config>(&loaded)) {
    for (const auto& warning : config->warnings) say("warning: " + agent::describe(warning));
    return std::move(*config);
  }
  for (const auto& problem : std::get<1>(loaded)) say(agent::describe(problem));
  return agent::kBadConfig;
}

Exit run(const Command& command, const std::vector<std::string>& words) {
  agent::Invocation invocation;
  try {
    auto visible = options_of(command);
    po::options_description all;
    all.add(visible).add_options()("argument", po::value<std::vector<std::string>>());
    po::positional_options_description positional;
    positional.add("argument", -1);
    po::store(po::command_line_parser(words).options(all).positional(positional).run(),
              invocation.options);
  } catch (const po::error& error) {
    say(fmt::format("{}: {}{}; see exiwarden {} --help", command.name,
                    agent::printable(error.what()), hint_of(command, error), command.name));
    return agent::kUsage;
  }
  if (invocation.options.count("help") > 0) {
    fmt::print("{}", help_of(command));
    return agent::kDone;
  }
  if (invocation.options.count("argument") > 0) {
    invocation.arguments = invocation.options["argument"].as<std::vector<std::string>>();
  }
  if (*command.arguments == '\0' && !invocation.arguments.empty()) {
    say(fmt::format("{} takes no argument \"{}\"", command.name,
                    agent::printable(invocation.arguments.front())));
    return agent::kUsage;
  }
  if (invocation.options.count("output") > 0) {
    const auto name = invocation.options["output"].as<std::string>();
    const auto output = agent::output_named(name);
    if (!output) {
      say(fmt::format("no output form \"{}\"; accepted: text, jsonl, csv", agent::printable(name)));
      return agent::kUsage;
    }
    invocation.output = *output;
  }
  auto config = configuration(command, invocation);
  if (const auto* exit = std::get_if<Exit>(&config)) return *exit;
  invocation.config = std::move(std::get<agent::Config>(config));
  const auto exit = command.run(invocation);
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
    say("could not write the results");
    return agent::kIoError;
  }
  return exit;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    std::vector<std::string> words(argv + 1, argv + argc);
    if (words.empty()) {
      fmt::print(stderr, "{}", overview());
      return agent::kUsage;
    }
    if (words[0] == "--help" || words[0] == "-h" || words[0] == "help") {
      fmt::print("{}", overview());
      return agent::kDone;
    }
    if (words[0] == "--version") {
      fmt::print("exiwarden {}\n", agent::kVersion);
      return agent::kDone;
    }
    const auto* command = find_command(words[0]);
    if (command == nullptr) return unknown_command(words[0]);
    return run(*command, {words.begin() + 1, words.end()});
  } catch (const std::exception& error) {
    say(fmt::format("internal error: {}", agent::printable(error.what())));
    return agent::kInternal;
  }
}
