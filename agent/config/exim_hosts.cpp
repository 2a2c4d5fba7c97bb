#include "agent/config/exim_hosts.h"

#include <cctype>

namespace agent {
namespace {

bool is_space(char c) {
  return std::isspace(static_cast<unsigned char>(c)) != 0;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

// Items of a list; a doubled separator is the character itself.
std::vector<std::string> items(std::string_view list, char separator) {
  std::vector<std::string> out(1);
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (list[i] != separator) {
      out.back().push_back(list[i]);
    } else if (i + 1 < list.size() && list[i + 1] == separator) {
      out.back().push_back(separator);
      ++i;
    } else {
      out.emplace_back();
    }
  }
  return out;
}

}  // namespace

EximHosts read_exim_hosts(std::string_view list) {
  list = trimmed(list);
  char separator = ':';
  if (list.size() > 1 && list[0] == '<' && std::ispunct(static_cast<unsigned char>(list[1])) != 0) {
    separator = list[1];
    list.remove_prefix(2);
  }
  EximHosts hosts;
  for (const auto& raw : items(list, separator)) {
    const auto item = trimmed(raw);
    if (item.empty() || item == "@" || item == "@[]") continue;
    if (const auto network = Network::parse(item)) {
      hosts.networks.push_back(*network);
    } else {
      hosts.left_out.emplace_back(item);
    }
  }
  return hosts;
}

}  // namespace agent
