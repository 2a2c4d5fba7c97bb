// Any bytes as a log, read for what is about messages, and for failed logins: however it is cut the
// same are charged, and nobody whose name the log doesn't hold.
#include "agent/config/config_file.h"
#include "agent/core/pipeline.h"
#include "fuzz.h"

namespace {

const agent::Config& config() {
  static const auto kConfig =
      agent::parse_config(
          "[relay]\nhosts = [\"127.0.0.0/8\"]\nown = []\n"
          "[[rule]]\nname = \"u\"\nidentity = \"user\"\nsignals = [\"bounced\"]\nlimit = 2\n"
          "[[rule]]\nname = \"h\"\nidentity = \"user\"\ncount = \"recipients\"\nlimit = 2\n"
          "signals = [\"accepted\", \"deferred\", \"accused\"]\n"
          "[[rule]]\nname = \"a\"\nidentity = \"host\"\ncount = \"ids\"\nlimit = 2\n"
          "signals = [\"auth_failed\"]\n"
          "[[rule]]\nname = \"l\"\nidentity = \"local\"\nsignals = [\"bounced\"]\nlimit = 2\n",
          "fuzz.toml")
          .value();
  return kConfig;
}

std::string charges(std::string_view log, std::size_t cut) {
  agent::PipelineOptions options;
  static const auto kReasons = parsers::Reasons::defaults();
  options.reasons = kReasons;
  agent::Pipeline pipeline(config(), std::move(options));
  std::string out;
  const auto whole = log;
  pipeline.on_signal([&](const agent::Signalled& signalled) {
    out += std::to_string(signalled.event.number) + " ";
    out += signalled.charge.identity;
    out += "\n";
    fuzz::require(whole.find(signalled.charge.identity) != std::string_view::npos);
  });
  pipeline.on_decision([&](agent::Decision&&) { out += "decided\n"; });
  const auto number = pipeline.add_log("log");
  while (!log.empty()) {
    const auto length = std::min(log.size(), cut);
    pipeline.feed(number, log.substr(0, length));
    log.remove_prefix(length);
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto input = fuzz::text(data, size);
  const auto cut = fuzz::take_choice(input) + 1;
  fuzz::require(charges(input, cut) == charges(input, input.size() + 1));
  return 0;
}
