#include "agent/commands/command.h"
#include "agent/commands/list_scope.h"
#include "agent/commands/selection.h"

namespace agent {
namespace {

namespace po = boost::program_options;

void events_options(po::options_description& options) {
  options.add_options()("all", "also refusals of hosts that may not relay (outsiders)");
  add_selection_options(options);
}

void replay_options(po::options_description& options) {
  options.add_options()                                                   //
      ("summary", "jsonl, csv: also what was accepted before and after")  //
      ("brief", "text: without what was accepted; faster")                //
      ("report", po::value<std::string>()->value_name("FILE"),
       "also write a page on all of them, tables as .csv")                      //
      ("logs-only", "with --report: leave out this machine's lists and queue")  //
      ("fail-on-block", "exit 1 if anything was decided")                       //
      ("limit", po::value<std::string>()->value_name("N"),
       "try one rule with this limit (and no other rule)")  //
      ("period", po::value<std::string>()->value_name("P"),
       "the same with this period, like 10m")  //
      ("identity", po::value<std::string>()->value_name("KIND"),
       "the same for user (default), relay or local");
  add_selection_options(options);
}

void evidence_options(po::options_description& options) {
  options.add_options()  //
      ("html", po::value<std::string>()->value_name("FILE"),
       "write a page, and its full tables as .csv")  //
      ("mail", po::value<std::string>()->value_name("DIR"),
       "copy its frozen messages into DIR, which must not exist")  //
      ("messages", po::value<std::uint32_t>()->value_name("N")->default_value(100),
       "with --mail: at most N messages, the oldest")  //
      ("logs-only", "leave out this machine's lists and queue, and the farm");
  add_selection_options(options);
}

void tune_options(po::options_description& options) {
  options.add_options()  //
      ("limits", po::value<std::string>()->value_name("N,..."),
       "limits to try (default 10,20,50,100,200,500)")  //
      ("periods", po::value<std::string>()->value_name("P,..."),
       "periods to try (default 10m,1h,1d)")  //
      ("html", po::value<std::string>()->value_name("FILE"),
       "also write a page, and its senders as .csv")                         //
      ("summary", "jsonl, csv: also when, and mail accepted before, after")  //
      ("spammers", po::value<std::string>()->value_name("FILE"),
       "file of known spammers, one per line")  //
      ("honest", po::value<std::string>()->value_name("FILE"),
       "file of known good senders, one per line");
  add_selection_options(options);
}

void explain_options(po::options_description& options) {
  options.add_options()                                                                  //
      ("file", po::value<std::string>()->value_name("FILE"), "take the line from FILE")  //
      ("line", po::value<std::uint64_t>()->value_name("N")->default_value(1),
       "number of the line in FILE")  //
      ("who", po::value<std::string>()->value_name("ID"),
       "show the events behind each decision about ID in LOG...")           //
      ("all", "with --who: every event, not only the first and last five")  //
      ("unknown", "list the texts in LOG... that no pattern of [reasons] knows");
}

void init_options(po::options_description& options) {
  options.add_options()  //
      ("exim", po::value<std::string>()->value_name("PATH"),
       "Exim's program (default: searched for)")  //
      ("write", po::value<std::string>()->value_name("FILE"),
       "write the configuration to FILE; never overwrites a file")  //
      ("count",
       "for rcpt-accept-and-log.conf with a keyed tag, in place of rcpt-reject.conf")  //
      ("remove", "print how to take exiwarden out again");
}

void check_options(po::options_description& options) {
  options.add_options()                                                            //
      ("config-only", "check the configuration alone, and show what is in force")  //
      ("send-test", "send a notice, within the limits of the service's unit")      //
      ("user", po::value<std::string>()->value_name("NAME"),
       "the user the service runs as (default: its unit's, else exiwarden)");
}

void run_options(po::options_description& options) {
  options.add_options()("dry-run", "decide and say so, but write no list and send no mail");
}

void status_options(po::options_description& options) {
  options.add_options()("top", po::value<std::uint32_t>()->value_name("N")->default_value(10),
                        "show the N fullest windows")                              //
      ("watch", "draw it again each second, on the whole terminal, until Ctrl-C")  //
      ("farm", "show the hosts of the farm, as its server knows them");
}

void list_options(po::options_description& options) {
  add_scope_options(options);
  options.add_options()                                                    //
      ("exact", "no globs: \"*\", \"?\" and \"[\" are plain")              //
      ("farm", "show who is blocked in the farm, as its server knows it")  //
      ("ids", "only the identities, one per line");
}

void block_options(po::options_description& options) {
  add_scope_options(options);
  options.add_options()  //
      ("reason", po::value<std::string>()->value_name("TEXT"), "why; goes into the list")(
          "for", po::value<std::string>()->value_name("TIME"),
          "how long, like 1d or 1h30m (default: until freed)");
}

void release_options(po::options_description& options) {
  add_scope_options(options);
  options.add_options()                                        //
      ("exact", "no globs: \"*\", \"?\" and \"[\" are plain")  //
      ("dry-run", "say what would be done, and do nothing")    //
      ("reason", po::value<std::string>()->value_name("TEXT"), "why; for the history");
}

void exempt_options(po::options_description& options) {
  options.add_options()  //
      ("for", po::value<std::string>()->value_name("TIME"),
       "how long, like 1d or 1h30m (default: until removed)")                             //
      ("host", "each ID is an address or a network of a relay host")                      //
      ("reason", po::value<std::string>()->value_name("TEXT"), "why; is listed with it")  //
      ("remove", "count them again");
}

void history_options(po::options_description& options) {
  options.add_options()  //
      ("since", po::value<std::string>()->value_name("TIME"),
       "only what happened from then on, like 30d or 2026-10-01")                              //
      ("until", po::value<std::string>()->value_name("TIME"), "only what happened before it")  //
      ("rule", po::value<std::string>()->value_name("NAME"), "only what this rule has done")   //
      ("event", po::value<std::string>()->value_name("EVENT"),
       "only blocked, freed, ended, trial, watched, silent, listed or exempted");
}

void unblock_options(po::options_description& options) {
  release_options(options);
  options.add_options()                                      //
      ("release", "thaw the sender's frozen messages, too")  //
      ("delete", "delete them instead; asks first")          //
      ("yes", "do not ask");
}

constexpr Command kCommands[] = {
    {"run", "", "the service: follow the log, count, block, notify",
     "Follows log.paths in the foreground until SIGTERM. Tells systemd that it is\n"
     "ready once the state is loaded and the logs are watched. SIGHUP makes it take\n"
     "a changed configuration. A log that is read for the first time blocks nobody\n"
     "for lines older than a rule's period; their senders are counted and reported.",
     Command::NeedsConfig::yes, run_options, run_service},
    {"events", "LOG...", "every piece of evidence in a log, one per line",
     "A LOG is plain or packed by gzip, xz, zstd or bzip2; \"-\" is standard input.\n"
     "With relay.hosts set, refusals of other hosts are left out: they are not your\n"
     "users.",
     Command::NeedsConfig::or_defaults, events_options, run_events},
    {"replay", "LOG...", "who would have been blocked in old logs, and when",
     "A LOG is a file (packed or not), a directory, a glob in quotes or \"-\"; mx1:PATH\n"
     "names its host. Decides by the service's own code and changes nothing.",
     Command::NeedsConfig::or_defaults, replay_options, run_replay},
    {"explain", "[LINE...]", "a log line taken apart: what it is, who is charged",
     "Takes lines from the arguments or standard input, in the log's order: a failed\n"
     "delivery is charged by the arrival entry before it. Shows each field with its\n"
     "bytes, or the first step of the scan that said no. With --who ID LOG..., the\n"
     "events in the window behind each decision about ID; exit 1 if there is none.\n"
     "With --unknown LOG..., texts that mean nothing known yet, the most frequent first.",
     Command::NeedsConfig::or_defaults, explain_options, run_explain},
    {"tune", "LOG...", "what each limit and period would have blocked",
     "One pass shows which senders each limit and period would have blocked, and when\n"
     "first: each rule by itself, blocks without end. Suggests a setting from the\n"
     "widest gap between identities, as TOML to paste. A LOG is named as for replay.",
     Command::NeedsConfig::or_defaults, tune_options, run_tune},
    {"evidence", "ID [LOG...]", "everything the logs say about one identity",
     "Without a LOG: log.paths and their rotations. Timeline, hosts, recipients,\n"
     "reasons, messages and the log lines, as text or as a page to hand on; and what\n"
     "this machine's lists and Exim's queue hold of it now.",
     Command::NeedsConfig::or_defaults, evidence_options, run_evidence},
    {"status", "", "position and lag, fullest windows, blocked, faults",
     "Reads the checkpoint and the lists; the service may run or not. Windows are shown\n"
     "as of the log time of the newest saved event (the service saves every 10 s).\n"
     "Exit 1 if there is a fault. With -o csv, the windows only. With --farm, instead,\n"
     "the hosts of the farm: when each was last heard, and which have events refused\n"
     "for their timestamps.",
     Command::NeedsConfig::yes, status_options, run_status},
    {"list", "[ID...]", "who is blocked, since when and why",
     "Shows the lists, or what they hold on each ID. An ID may be a glob in quotes.\n"
     "Exit 1 if one of them is not listed. With --farm, instead, all that the farm\n"
     "has blocked, and what each host has counted.",
     Command::NeedsConfig::yes, list_options, run_list},
    {"history", "[ID...]", "who was blocked, freed ..., when, and who did it",
     "Reads what the service remembers for state.history_keep: each block and its end,\n"
     "whoever made it, and the refused recipients that led to it (shown with an ID).\n"
     "Exit 1 if there is nothing.",
     Command::NeedsConfig::yes, history_options, run_history},
    {"block", "ID...", "puts senders into a list by hand",
     "An address or network goes into the first list of relays, anything else into\n"
     "the first list of users, unless --list or --rule says otherwise. IDs are as\n"
     "Exim logs them. Put \"--\" before an ID that begins with \"-\".",
     Command::NeedsConfig::yes, block_options, run_block},
    {"unblock", "ID...", "removes senders from the lists; their counts restart",
     "Looks in every list unless --list or --rule names one. An ID may be a glob in\n"
     "quotes. Messages are found by the sender that Exim's spool records. Exit 1 if\n"
     "an ID is neither listed nor has frozen mail. Put \"--\" before an ID that begins\n"
     "with \"-\".",
     Command::NeedsConfig::yes, unblock_options, run_unblock},
    {"release", "ID...", "unblock, and thaw their frozen mail",
     "The same as unblock --release. Exim delivers thawed messages in its next queue\n"
     "run.",
     Command::NeedsConfig::yes, release_options, run_release},
    {"exempt", "[ID...]", "senders that are not counted, for a time or for good",
     "Without an ID: who is exempt by this command, and until when. An address\n"
     "or network is a relay host's. The service takes it within two seconds. A day\n"
     "before the end of one that is still of use a notice goes out. exempt in the\n"
     "configuration names more. A sender that is blocked stays so until it is freed.",
     Command::NeedsConfig::yes, exempt_options, run_exempt},
    {"init", "", "a first configuration, from Exim's own settings",
     "Asks exim -bP for its log, relay hosts, zone and user, and prints a commented\n"
     "configuration, then what to paste into Exim's and where, and how the service may\n"
     "freeze what is queued. Anything it can't determine is reported. Needs the rights\n"
     "to run exim -bP.",
     Command::NeedsConfig::none, init_options, run_init},
    {"check", "", "checks the configuration, Exim's settings and file rights",
     "Each line says ok, warn or BAD, and what to do; the last one counts them. As root it\n"
     "tries as the service's user and as Exim's, asks Exim whether its ACL looks the lists\n"
     "up, and systemd what the service's unit and its drop-ins keep it from doing.\n"
     "Exit 1 if anything is BAD, 78 and every fault if the configuration is not sound.",
     Command::NeedsConfig::yes, check_options, run_check},
};

}  // namespace

std::span<const Command> commands() {
  return kCommands;
}

}  // namespace agent
