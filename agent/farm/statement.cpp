#include "agent/farm/statement.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>

#include "agent/core/attribution.h"

namespace agent {
namespace {

constexpr std::size_t kMaxText = 4096, kMaxIdentity = 512, kMaxList = 255, kMaxRule = 64;
constexpr std::size_t kMaxHosts = 16;
constexpr std::int64_t kMaxSeconds = 253402300799;  // 9999-12-31
constexpr const char* kWhys[] = {"count", "host", "hand"};

bool without_controls(std::string_view text) {
  return std::none_of(text.begin(), text.end(),
                      [](unsigned char c) { return c < ' ' || c == 0x7f; });
}

// "a=1 b=2" as a map; nullopt: another form, or a key twice.
std::optional<std::map<std::string_view, std::string_view>> fields_of(std::string_view text) {
  std::map<std::string_view, std::string_view> fields;
  if (text.ends_with(' ')) return std::nullopt;
  while (!text.empty()) {
    const auto word = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(text.size(), word.size() + 1));
    const auto equals = word.find('=');
    if (equals == std::string_view::npos) return std::nullopt;
    if (!fields.emplace(word.substr(0, equals), word.substr(equals + 1)).second)
      return std::nullopt;
  }
  return fields;
}

class Reading {
 public:
  explicit Reading(const std::map<std::string_view, std::string_view>& fields) : fields_(fields) {}

  template <class T>
  void number(const char* key, std::int64_t low, std::int64_t high, T& out) {
    const auto raw = word(key);
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(raw.data(), raw.data() + raw.size(), value);
    if (error != std::errc() || end != raw.data() + raw.size() || value < low || value > high) {
      good_ = false;
      return;
    }
    out = static_cast<T>(value);
  }
  void text(const char* key, std::size_t most, std::string& out) {
    const auto bytes = farm_decoded(word(key));
    if (!bytes || bytes->empty() || bytes->size() > most || !without_controls(*bytes)) {
      good_ = false;
      return;
    }
    out = *bytes;
  }
  std::string_view word(const char* key) {
    const auto found = fields_.find(key);
    if (found == fields_.end()) {
      good_ = false;
      return {};
    }
    return found->second;
  }
  [[nodiscard]] bool has(const char* key) const { return fields_.count(key) > 0; }
  void require(bool good) { good_ = good_ && good; }
  [[nodiscard]] bool good() const { return good_; }

 private:
  const std::map<std::string_view, std::string_view>& fields_;
  bool good_ = true;
};

void read_hosts(std::string_view text, FarmStatement& record, Reading& in) {
  while (!text.empty() && in.good()) {
    const auto part = text.substr(0, text.find(','));
    text.remove_prefix(std::min(text.size(), part.size() + 1));
    const auto colon = part.find(':');
    HostCount host;
    host.host = part.substr(0, colon);
    const auto digits = colon == std::string_view::npos ? "" : part.substr(colon + 1);
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), host.count);
    in.require(is_farm_host(host.host) && error == std::errc() &&
               end == digits.data() + digits.size() && record.hosts.size() < kMaxHosts);
    record.hosts.push_back(std::move(host));
  }
}

}  // namespace

bool is_farm_identity(std::string_view identity) {
  return !identity.empty() && identity.size() <= kMaxIdentity && without_controls(identity);
}

std::string encode(const FarmName& name) {
  return farm_encoded(name.list) + "|" + farm_encoded(name.key);
}

std::optional<FarmName> decode_farm_name(std::string_view text) {
  const auto bar = text.find('|');
  if (bar == std::string_view::npos || text.size() > kMaxText) return std::nullopt;
  auto list = farm_decoded(text.substr(0, bar));
  auto key = farm_decoded(text.substr(bar + 1));
  if (!list || !key || list->empty() || list->size() > kMaxList || key->empty() ||
      key->size() > kMaxIdentity || !without_controls(*list) || !without_controls(*key) ||
      folded(*key) != *key) {
    return std::nullopt;
  }
  return FarmName{std::move(*list), std::move(*key)};
}

std::string encode(const FarmStatement& record) {
  auto text = fmt::format("op={} t={} host={} why={} id={}", record.blocked ? "block" : "free",
                          record.stamp, record.host, kWhys[static_cast<std::size_t>(record.why)],
                          farm_encoded(record.identity));
  if (record.until) text += fmt::format(" until={} times={}", *record.until, record.times);
  if (!record.teller.empty()) text += " teller=" + record.teller;
  if (record.rule.empty()) return text;
  text += fmt::format(" rule={} time={} first={} count={} limit={} period={}",
                      farm_encoded(record.rule), record.time, record.first, record.count,
                      record.limit, record.period);
  for (const auto& host : record.hosts)
    text += fmt::format("{}{}:{}", &host == &record.hosts.front() ? " hosts=" : ",", host.host,
                        host.count);
  return text;
}

std::optional<FarmStatement> decode_farm_statement(const FarmName& name, std::string_view text) {
  if (text.size() > kMaxText) return std::nullopt;
  const auto fields = fields_of(text);
  if (!fields) return std::nullopt;
  Reading in(*fields);
  FarmStatement record;
  const auto op = in.word("op");
  in.require(op == "block" || op == "free");
  record.blocked = op == "block";
  in.number("t", 1, kMaxSeconds * 1000, record.stamp);
  in.text("host", 64, record.host);
  in.require(is_farm_host(record.host));
  const auto why = std::find(std::begin(kWhys), std::end(kWhys), in.word("why"));
  in.require(why != std::end(kWhys));
  record.why = static_cast<FarmStatement::Why>(why - std::begin(kWhys));
  in.text("id", kMaxIdentity, record.identity);
  in.require(folded(record.identity) == name.key);
  if (in.has("until")) {
    std::int64_t until = 0;
    in.number("until", 1, kMaxSeconds, until);
    in.number("times", 1, 1'000'000, record.times);
    record.until = until;
  }
  if (in.has("teller")) {
    in.text("teller", 64, record.teller);
    in.require(record.blocked && is_farm_host(record.teller));
  }
  if (in.has("rule")) {
    in.text("rule", kMaxRule, record.rule);
    in.number("time", 0, kMaxSeconds, record.time);
    in.number("first", 0, kMaxSeconds, record.first);
    in.number("count", 1, 1'000'000, record.count);
    in.number("limit", 1, 1'000'000, record.limit);
    in.number("period", 1, kMaxSeconds, record.period);
    if (in.has("hosts")) read_hosts(in.word("hosts"), record, in);
  }
  in.require(record.blocked || !record.until);
  in.require(!record.rule.empty() || record.why == FarmStatement::Why::hand);
  if (!in.good()) return std::nullopt;
  return record;
}

}  // namespace agent
