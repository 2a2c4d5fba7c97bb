// Attribution: who is charged for an event: the authenticated user, else a relay host on our
// networks, else nobody. The id and the address come from the scan; nothing a client writes gets
// here. With an identity_map, what it maps the id or the address to is charged.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/core/config.h"
#include "agent/core/identity_tables.h"
#include "agent/values/network.h"
#include "parsers/entries/arrival.h"
#include "parsers/entries/event.h"
#include "parsers/string_hash.h"

namespace agent {

// Returns the id with its ASCII letters in lower case and all else as it is: Exim's lsearch takes
// ids for equal if these are.
[[nodiscard]] std::string folded(std::string_view id);
void append_folded(std::string_view id, std::string& out);

enum class Charged : std::uint8_t {
  user,
  relay,
  local,         // a login that submitted a message on the machine
  host,          // any other host, if a rule is about them
  nobody_known,  // ambiguous, or authenticated without an id
  outsider,  // a host that may not relay, and no rule is about: refusing it is all there is to do
  own,       // one of this machine's own addresses
  exempt,
};
inline constexpr std::size_t kCharged = 8;
std::string_view name_of(Charged charged);
// Returns the kind of identity that a verdict charges; nullopt: it charges nobody.
[[nodiscard]] constexpr std::optional<IdentityKind> identity_of(Charged charged) {
  // A jump table's jump would be guessed wrong for every other line.
  static_assert(static_cast<int>(Charged::user) == static_cast<int>(IdentityKind::user) &&
                static_cast<int>(Charged::relay) == static_cast<int>(IdentityKind::relay) &&
                static_cast<int>(Charged::local) == static_cast<int>(IdentityKind::local) &&
                static_cast<int>(Charged::host) == static_cast<int>(IdentityKind::host));
  return charged > Charged::host ? std::nullopt : std::optional(static_cast<IdentityKind>(charged));
}

struct Charge {
  Charged verdict = Charged::nobody_known;
  // The id or address as Exim prints it, or the name it is mapped to; empty for other verdicts. A
  // view into the event or into the Attribution: it holds until the next charge().
  std::string_view identity;
};

class Attribution {
 public:
  // `own`: the addresses of this machine, which are never charged as relays. `tables`: null stands
  // for the tables that the configuration holds by itself.
  Attribution(const Config& config, std::vector<IpAddress> own,
              std::shared_ptr<const IdentityTables> tables = nullptr);

  Charge charge(const parsers::Event& event);
  // Returns whom the failures of this message would be charged to.
  Charge charge(const parsers::Arrival& arrival);

 private:
  Charged classify(std::string_view ip);
  // Charges the name that the map gives for this id or host, unless it is exempt.
  Charge charge(Charged verdict, std::string_view printed);

  static constexpr std::size_t kMaxHosts = 65536;  // remembered; then all are forgotten

  bool any_hosts_;  // a rule is about hosts that are not in relay.hosts
  std::vector<Network> relays_;
  std::vector<IpAddress> own_;
  std::shared_ptr<const IdentityTables> tables_;
  std::string name_;  // that the last charge was mapped to
  parsers::StringMap<Charged> hosts_;
};

}  // namespace agent
