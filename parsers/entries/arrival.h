// An arrival entry ("<="), which names the submitter of a message. A later "**" entry names the
// message only, so a failed delivery is charged by its arrival. Source: receive.c (order of the
// fields), host.c, smtp_in.c.
//   "<= " SENDER [R=id] [DS] [H=FULLHOST [I=] [TFO]] [U=] [Ci=] [P=] [L] [X= CV= DN= SNI=]
//   [A=name[:id]] [PRDR] [PRX=] [K] S=size ...
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace parsers {

struct Arrival {
  std::string_view sender;                // empty for <>
  std::string_view reference;             // R=: the message that this one is a bounce of; empty
  std::optional<std::string_view> host;   // nullopt: submitted on the machine
  std::optional<std::string_view> login;  // U= of a message submitted on the machine
  std::optional<std::string_view> authenticator;
  std::optional<std::string_view> id;  // nullopt: an authenticator that sets none, or none at all
  std::string_view measures;           // from " S=" to the end
};

// The size of a message as Exim logs it, in bytes, and its subject, as printed between its quotes,
// if log_selector logs it; for people to read. A client's text cannot pass for either.
struct ArrivalDetails {
  std::uint64_t size = 0;
  std::string_view subject;
};
[[nodiscard]] ArrivalDetails details_of(const Arrival& arrival);

// Returns the recipients of a message as Exim logs them, if log_selector does
// (received_recipients): addresses with blanks between them; empty if it does not.
[[nodiscard]] std::string_view recipients_of(const Arrival& arrival);

enum class ArrivalScan : unsigned char {
  read,
  not_an_arrival,
  unreadable,  // begins as one but is malformed: the submitter is unknown
  ambiguous,   // can be read in two ways that name different submitters
};

// `payload` is what follows the message id. `junk_helo` as in rejection.h.
[[nodiscard]] ArrivalScan scan_arrival(std::string_view payload, bool junk_helo, Arrival& arrival);

}  // namespace parsers
