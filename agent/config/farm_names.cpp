#include "agent/config/farm_names.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

namespace agent {
namespace {

bool is_plain(unsigned char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
         (c != 0 && std::strchr("._@+-:/", c) != nullptr);
}

int digit(char c) {
  return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

}  // namespace

std::string farm_list_name(const std::string& path) {
  return path.substr(path.rfind('/') + 1);
}

bool is_farm_host(std::string_view host) {
  return !host.empty() && host.size() <= 64 &&
         std::all_of(host.begin(), host.end(), [](unsigned char c) {
           return is_plain(c) && std::strchr("@+:/", c) == nullptr;
         });
}

std::string farm_encoded(std::string_view bytes) {
  std::string out;
  for (const char c : bytes) {
    if (is_plain(static_cast<unsigned char>(c))) {
      out.push_back(c);
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

std::optional<std::string> farm_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (is_plain(c)) {
      out.push_back(text[i]);
      continue;
    }
    if (c != '%' || i + 2 >= text.size()) return std::nullopt;
    const int high = digit(text[i + 1]), low = digit(text[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    const auto byte = static_cast<unsigned char>(high * 16 + low);
    if (is_plain(byte)) return std::nullopt;  // one spelling only
    out.push_back(static_cast<char>(byte));
    i += 2;
  }
  return out;
}

}  // namespace agent
