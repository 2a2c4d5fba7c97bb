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
#include "agent/core/network.h"
#include "parsers/entries/arrival.h"
#include "parsers/entries/event.h"
#include "parsers/string_hash.h"

namespace agent {

// ASCII letters in lower case, all else as it is: what Exim's lsearch takes for equal.
[[nodiscard]] std::string folded(std::string_view id);
void append_folded(std::string_view id, std::string& out);

enum class Charged : std::uint8_t {
  user,
  relay,
  local,         // a login that submitted a message on the machine
  nobody_known,  // ambiguous, or authenticated without an id
  outsider,      // a host that may not relay: refusing it is all there is to do
  own,           // one of this machine's own addresses
  exempt,
};
inline constexpr std::size_t kCharged = 7;
std::string_view name_of(Charged charged);
// The kind of identity that a verdict charges; nullopt: nobody.
[[nodiscard]] constexpr std::optional<IdentityKind> identity_of(Charged charged) {
  // A jump table's jump would be guessed wrong for every other line.
  static_assert(static_cast<int>(Charged::user) == static_cast<int>(IdentityKind::user) &&
                static_cast<int>(Charged::relay) == static_cast<int>(IdentityKind::relay) &&
                static_cast<int>(Charged::local) == static_cast<int>(IdentityKind::local));
  return charged > Charged::local ? std::nullopt
                                  : std::optional(static_cast<IdentityKind>(charged));
}

struct Charge {
  Charged verdict = Charged::nobody_known;
  // For user, relay and local: as Exim prints it, or the name it is mapped to. A view into the
  // event or into the Attribution, good until its next charge().
  std::string_view identity;
};

class Attribution {
 public:
  // `own`: addresses of this machine, never charged as relays. `tables`: null for what the config
  // itself holds of them.
  Attribution(const Config& config, std::vector<IpAddress> own,
              std::shared_ptr<const IdentityTables> tables = nullptr);

  Charge charge(const parsers::Event& event);
  // The sender of a message that came in.
  Charge charge(const parsers::Arrival& arrival);

 private:
  Charged classify(std::string_view ip);
  // For an id or a host that may be charged: what the map makes of it is charged, or is exempt.
  Charge charge(Charged verdict, std::string_view printed);

  static constexpr std::size_t kMaxHosts = 65536;  // remembered; then all are forgotten

  std::vector<Network> relays_;
  std::vector<IpAddress> own_;
  std::shared_ptr<const IdentityTables> tables_;
  std::string name_;  // that the last charge was mapped to
  parsers::StringMap<Charged> hosts_;
};

}  // namespace agent
