// exiwarden COMMAND [options] [argument...]
#include <fmt/format.h>

#include <clocale>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <iostream>
#include <iterator>
#include <optional>
#include <string>
#include <vector>

#include "agent/commands/help.h"
#include "agent/config/config_file.h"
#include "agent/config/spelling.h"
#include "agent/output/complain.h"
#include "agent/output/version.h"
#include "agent/service/process_start.h"

namespace {

namespace po = boost::program_options;
using agent::Command;
using agent::complain;
using agent::Exit;

const Command* find_command(const std::string& name) {
  for (const auto& command : agent::commands()) {
    if (command.name == name) return &command;
  }
  return nullptr;
}

Exit unknown_command(const std::string& name) {
  std::vector<std::string> names{"--help", "--version"};
  for (const auto& command : agent::commands()) names.emplace_back(command.name);
  complain(fmt::format("no command \"{}\"{}; see exiwarden --help", name,
                       agent::did_you_mean(agent::nearest(name, names))));
  return agent::kUsage;
}

// The configuration the command runs with; Exit if there is none.
actions::Result<agent::Config, Exit> configuration(const Command& command,
                                                   agent::Invocation& invocation) {
  if (command.config == Command::NeedsConfig::none) return agent::default_config();
  const char* from_environment = std::getenv("EXIWARDEN_CONFIG");
  const bool named = from_environment != nullptr && *from_environment != '\0';
  const bool given = named || invocation.options.count("config") > 0;
  invocation.config_path = invocation.options.count("config") > 0
                               ? invocation.options["config"].as<std::string>()
                           : named ? from_environment
                                   : agent::kDefaultConfig;
  std::error_code ignored;
  if (!given && command.config == Command::NeedsConfig::or_defaults &&
      !std::filesystem::exists(invocation.config_path, ignored)) {
    complain(
        fmt::format("no {}: using the built-in defaults (no relay hosts)", agent::kDefaultConfig));
    invocation.config_path.clear();
    return agent::default_config();
  }
  auto loaded = agent::load_config(invocation.config_path);
  if (loaded) {
    for (const auto& warning : loaded->warnings) complain("warning: " + agent::describe(warning));
    return std::move(loaded).value();
  }
  for (const auto& problem : loaded.error()) complain(agent::describe(problem));
  return agent::kBadConfig;
}

Exit run(const Command& command, const std::vector<std::string>& words) {
  agent::Invocation invocation;
  try {
    auto visible = agent::options_of(command);
    po::options_description all;
    all.add(visible).add_options()("argument", po::value<std::vector<std::string>>());
    po::positional_options_description positional;
    positional.add("argument", -1);
    po::store(po::command_line_parser(words).options(all).positional(positional).run(),
              invocation.options);
  } catch (const po::unknown_option& error) {
    std::vector<std::string> names;
    const auto known = agent::options_of(command);
    for (const auto& option : known.options()) names.push_back("--" + option->long_name());
    const auto given = error.get_option_name();
    const auto hint = agent::nearest(given.substr(0, given.find('=')), names);
    complain(fmt::format("{}: no option \"{}\"{}; see exiwarden {} --help", command.name, given,
                         agent::did_you_mean(hint), command.name));
    return agent::kUsage;
  } catch (const po::error& error) {
    complain(
        fmt::format("{}: {}; see exiwarden {} --help", command.name, error.what(), command.name));
    return agent::kUsage;
  }
  if (invocation.options.count("help") > 0) {
    fmt::print("{}", agent::help_of(command));
    return agent::kDone;
  }
  if (invocation.options.count("argument") > 0) {
    invocation.arguments = invocation.options["argument"].as<std::vector<std::string>>();
  }
  if (*command.arguments == '\0' && !invocation.arguments.empty()) {
    complain(
        fmt::format("{} takes no argument \"{}\"", command.name, invocation.arguments.front()));
    return agent::kUsage;
  }
  if (invocation.options.count("output") > 0) {
    const auto name = invocation.options["output"].as<std::string>();
    const auto output = agent::output_named(name);
    if (!output) {
      complain(fmt::format("no output form \"{}\"{}; accepted: text, jsonl, csv", name,
                           agent::did_you_mean(agent::nearest(name, {"text", "jsonl", "csv"}))));
      return agent::kUsage;
    }
    invocation.output = *output;
  }
  auto config = configuration(command, invocation);
  if (!config) return config.error();
  invocation.config = std::move(config).value();
  const auto exit = command.run(invocation);
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
    complain("could not write the results");
    return agent::kIoError;
  }
  return exit;
}

// What the build writes once and packages install: manual pages and completions.
std::optional<std::string> made_from_the_table(const std::vector<std::string>& words) {
  if (words[0] == "--man") return agent::manual_page();
  if (words[0] == "--man-config") {
    const std::string toml{std::istreambuf_iterator<char>(std::cin), {}};
    return agent::config_manual_page(toml);
  }
  if (words[0] == "--completion" && words.size() == 2 && words[1] == "bash")
    return agent::bash_completion();
  if (words[0] == "--completion" && words.size() == 2 && words[1] == "zsh")
    return agent::zsh_completion();
  return std::nullopt;
}

}  // namespace

int main(int argc, char** argv) {
  agent::start_as_command();
  try {
    std::vector<std::string> words(argv + 1, argv + argc);
    if (words.empty()) {
      fmt::print(stderr, "{}", agent::overview());
      return agent::kUsage;
    }
    if (words[0] == "help" && words.size() > 1) {
      const auto* command = find_command(words[1]);
      if (command == nullptr) return unknown_command(words[1]);
      fmt::print("{}", agent::help_of(*command));
      return agent::kDone;
    }
    if (words[0] == "--help" || words[0] == "-h" || words[0] == "help") {
      fmt::print("{}", agent::overview());
      return agent::kDone;
    }
    if (words[0] == "--version" || words[0] == "-V") {
      fmt::print("exiwarden {}\n", agent::kVersion);
      return agent::kDone;
    }
    if (const auto page = made_from_the_table(words)) {
      fmt::print("{}", *page);
      return agent::kDone;
    }
    const auto* command = find_command(words[0]);
    if (command == nullptr) return unknown_command(words[0]);
    return run(*command, {words.begin() + 1, words.end()});
  } catch (const std::exception& error) {
    complain(fmt::format("internal error: {}", error.what()));
    return agent::kInternal;
  }
}
