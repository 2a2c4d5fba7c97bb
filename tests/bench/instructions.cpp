// Bytes -> events -> windows, on a log made up here; instructions.py counts the instructions.
// Usage: instructions SHARE [joined], SHARE of lines that are refused RCPTs in percent; "joined":
// arrivals and failed deliveries are read too.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <span>
#include <string>
#include <string_view>

#include "agent/core/pipeline.h"

namespace {

std::string stamp_at(unsigned second) {
  char text[32];
  std::snprintf(text, sizeof text, "2026-11-23 %02u:%02u:%02u ", second / 3600 % 24,
                second / 60 % 60, second % 60);
  return text;
}

std::string make_log(std::size_t size, unsigned share) {
  const std::string tls = " X=TLS1.3:ECDHE_X25519__RSA_PSS_RSAE_SHA256__AES_256_GCM:256 CV=no";
  std::mt19937 random(1);
  std::string log;
  for (unsigned number = 0; log.size() < size; ++number) {
    const auto stamp = stamp_at(number / 40);
    const auto user = "user" + std::to_string(random() % 500) + "@customer.example";
    const auto host = "198.51.100." + std::to_string(1 + random() % 254);
    const auto from =
        "H=(pc-" + std::to_string(number % 977) + ") [" + host + "]" + (number % 3 == 0 ? tls : "");
    if (random() % 1000 >= share * 10) {
      const auto id = "1vaa00-00" + std::to_string(1000 + number % 9000) + "-10 ";
      switch (number % 3) {
        case 0:
          log +=
              stamp + id + "<= " + user + " " + from + " P=esmtpsa A=plain:" + user + " S=5120\n";
          break;
        case 1:
          log += stamp + id + "=> info@remote.test R=dnslookup T=remote_smtp H=mx.remote.test " +
                 "[203.0.113.7]" + tls + " C=\"250 2.0.0 Ok: queued as 006EGp8d\"\n";
          break;
        default:
          log += stamp + id + "Completed\n";
      }
      continue;
    }
    const auto dead = "dead" + std::to_string(number) + "@remote.test";
    const bool stranger = number % 2 == 0;
    const auto who = stranger ? " F=<x@spam.test>" : " F=<" + user + "> A=plain:" + user;
    log += stamp + from + who + " rejected RCPT <" + dead + ">: ";
    if (number % 5 == 0) {
      log += "mx.remote.test [203.0.113.9] : SMTP error from remote mail server after RCPT TO:<" +
             dead + ">: 550 5.1.1 User unknown\n";
    } else {
      log += "Unrouteable address\n";
    }
  }
  return log;
}

}  // namespace

// By name: all that is counted happens in it.
extern "C" [[gnu::noinline]] void counted_part(agent::Pipeline& pipeline, std::size_t log,
                                               std::span<const char> bytes) {
  constexpr std::size_t kChunk = std::size_t{256} * 1024;
  while (!bytes.empty()) {
    const auto chunk = bytes.first(std::min(kChunk, bytes.size()));
    pipeline.feed(log, chunk);
    bytes = bytes.subspan(chunk.size());
  }
}

int main(int count, char** arguments) {
  if (count < 2) return 64;
  const auto text = make_log(std::size_t{4} << 20, static_cast<unsigned>(std::atoi(arguments[1])));
  agent::Config config;
  config.rules.emplace_back();
  config.rules.back().name = "authenticated";
  agent::PipelineOptions options;
  options.reasons = parsers::Reasons::defaults();
  options.submissions = count > 2;
  agent::Pipeline pipeline(config, options);
  std::uint64_t decisions = 0;
  pipeline.on_decision([&](agent::Decision&&) { ++decisions; });
  const auto log = pipeline.add_log("mainlog");
  counted_part(pipeline, log, text);
  std::printf("%llu lines, %llu decisions\n",
              static_cast<unsigned long long>(pipeline.counters().lines),
              static_cast<unsigned long long>(decisions));
}
