// The parts of check. Each looks at one side of the machine and writes down what it found; none
// changes anything.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "actions/exim/exim_access.h"
#include "agent/check/findings.h"
#include "agent/core/config.h"
#include "agent/core/zone.h"

namespace agent {

struct CheckContext {
  const Config& config;
  Zone zone;
  Instant now;
  std::string service_name;                  // who the service runs as, for people
  std::optional<actions::EximUser> service;  // nullopt: as the caller
  std::optional<actions::EximUser> exim;     // nullopt: this machine has no such user
};

// The logs can be read, look like Exim's, and their stamps agree with the clock.
void check_logs(const CheckContext& context, Findings& findings);
// The installed catalog of reasons, if it is in force: that its samples hold.
void check_reasons(const CheckContext& context, Findings& findings);
// The service can write its state and its metrics.
void check_state(const CheckContext& context, Findings& findings);
// Each list: Exim reads it, the service writes it, nobody else can, and every line of it works.
void check_lists(const CheckContext& context, Findings& findings);
// Exim's main settings, as exim -bP gives them, against what the log's reader needs. Pure.
void check_settings(const std::map<std::string, std::string>& settings, const Config& config,
                    Findings& findings);
// The running Exim: its settings, and for each list that the ACL looks it up, seen in exim -bh.
void check_exim(const CheckContext& context, Findings& findings);
// Where notices go; with `send`, one is sent.
void check_notices(const CheckContext& context, bool send, Findings& findings);
// The farm's server, if there is one: that it can be reached and used, and agrees with our clock.
void check_farm(const CheckContext& context, Findings& findings);
// inotify, the clock.
void check_machine(const CheckContext& context, Findings& findings);

// In the trace of exim -bh: was this list looked up, and what was the answer?
enum class Lookup { never, no, yes, unclear };
[[nodiscard]] Lookup lookup_in(std::string_view trace, std::string_view list_path);

}  // namespace agent
