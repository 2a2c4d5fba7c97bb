// Every log of the real Exim in tests/corpus against what the driver knew: the right user or host,
// or nobody. See tests/corpus/README.md for the fields.
#include <fmt/format.h>

#include <map>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

#include "agent/archive/log_input.h"
#include "agent/config/config_file.h"
#include "agent/core/pipeline.h"
#include "parsers/entries/rejection.h"
#include "tests/catch.h"

namespace agent {
namespace {

using Json = nlohmann::json;

struct CorpusLog {
  std::string name;
  std::vector<std::string> files;  // in the order of writing; empty: NAME.log
  const char* zone = "UTC";
  const char* pattern = nullptr;  // for lines that the lab's own ACL wrote
};

// What an admin would write for `warn logwrite` and `warn log_message` of the lab's ACLs.
constexpr const char* kLogwrite =
    R"(^invalid-recipient host=\[(?P<host>[^\]]+)\](?: auth=\S+ id=(?P<user>.*?))? )"
    R"(rcpt=(?P<recipient>"(?:[^"\\]|\\.)*"|\S+)$)";
constexpr const char* kWarn =
    R"(^H=(?:\S+ )?(?:\(\S*\) )?\[(?P<host>[^\] ]+)\] Warning: invalid recipient)"
    R"((?: A=[^ :]+:(?P<user>.*?))? RCPT <(?P<recipient>.*?)>: (?P<reason>.*)$)";

// The same sessions with two Exims: 4.96 in the folder itself, 4.98.
const CorpusLog kSessions[] = {{"all", {}},
                               {"case", {}},
                               {"count-logwrite", {}, "UTC", kLogwrite},
                               {"count-warn", {}, "UTC", kWarn},
                               {"cpanel", {}},
                               {"debian", {}},
                               {"default", {}},
                               {"inject-all", {}},
                               {"inject-cpanel", {}},
                               {"inject-debian", {}},
                               {"inject-default", {}},
                               {"inject-ident", {}},
                               {"inject-junkhelo", {}},
                               {"inject-mailauth", {}},
                               {"millisec-pid-tz", {}},
                               {"overflow", {}},
                               {"pid-interface", {}, "Europe/Berlin"},
                               {"pipelined", {}},
                               {"rotate", {"rotate.0.log", "rotate.1.log", "rotate.2.log"}},
                               {"seed-acl", {}},
                               {"storm", {}},
                               {"syslog-dup-iso", {}},
                               {"syslog-dup-traditional", {}},
                               {"syslog-nodup-iso", {}},
                               {"syslog-nodup-traditional", {}}};

std::vector<CorpusLog> all_logs() {
  std::vector<CorpusLog> logs;
  for (const std::string folder : {"", "4.98/"}) {
    for (auto log : kSessions) {
      log.name.insert(0, folder);
      for (auto& file : log.files) file.insert(0, folder);
      logs.push_back(std::move(log));
    }
  }
  return logs;
}
const std::vector<CorpusLog> kLogs = all_logs();

// The file or its packed form; empty if there is neither (a list without entries).
std::string contents(const std::string& name) {
  for (const char* ending : {"", ".xz"}) {
    auto input = LogInput::open(TEST_DATA "/../corpus/" + name + ending);
    if (!input) continue;
    std::string bytes;
    for (;;) {
      const auto chunk = input.value()->read();
      REQUIRE(chunk);
      if (chunk.value().empty()) return bytes;
      bytes.append(chunk.value().begin(), chunk.value().end());
    }
  }
  return {};
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t from = 0; from < text.size();) {
    const auto end = std::min(text.find('\n', from), text.size());
    lines.push_back(text.substr(from, end - from));
    from = end + 1;
  }
  return lines;
}

// One character of the list is one byte of the log.
std::optional<std::string> bytes_of(const Json& entry, const char* key) {
  if (!entry.contains(key) || entry[key].is_null()) return std::nullopt;
  const auto text = entry[key].get<std::string>();
  std::string bytes;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto lead = static_cast<unsigned char>(text[i]);
    if (lead < 0x80) {
      bytes.push_back(text[i]);
    } else {
      REQUIRE((lead == 0xc2 || lead == 0xc3));
      const auto next = static_cast<unsigned char>(text[++i]);
      bytes.push_back(static_cast<char>((lead & 3) << 6 | (next & 0x3f)));
    }
  }
  return bytes;
}

