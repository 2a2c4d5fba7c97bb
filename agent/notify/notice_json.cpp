#include "agent/notify/notice_json.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "agent/output/decision_text.h"
#include "agent/values/printable.h"

namespace agent {

std::string event_json(const Decision& decision, const Zone& zone, const std::string& event,
                       const std::string& server) {
  std::vector<std::string> hosts, recipients;
  for (const auto& host : decision.hosts) hosts.push_back(host.host);
  for (const auto& sample : decision.samples) {
    // What a failed login claimed is no recipient.
    if (sample.signal != Signal::auth_failed) recipients.push_back(sample.recipient);
  }
  OutputRow record;
  record.add("event", event).add("server", server);
  auto fields = row_of(decision, zone);
  fields.add("list", decision.list).add("hosts", hosts).add("recipients", recipients);
  const auto head = record.json(), tail = fields.json();
  return head.substr(0, head.size() - 1) + "," + tail.substr(1);
}

std::string notice_json(const Notice& notice) {
  OutputRow record;
  record.add("text", notice.subject)
      .add("subject", notice.subject)
      .add("message_id", notice.message_id)
      .add("date", static_cast<std::uint64_t>(notice.date))
      .add("body", notice.body);
  auto text = record.json();
  text.pop_back();
  text += ",\"events\":[";
  for (std::size_t at = 0; at < notice.data.size();) {
    const auto end = std::min(notice.data.find('\n', at), notice.data.size());
    text += (at == 0 ? "" : ",") + notice.data.substr(at, end - at);
    at = end + 1;
  }
  return text + "]}\n";
}

std::vector<std::string> notice_environment(const Notice& notice) {
  std::vector<std::string> out{"EXIWARDEN_SUBJECT=" + printable(notice.subject),
                               "EXIWARDEN_MESSAGE_ID=" + printable(notice.message_id)};
  const auto first = notice.data.substr(0, notice.data.find('\n'));
  const auto event = nlohmann::json::parse(first, nullptr, false);
  if (!event.is_object()) return out;
  const std::pair<const char*, const char*> names[] = {
      {"EVENT", "event"},       {"SERVER", "server"}, {"KIND", "identity_kind"},
      {"IDENTITY", "identity"}, {"RULE", "rule"},     {"COUNT", "count"},
      {"LIMIT", "limit"},       {"LIST", "list"},     {"UNTIL", "until"}};
  for (const auto& [name, key] : names) {
    const auto value = event.find(key);
    if (value == event.end() || value->is_null()) continue;
    const auto text = value->is_string() ? value->get<std::string>() : value->dump();
    out.push_back(fmt::format("EXIWARDEN_{}={}", name, printable(text)));
  }
  return out;
}

NoticeSubject subject_of(const Notice& notice) {
  const auto first = notice.data.substr(0, notice.data.find('\n'));
  const auto event = nlohmann::json::parse(first, nullptr, false);
  NoticeSubject subject;
  if (!event.is_object()) return subject;
  const auto text = [&](const char* key) {
    const auto value = event.find(key);
    return value != event.end() && value->is_string() ? value->get<std::string>() : std::string();
  };
  return {text("identity_kind"), text("identity")};
}

}  // namespace agent
