// The parts of `check`. Each examines one side of the machine and records its findings; none
// changes anything.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "actions/exim/exim_access.h"
#include "agent/check/findings.h"
#include "agent/check/service_unit.h"
#include "agent/core/config.h"
#include "agent/values/zone.h"

namespace agent {

struct CheckContext {
  const Config& config;
  std::string config_path;
  Zone zone;
  Instant now;
  std::string service_name;                  // the user the service runs as, for people
  std::optional<actions::EximUser> service;  // nullopt: as the caller
  std::optional<actions::EximUser> exim;     // nullopt: this machine has no such user
  std::optional<ServiceUnit> unit = {};      // nullopt: systemd does not run the service
};

// Checks that the logs can be read, are Exim's, and have timestamps that agree with the clock.
void check_logs(const CheckContext& context, Findings& findings);
// Checks that the samples of the installed catalog of reasons hold, if it is in force.
void check_reasons(const CheckContext& context, Findings& findings);
// Checks that the service can write its state and its metrics.
void check_state(const CheckContext& context, Findings& findings);
// Checks each list: Exim can read it, the service and nobody else can write it, and every line
// works.
void check_lists(const CheckContext& context, Findings& findings);
// Checks Exim's main settings, as exim -bP prints them, against the needs of the log's reader.
// Pure.
void check_settings(const std::map<std::string, std::string>& settings, const Config& config,
                    Findings& findings);
// Checks what those settings do to the frozen mail of blocked senders. Pure.
void check_frozen(const std::map<std::string, std::string>& settings, Findings& findings);
// Checks the installed Exim: its settings, and by exim -bh that its ACL looks up each list.
void check_exim(const CheckContext& context, Findings& findings);
// Checks the tag that the ACL's lines carry: who can read its secret, and that Exim and the service
// use the same.
void check_tag(const CheckContext& context, Findings& findings);
// Checks what the service may do by its user and its unit, beside what the configuration asks of
// it. `ask`: name servers may be asked, which can take long.
void check_unit(const CheckContext& context, bool ask, Findings& findings);
// Checks where notices go; with `send`, sends one, within the limits of the service's unit if there
// is one.
void check_notices(const CheckContext& context, bool send, Findings& findings);
// Does the same for every [[action]]. Customers (to_file) get no test.
void check_actions(const CheckContext& context, bool send, Findings& findings);
// Checks that the farm's server, if there is one, can be reached and used, and agrees with our
// clock.
void check_farm(const CheckContext& context, Findings& findings);
// Checks inotify and the clock.
void check_machine(const CheckContext& context, Findings& findings);

// In the environment of a `check --send-test` that only sends, and prints what came of it: the one
// that runs within the unit's limits. Its value is "action:NAME" for an action, else [notify] is
// meant.
constexpr const char* kSendTestAlone = "EXIWARDEN_SEND_TEST_ALONE";
struct TestNotice {
  bool accepted = false;
  std::string said;  // by which transport, or why not
};
[[nodiscard]] TestNotice send_test_notice(const NotifyConfig& via, Instant now);

// Finds in the trace of exim -bh whether this list was looked up, and the answer.
enum class Lookup { never, no, yes, unclear };
[[nodiscard]] Lookup lookup_in(std::string_view trace, std::string_view list_path);

}  // namespace agent
