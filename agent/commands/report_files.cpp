#include "agent/commands/report_files.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "agent/output/complain.h"

namespace agent {
namespace {

bool write_file(const std::string& path, const std::string& content) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(content.data(), static_cast<std::streamsize>(content.size()));
  file.close();
  if (file) return true;
  complain(fmt::format("{}: {}", path, std::strerror(errno)));
  return false;
}

}  // namespace

Exit write_page(const std::string& path,
                const std::function<std::string(const std::string& csv)>& page,
                const std::function<std::string()>& tables) {
  const auto csv = std::filesystem::path(path).replace_extension(".csv");
  const bool beside = csv != path;
  if (!write_file(path, page(beside ? csv.filename().string() : ""))) return kCantCreate;
  if (beside && !write_file(csv.string(), tables())) return kCantCreate;
  complain(fmt::format("wrote {}{}", path, beside ? " and " + csv.string() : ""));
  return kDone;
}

Exit write_report(const std::string& path, const std::vector<const Dossier*>& dossiers,
                  ReportContext context) {
  return write_page(
      path,
      [&](const std::string& csv) {
        context.csv = csv;
        return dossier_page(dossiers, context);
      },
      [&] { return dossier_csv(dossiers, context); });
}

std::string selection_text(const Invocation& invocation, const ReadPlan& plan) {
  std::string text;
  const auto add = [&](const char* name, const std::string& value) {
    text += fmt::format("{}--{} {}", text.empty() ? "" : " ", name, value);
  };
  const auto& asked = plan.selection;
  if (asked.since) add("since", plan.options.zone.text(*asked.since));
  if (asked.until) add("until", plan.options.zone.text(*asked.until));
  for (const auto* name : {"user", "host", "timezone"}) {
    if (invocation.options.count(name) > 0) add(name, invocation.options[name].as<std::string>());
  }
  return text;
}

OutputRow row_of(const Dossier& dossier, const Zone& zone) {
  OutputRow record;
  record.add("identity_kind", name_of(dossier.kind()))
      .add("identity", dossier.identity())
      .add("refused", dossier.refused)
      .add("messages", dossier.messages)
      .add("recipients", dossier.recipients)
      .add("failed", dossier.failed)
      .add("refused_after", dossier.refused_after)
      .add("messages_after", dossier.messages_after)
      .add("recipients_after", dossier.recipients_after)
      .add("first", dossier.first ? zone.text(*dossier.first) : "")
      .add("last", dossier.last ? zone.text(*dossier.last) : "");
  std::vector<std::string> decided, hosts, files(dossier.files.begin(), dossier.files.end());
  for (const auto& decision : dossier.decisions) decided.push_back(zone.text(decision.time));
  Tally::Count rest;
  for (const auto& [host, count] : dossier.hosts.top(dossier.hosts.counts.size(), rest)) {
    hosts.push_back(host);
  }
  return record.add("decided", decided).add("hosts", hosts).add("files", files);
}

}  // namespace agent
