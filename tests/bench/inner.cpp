// The inner parts, each alone: nanoseconds a call, or bytes a second. `tests/bench/run.sh --inner`.
#include <benchmark/benchmark.h>

#include <string>

#include "agent/core/attribution.h"
#include "agent/core/counting.h"
#include "agent/core/window.h"
#include "parsers/entries/rejection.h"
#include "parsers/fields/stamp.h"
#include "parsers/reasons/reasons.h"
#include "parsers/scan/words.h"

namespace {

constexpr std::string_view kPayload =
    "H=(desktop-6735) [198.51.100.179] X=TLS1.3:ECDHE_X25519__RSA_PSS_RSAE_SHA256__AES_256_GCM:256 "
    "CV=no F=<willi@customer41.example> A=plain:willi@customer41.example rejected RCPT "
    "<nobody4711@remote13.test>: mx.remote13.test [203.0.113.9] : SMTP error from remote mail "
    "server after RCPT TO:<nobody4711@remote13.test>: 550 5.1.1 User unknown";

void find(benchmark::State& state) {
  std::string block;
  while (block.size() < std::size_t{256} * 1024) {
    block += "2026-11-23 10:42:35 1veMOe-000003-07 => orders <orders@lab.example> R=local_user\n";
  }
  constexpr parsers::WordFinder kWords{parsers::kRejectedRcpt, {"exiwarden/1 ", 8}, {"**** ", 0}};
  for (auto _ : state) {
    std::uint64_t lines = 0;
    benchmark::DoNotOptimize(kWords.next(block, 0, lines));
    benchmark::DoNotOptimize(lines);
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * block.size()));
}
BENCHMARK(find);

void scan(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(parsers::scan_rejection(kPayload, false));
}
BENCHMARK(scan);

void reason(benchmark::State& state) {
  const auto found = parsers::scan_rejection(kPayload, false);
  parsers::ReasonMemory memory(parsers::Reasons::defaults());
  for (auto _ : state) {
    benchmark::DoNotOptimize(memory.of(found.rejection->text, found.rejection->argument));
  }
}
BENCHMARK(reason);

void stamp(benchmark::State& state) {
  parsers::StampMemory memory;
  for (auto _ : state) {
    std::string_view line = "2026-11-23 10:42:35 H=(x)";
    benchmark::DoNotOptimize(memory.take_exim_stamp(line));
  }
}
BENCHMARK(stamp);

void window(benchmark::State& state) {
  agent::Window window;
  std::int64_t second = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(
        window.add(agent::Instant(std::chrono::seconds(second++)), 0, 100, std::chrono::hours(1)));
  }
}
BENCHMARK(window);

void fold(benchmark::State& state) {
  std::string out;
  for (auto _ : state) {
    out.clear();
    agent::append_folded("Willi.Baker@Customer41.Example", out);
    benchmark::DoNotOptimize(out.data());
  }
}
BENCHMARK(fold);

}  // namespace