struct Found {
  std::uint64_t line = 0;  // through all files of the log
  std::int64_t time = 0;
  parsers::Kind kind = parsers::Kind::ambiguous;
  std::optional<std::string> user, host, recipient, sender, reason;
  Charged verdict = Charged::nobody_known;
  std::string identity;
  std::uint64_t offset = 0;

  bool operator==(const Found&) const = default;
};

std::optional<std::string> owned(const std::optional<std::string_view>& text) {
  return text ? std::optional(std::string(*text)) : std::nullopt;
}

// Cuts bytes into chunks; next(left) says how long the next one is.
using Cut = std::function<std::size_t(std::size_t left)>;

class Corpus {
 public:
  explicit Corpus(const CorpusLog& log) : zone_(Zone::named(log.zone).value()) {
    auto files = log.files;
    if (files.empty()) files.push_back(log.name + ".log");
    for (const auto& file : files) bytes_.push_back(contents(file));
    REQUIRE_FALSE(bytes_.front().empty());
    config_ = default_config();
    for (const char* net : {"192.0.2.64/26", "2001:db8:1::/48"}) {
      config_.relay.hosts.push_back(Network::parse(net).value());
    }
    if (log.pattern != nullptr) {
      auto compiled = parsers::Patterns::compile({{log.pattern}});
      REQUIRE(compiled);
      patterns_ = compiled.value();
    }
  }

  std::vector<Found> read(const Cut& cut, parsers::ReaderCounters* counters = nullptr) const {
    PipelineOptions options;
    options.reasons = parsers::Reasons::defaults();
    options.patterns = patterns_;
    options.zone = zone_;
    options.not_after = parsers::days_from_civil(2026, 12, 31) * 86400;
    Pipeline pipeline(config_, std::move(options));
    std::vector<Found> found;
    std::uint64_t lines_before = 0;
    pipeline.on_signal([&](const Signalled& signalled) {
      const auto& event = signalled.event;
      found.push_back({lines_before + event.number, signalled.time.time_since_epoch().count(),
                       event.kind, owned(event.user), owned(event.host), owned(event.recipient),
                       owned(event.sender), owned(event.reason), signalled.charge.verdict,
                       std::string(signalled.charge.identity), event.offset});
    });
    const auto log = pipeline.add_log("");
    for (const auto& bytes : bytes_) {
      pipeline.start_file(log, "");
      for (std::size_t at = 0; at < bytes.size();) {
        const auto length = std::min(cut(bytes.size() - at), bytes.size() - at);
        pipeline.feed(log, std::span(bytes).subspan(at, length));
        at += length;
      }
      lines_before += static_cast<std::uint64_t>(std::count(bytes.begin(), bytes.end(), '\n'));
    }
    if (counters != nullptr) *counters = pipeline.counters();
    return found;
  }

 private:
  Zone zone_;
  Config config_;
  std::shared_ptr<const parsers::Patterns> patterns_;
  std::vector<std::string> bytes_;
};

std::size_t everything(std::size_t left) {
  return left;
}

bool charges_somebody(const Found& found) {
  return parsers::Kind::ambiguous != found.kind && !found.identity.empty() &&
         signal_of(found.kind).has_value();
}

// A refusal whose cause the contract leaves open: it may count or not.
bool may_be_policy(const std::string& why) {
  return why == "callout 552" || why == "router fail" ||
         why == "callout 550, control bytes from the remote server";
}

