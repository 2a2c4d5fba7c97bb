#include "agent/config/action_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "agent/config/config_checks.h"
#include "agent/config/spelling.h"
#include "agent/values/printable.h"

namespace agent {
namespace {

constexpr std::size_t kMaxActions = 32;  // each has a thread, and a place in the checkpoint

constexpr SectionReader::Choice<Edge> kEdges[] = {
    {name_of(Edge::blocked), Edge::blocked}, {name_of(Edge::freed), Edge::freed},
    {name_of(Edge::ended), Edge::ended},     {name_of(Edge::trial), Edge::trial},
    {name_of(Edge::watched), Edge::watched}, {name_of(Edge::silent), Edge::silent}};

constexpr SectionReader::Choice<Transport> kTransports[] = {{"smtp", Transport::smtp},
                                                            {"sendmail", Transport::sendmail},
                                                            {"exec", Transport::exec},
                                                            {"webhook", Transport::webhook}};

std::string program(const std::string& text) {
  return text.starts_with('/') ? "" : "the absolute path of a program";
}

std::string path_or_nothing(const std::string& text) {
  return text.empty() ? std::string() : absolute_path(text);
}

void read_argv(SectionReader& in, const char* key, std::vector<std::string>& argv) {
  in.texts(key, argv);
  if (!in.has(key)) return;
  if (argv.empty() || !program(argv[0]).empty())
    in.complain(key, "must begin with the absolute path of a program");
}

bool holds(const std::vector<Edge>& edges, Edge edge) {
  return std::find(edges.begin(), edges.end(), edge) != edges.end();
}

// A key of another transport would do nothing.
void refuse_unused(SectionReader& in, Transport used) {
  struct Key {
    const char* name;
    std::vector<Transport> of;
    const char* words;
  };
  using T = Transport;
  const Key keys[] = {{"smtp", {T::smtp}, "\"smtp\""},
                      {"sendmail", {T::sendmail}, "\"sendmail\""},
                      {"exec", {T::exec}, "\"exec\""},
                      {"webhook", {T::webhook}, "\"webhook\""},
                      {"to", {T::smtp, T::sendmail}, "\"smtp\" and \"sendmail\""},
                      {"to_file", {T::smtp, T::sendmail}, "\"smtp\" and \"sendmail\""},
                      {"from", {T::smtp, T::sendmail}, "\"smtp\" and \"sendmail\""}};
  for (const auto& key : keys) {
    if (in.has(key.name) && std::find(key.of.begin(), key.of.end(), used) == key.of.end())
      in.complain(key.name, fmt::format("makes sense with transport = {} only", key.words));
  }
}

void check_recipients(SectionReader& in, const ActionConfig& action) {
  const auto transport = action.via.transports.front();
  const bool mail = transport == Transport::smtp || transport == Transport::sendmail;
  if (mail && in.has("to") == in.has("to_file"))
    in.complain("to", in.has("to") ? "is given beside to_file; accepted: one of them"
                                   : "is missing, and so is to_file: nobody would get the mail");
  if (mail && in.has("to") && action.via.to.empty())
    in.complain("to", "is empty; accepted: at least one address");
  if (action.via.to_file.empty()) return;
  for (const auto edge : {Edge::trial, Edge::silent}) {
    if (holds(action.on, edge))
      in.complain("on", fmt::format("holds \"{}\", which is nothing that to_file tells a customer; "
                                    "accepted with it: blocked, freed, ended, watched",
                                    name_of(edge)));
  }
}

void check_rules(SectionReader& in, const ActionConfig& action, const Config& config) {
  std::vector<std::string> known;
  for (const auto& rule : config.rules) known.push_back(rule.name);
  for (const auto& name : action.rules) {
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    in.complain("rules", fmt::format("names \"{}\", and there is no such [[rule]]{}",
                                     printable(name), did_you_mean(nearest(name, known))));
  }
}

ActionConfig read_action(SectionReader& in, std::size_t number, const Config& config) {
  ActionConfig action;
  auto& via = action.via;
  via.from = config.notify.from;
  via.smtp = config.notify.smtp;
  via.sendmail = config.notify.sendmail;
  via.max_per_hour = config.notify.max_per_hour;
  auto transport = Transport::exec;
  if (!in.has("transport"))
    in.complain("transport", "is missing; accepted: smtp, sendmail, exec, webhook");
  in.choice("transport", kTransports, transport);
  via.transports = {transport};
  const auto* const named =
      std::find_if(std::begin(kTransports), std::end(kTransports),
                   [&](const auto& known) { return known.value == transport; });
  action.name = fmt::format("{}-{}", named->name, number);
  in.text("name", action.name, rule_name);
  in.choices("on", kEdges, action.on);
  if (in.has("on") && action.on.empty()) in.complain("on", "is empty; it would never do anything");
  in.texts("rules", action.rules);
  check_rules(in, action, config);
  in.texts("to", via.to, mail_address);
  in.text("to_file", via.to_file, path_or_nothing);
  in.text("from", via.from,
          [](const std::string& text) { return text.empty() ? text : mail_address(text); });
  in.text("smtp", via.smtp, host_and_port);
  read_argv(in, "sendmail", via.sendmail);
  read_argv(in, "exec", via.exec);
  in.secret("webhook", via.webhook, web_address);
  if (in.has("transport")) {
    refuse_unused(in, transport);
    if (transport == Transport::exec && !in.has("exec"))
      in.complain("exec",
                  "is missing; accepted: a program by its absolute path, and its arguments");
    if (transport == Transport::webhook && via.webhook.empty())
      in.complain("webhook", "is missing; accepted: a URL");
    check_recipients(in, action);
  }
  in.text("subject", via.subject, notice_template);
  in.text("body_file", via.body_file, path_or_nothing);
  return action;
}

}  // namespace

void read_actions(SectionReader& top, Config& config, Problems& problems) {
  const auto tables = top.tables("action");
  for (std::size_t i = 0; i < tables.size(); ++i) {
    SectionReader in(*tables[i], fmt::format("action[{}]", i + 1), problems);
    auto action = read_action(in, i + 1, config);
    in.finish();
    for (const auto& other : config.actions) {
      if (other.name == action.name)
        in.complain("name",
                    fmt::format("\"{}\" is the name of an earlier action too", action.name));
    }
    config.actions.push_back(std::move(action));
  }
  if (tables.size() > kMaxActions)
    problems.add({}, "action", fmt::format("more than {} actions", kMaxActions));
}

}  // namespace agent
