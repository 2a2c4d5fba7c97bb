#include "agent/commands/output_columns.h"

namespace agent {
namespace {

constexpr OutputColumn kEvents[] = {
    {"file", "the log"},
    {"line", "its line, from 1"},
    {"offset", "of the line's first byte, in the unpacked file"},
    {"ts", "the timestamp as Exim has written it, without zone and milliseconds"},
    {"time", "the same as RFC 3339, with the offset of the log's zone"},
    {"kind",
     "rejected_rcpt, tagged, warned, bounced, temp_rejected, policy_rejected or ambiguous; where a "
     "rule counts them accepted, deferred, accused and auth_failed too"},
    {"user", "the authenticated id"},
    {"host", "the client's address"},
    {"recipient", "the address that was refused"},
    {"sender", "the envelope sender; empty for bounces"},
    {"reason", "what Exim says after the recipient"},
    {"authenticator", "Exim's name for the way of login"},
    {"message_id", "of a delivery that failed"},
    {"login", "who has submitted it on this machine"},
    {"recipients", "how many an accepted message has, if they are logged"},
    {"set_id", "what a failed login claims to be"},
    {"identity_kind", "user, relay, local or host; null if nobody is charged"},
    {"identity", "who is charged"},
    {"reason_class", "missing, other, spam or unknown"},
    {"reason_pattern", "the pattern that the reason matched"},
};

constexpr OutputColumn kReplay[] = {
    {"time", "when the limit was reached"},
    {"rule", "the rule's name"},
    {"identity_kind", "user, relay, local or host"},
    {"identity", "who would have been blocked"},
    {"count", "what the window held"},
    {"limit", "of the rule, or of the override that fits"},
    {"period", "in seconds"},
    {"first", "time of the oldest event in the window"},
    {"file, line, offset", "of the event that reached the limit"},
    {"until", "when the block would have ended by itself; null: never"},
    {"mode", "of the rule: block or trial"},
};

constexpr OutputColumn kReplaySummary[] = {
    {"hosts", "client addresses in the window; in csv one cell, separated by blanks"},
    {"messages_before, recipients_before", "accepted from it before that moment"},
    {"messages_after, recipients_after", "accepted after it: what a block would have stopped"},
    {"refused_after", "recipients refused after it"},
};

constexpr OutputColumn kTune[] = {
    {"rule", "the rule whose signals are counted"},
    {"period", "in seconds"},
    {"limit", "that was tried"},
    {"blocked", "how many identities reach it"},
    {"identities", "which; in csv one cell, separated by blanks, a blank in an id as \\x20"},
};

constexpr OutputColumn kTuneSummary[] = {
    {"times", "when each would have been blocked first, in the order of identities"},
    {"messages_before, messages_after", "accepted from all of them before and after that"},
};

constexpr OutputColumn kTuneLabels[] = {
    {"hits", "known spammers that are blocked"},
    {"misses", "known spammers that are not"},
    {"false_alarms", "known good senders that are blocked"},
};

constexpr OutputColumn kList[] = {
    {"list", "path of the file; empty for who stands on trial"},
    {"rule", "the rule that wrote the line, or else the first one of this list"},
    {"identity", "who is blocked"},
    {"data", "all that stands behind the key"},
    {"identity_kind", "user, relay, local or host"},
    {"since", "when it was blocked; null, as the next ones, if the line does not say"},
    {"by", "exiwarden, the login of who has done it by hand, or farm:HOST"},
    {"count", "what the window held"},
    {"period", "in seconds"},
    {"until", "when the block ends by itself; null: when somebody frees it"},
    {"reason", "of block --reason"},
    {"mode", "block, or trial for who is blocked in no list"},
};

constexpr OutputColumn kHistory[] = {
    {"time", "when it happened; of a block, when the limit was reached"},
    {"event",
     "blocked, freed, ended (by its time), trial, watched, silent (a log), listed or exempted"},
    {"rule", "the rule, or the first one of the list; null, as the next ones, if there is none"},
    {"identity_kind", "user, relay, local or host"},
    {"identity", "who"},
    {"count", "what the window held"},
    {"limit", "of the rule"},
    {"period", "in seconds"},
    {"until", "when a block or an exemption ends by itself"},
    {"by", "service, the login of who has used a command, edit by hand, or farm:HOST"},
    {"reason", "of block, unblock, release or exempt --reason"},
    {"samples", "refused recipients: time, host, recipient, reason; in csv as JSON"},
};

constexpr OutputColumn kExempt[] = {
    {"identity_kind", "user or relay"},
    {"identity", "who is exempt"},
    {"since", "when it was exempted"},
    {"by", "the login of who has done it"},
    {"until", "when the exemption ends; null: when somebody removes it"},
    {"reason", "of exempt --reason"},
    {"change", "exempted, removed or none"},
};

constexpr OutputColumn kEvidence[] = {
    {"identity_kind", "user, relay, local or host"},
    {"identity", "as Exim has logged it"},
    {"refused", "recipients refused because they do not exist"},
    {"messages, recipients", "accepted from it"},
    {"failed", "recipients of those whose delivery failed later"},
    {"refused_after, messages_after, recipients_after", "the same after the first decision"},
    {"first, last", "the time that the logs cover for it"},
    {"decided", "times at which it reached a limit"},
    {"hosts", "client addresses, the busiest first"},
    {"files", "the logs that mention it"},
    {"farm", "what the farm knows about it, as sentences; not with --logs-only"},
    {"frozen", "its frozen messages in Exim's queue now; not with --logs-only"},
    {"frozen_until", "when Exim bounces the oldest of them; null: never"},
};

constexpr OutputColumn kEvidenceTables[] = {
    {"identity", "as Exim has logged it"},
    {"table",
     "what the row counts: decision, host, helo, domain, reason, sender, frozen (messages in the "
     "queue now) or message"},
    {"name", "the rule, the host, ...; in the last two the message id"},
    {"refused", "recipients refused; for a message, deliveries that failed"},
    {"accepted", "messages or recipients accepted; for a message, deliveries that succeeded"},
    {"time", "of a decision or message"},
    {"host, sender, size, subject", "of a message"},
};

constexpr OutputTable kTables[] = {
    {"events", "One row for each piece of evidence.", kEvents},
    {"replay", "One row for each decision.", kReplay},
    {"replay --summary", "More columns in each row:", kReplaySummary},
    {"tune", "One row for each rule, period and limit.", kTune},
    {"tune --summary", "More columns in each row:", kTuneSummary},
    {"tune --spammers, --honest", "More columns in each row:", kTuneLabels},
    {"list", "One row for each listed sender.", kList},
    {"history", "One row for each thing that happened, oldest first.", kHistory},
    {"exempt", "One row for each exemption.", kExempt},
    {"evidence -o jsonl", "One object for each identity of that name.", kEvidence},
    {"evidence -o csv", "Several tables in one, for a spreadsheet or a WHERE.", kEvidenceTables},
};

}  // namespace

std::span<const OutputTable> output_tables() {
  return kTables;
}

}  // namespace agent