TEST_CASE("the corpus: each refusal is charged to who caused it") {
  for (const auto& log : kLogs) {
    std::map<std::uint64_t, Found> by_line;
    for (const auto& found : Corpus(log).read(everything)) {
      INFO(log.name << " line " << found.line);
      CHECK(by_line.emplace(found.line, found).second);
    }
    std::map<std::uint64_t, Json> expected;
    for (const auto& line : lines_of(contents(log.name + ".expected.jsonl"))) {
      auto entry = Json::parse(line);
      expected.emplace(entry["line"].get<std::uint64_t>(), std::move(entry));
    }
    for (const auto& [line, entry] : expected) {
      INFO(log.name << ": " << entry.dump());
      const auto at = by_line.find(line);
      const bool ambiguous = entry.value("ambiguous", false);
      if (ambiguous && (at == by_line.end() || at->second.kind == parsers::Kind::ambiguous)) {
        if (at != by_line.end() && at->second.host) {
          CHECK(at->second.host == bytes_of(entry, "host"));
        }
        continue;
      }
      REQUIRE(at != by_line.end());
      const auto& found = at->second;
      CHECK(found.user == bytes_of(entry, "user"));
      CHECK(found.host == bytes_of(entry, "host"));
      CHECK(std::abs(static_cast<double>(found.time) - entry["t"].get<double>()) < 3);
      if (!(found.kind == parsers::Kind::policy_rejected &&
            may_be_policy(entry["why"].get<std::string>()))) {
        CHECK(parsers::name_of(found.kind) == entry["kind"].get<std::string>());
      }
      if (const auto raw = bytes_of(entry, "raw")) {
        CHECK(found.recipient == parsers::without_brackets(*raw));
      } else {  // the ACL wrote the address as Exim parsed it
        CHECK(found.recipient == bytes_of(entry, "recipient"));
      }
    }
    for (const auto& [line, found] : by_line) {
      if (expected.count(line) > 0) continue;
      INFO(log.name << " line " << line);
      CHECK_FALSE(charges_somebody(found));
    }
  }
}

TEST_CASE("the corpus: text that only looks like a refusal makes no event") {
  for (const auto& log : kLogs) {
    std::map<std::uint64_t, Found> by_line;
    for (const auto& found : Corpus(log).read(everything)) by_line.emplace(found.line, found);
    for (const auto& line : lines_of(contents(log.name + ".others.jsonl"))) {
      const auto entry = Json::parse(line);
      INFO(log.name << ": " << line);
      const auto at = by_line.find(entry["line"].get<std::uint64_t>());
      if (entry["kind"] == "none") {
        CHECK((at == by_line.end() || at->second.kind == parsers::Kind::ambiguous));
      } else if (at != by_line.end() && at->second.kind != parsers::Kind::ambiguous) {
        CHECK(at->second.user == bytes_of(entry, "user"));
        CHECK(at->second.host == bytes_of(entry, "host"));
      }
    }
  }
}

TEST_CASE("the corpus: what Exim lost itself is counted as such") {
  for (const std::string folder : {"", "4.98/"}) {
    INFO(folder);
    const CorpusLog log{folder + "overflow", {}};
    parsers::ReaderCounters counters;
    Corpus(log).read(everything, &counters);
    CHECK(counters.overflowed == lines_of(contents(log.name + ".lost.jsonl")).size());
  }
}

TEST_CASE("the corpus: however the bytes are cut, the events are the same") {
  for (const auto& log : kLogs) {
    INFO(log.name);
    const Corpus corpus(log);
    const auto whole = corpus.read(everything);
    CHECK(corpus.read([](std::size_t) { return 1; }) == whole);
    for (const unsigned seed : {1U, 2U, 3U}) {
      std::mt19937 random(seed);
      // Short and long chunks mixed: the edges of lines and of the longest line are both met.
      std::geometric_distribution<std::size_t> exponent(0.15);
      CHECK(corpus.read([&](std::size_t) {
        return 1 +
               (random() >> 8) % (std::size_t{1} << std::min<std::size_t>(exponent(random), 17));
      }) == whole);
    }
  }
}

}  // namespace
}  // namespace agent
