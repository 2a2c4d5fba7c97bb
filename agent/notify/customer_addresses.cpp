#include "agent/notify/customer_addresses.h"

#include <fmt/format.h>

#include <algorithm>

#include "actions/lists/lsearch.h"
#include "actions/posix_files.h"
#include "actions/send/mail.h"
#include "agent/values/printable.h"

namespace agent {
namespace {

constexpr std::size_t kMaxBytes = std::size_t{64} << 20;
constexpr std::size_t kMaxAddresses = 20;

// The addresses between commas and blanks, or what is wrong with them.
actions::Result<std::vector<std::string>, std::string> addresses_in(
    const actions::ListEntry& entry) {
  constexpr std::string_view kBetween = ", \t\r\n";
  std::vector<std::string> found;
  const auto& data = entry.data;
  for (auto at = data.find_first_not_of(kBetween); at != std::string::npos;) {
    const auto end = std::min(data.find_first_of(kBetween, at), data.size());
    found.push_back(data.substr(at, end - at));
    at = data.find_first_not_of(kBetween, end);
    if (!actions::is_mail_address(found.back()))
      return fmt::format("{}: \"{}\" is no mail address", printable(entry.key, 80),
                         printable(found.back(), 80));
  }
  if (found.empty()) return fmt::format("{}: has no address", printable(entry.key, 80));
  if (found.size() > kMaxAddresses)
    return fmt::format("{}: has more than {} addresses", printable(entry.key, 80), kMaxAddresses);
  return found;
}

actions::Result<actions::Content, std::string> text_of(const std::string& path) {
  actions::PosixFiles files;
  auto content = files.read(path, kMaxBytes);
  if (!content) return printable(content.error().what);
  return std::move(content).value();
}

}  // namespace

actions::Result<std::vector<std::string>, std::string> customer_addresses(
    const std::string& path, const std::string& identity) {
  const auto text = text_of(path);
  if (!text) return text.error();
  const auto entries = actions::read_list(text->bytes);
  const auto at = identity.rfind('@');
  std::vector<std::string> keys{identity};
  if (at != std::string::npos) keys.push_back(identity.substr(at + 1));
  for (const auto& key : keys) {
    const auto entry = std::find_if(entries.begin(), entries.end(), [&](const auto& known) {
      return actions::same_key(known.key, key);
    });
    if (entry == entries.end()) continue;
    auto found = addresses_in(*entry);
    if (!found) return printable(path) + ": " + found.error();
    return found;
  }
  return std::vector<std::string>();
}

std::string customer_file_problem(const std::string& path) {
  const auto text = text_of(path);
  if (!text) return text.error();
  for (const auto& entry : actions::read_list(text->bytes)) {
    if (const auto found = addresses_in(entry); !found)
      return printable(path) + ": " + found.error();
  }
  return {};
}

}  // namespace agent
