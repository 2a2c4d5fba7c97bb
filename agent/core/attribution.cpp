#include "agent/core/attribution.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace agent {
namespace {

// Eight ASCII letters at once: the top bit of each sum says whether the byte is at least 'A', or
// beyond 'Z'; bytes from 0x80 on stay as they are.
std::uint64_t folded_eight(std::uint64_t bytes) {
  constexpr std::uint64_t kOnes = 0x0101010101010101;
  constexpr std::uint64_t kTop = kOnes << 7;
  const auto low = bytes & ~kTop;
  const auto from_a = low + kOnes * (0x80 - 'A');
  const auto beyond_z = low + kOnes * (0x80 - ('Z' + 1));
  const auto capital = from_a & ~beyond_z & ~bytes & kTop;
  return bytes | capital >> 2;  // 0x20
}

}  // namespace

std::string folded(std::string_view id) {
  std::string out;
  append_folded(id, out);
  return out;
}

void append_folded(std::string_view id, std::string& out) {
  const auto begin = out.size();
  out += id;
  char* at = out.data() + begin;
  char* const end = out.data() + out.size();
  for (std::uint64_t bytes = 0; end - at >= 8; at += 8) {
    std::memcpy(&bytes, at, 8);
    bytes = folded_eight(bytes);
    std::memcpy(at, &bytes, 8);
  }
  for (; at < end; ++at) *at = static_cast<char>(folded_eight(static_cast<unsigned char>(*at)));
}

std::string_view name_of(Charged charged) {
  constexpr std::array<std::string_view, kCharged> kNames{
      "user", "relay", "local", "host", "nobody_known", "outsider", "own", "exempt"};
  return kNames[static_cast<std::size_t>(charged)];
}

Attribution::Attribution(const Config& config, std::vector<IpAddress> own,
                         std::shared_ptr<const IdentityTables> tables)
    : any_hosts_(std::any_of(config.rules.begin(), config.rules.end(),
                             [](const Rule& rule) { return rule.identity == IdentityKind::host; })),
      relays_(config.relay.hosts),
      own_(std::move(own)),
      tables_(tables ? std::move(tables) : IdentityTables::without_files(config)) {}

Charge Attribution::charge(Charged verdict, std::string_view printed) {
  const auto kind = *identity_of(verdict);
  if (!is_by_address(kind) && tables_->exempts_user(printed)) return {Charged::exempt, {}};
  if (!tables_->identities.maps(kind)) return {verdict, printed};
  name_ = tables_->identities.name(kind, printed);
  return tables_->exempts_user(name_) ? Charge{Charged::exempt, {}} : Charge{verdict, name_};
}

Charge Attribution::charge(const parsers::Event& event) {
  if (event.kind == parsers::Kind::ambiguous) return {};
  if (event.user) {
    return event.user->empty() ? Charge{} : charge(Charged::user, *event.user);
  }
  if (event.login && !event.host && !event.login->empty())
    return charge(Charged::local, *event.login);
  // Authenticated, but by an authenticator that sets no id: not a relay host's mail.
  const bool failed = event.kind == parsers::Kind::auth_failed;
  if ((event.authenticator && !failed) || !event.host) return {};
  const auto verdict = classify(*event.host);
  return identity_of(verdict) ? charge(verdict, *event.host) : Charge{verdict, {}};
}

Charge Attribution::charge(const parsers::Arrival& arrival) {
  parsers::Event submitter;
  submitter.kind = parsers::Kind::bounced;
  submitter.user = arrival.id;
  submitter.host = arrival.host;
  submitter.login = arrival.login;
  submitter.authenticator = arrival.authenticator;
  return charge(submitter);
}

Charged Attribution::classify(std::string_view ip) {
  const auto known = hosts_.find(ip);
  if (known != hosts_.end()) return known->second;
  if (hosts_.size() >= kMaxHosts) hosts_.clear();

  auto verdict = Charged::nobody_known;
  if (const auto address = IpAddress::parse(ip)) {
    const bool relays = any_contains(relays_, *address);
    if (!relays && !any_hosts_) {
      verdict = Charged::outsider;
    } else if (std::find(own_.begin(), own_.end(), *address) != own_.end()) {
      verdict = Charged::own;
    } else {
      verdict = any_contains(tables_->exempt_hosts, *address) ? Charged::exempt
                : relays                                      ? Charged::relay
                                                              : Charged::host;
    }
  }
  return hosts_.emplace(std::string(ip), verdict).first->second;
}

}  // namespace agent
