#include "agent/commands/command.h"

namespace agent {
namespace {

namespace po = boost::program_options;

void no_options(po::options_description&) {}

void events_options(po::options_description& options) {
  options.add_options()("all", "also refusals of hosts that may not relay (outsiders)");
}

void replay_options(po::options_description& options) {
  options.add_options()  //
      ("since", po::value<std::string>(),
       "count events from this time on (2026-11-23 10:00:00)")              //
      ("until", po::value<std::string>(), "count events before this time")  //
      ("user", po::value<std::string>(), "count this identity only")        //
      ("fail-on-block", "exit 1 if anything was decided");
}

void run_options(po::options_description& options) {
  options.add_options()("dry-run", "decide and say so, but write no list and send no mail");
}

constexpr Command kCommands[] = {
    {"run", "", "the service: follow the log, count, block, notify",
     "Follows log.paths in the foreground until SIGTERM. Says it is ready to systemd once the\n"
     "configuration is checked, the state is loaded and the logs are watched.",
     Command::NeedsConfig::yes, run_options, run_service},
    {"events", "LOG...", "every piece of evidence in a log, one a line",
     "A LOG is plain or packed by gzip, xz, zstd or bzip2; \"-\" is standard input. With\n"
     "relay.hosts set, refusals of other hosts are left out: they are nobody of ours.",
     Command::NeedsConfig::or_defaults, events_options, run_events},
    {"replay", "LOG...", "what the rules would have decided; changes nothing",
     "Reads the logs in the order of their stamps and says what the service would have\n"
     "decided on them, with the same code.",
     Command::NeedsConfig::or_defaults, replay_options, run_replay},
    {"check", "", "the configuration: every fault at once, or what it means",
     "Exit 0 and the effective configuration if it is sound, 78 and every fault if not.",
     Command::NeedsConfig::yes, no_options, run_check},
};

}  // namespace

std::span<const Command> commands() {
  return kCommands;
}

}  // namespace agent
