// SubjectKey names an identity among all that are counted: its kind, and its id as Exim's lsearch
// compares it. SubjectMap is a hash map by such keys.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "agent/core/config.h"

namespace agent {

struct SubjectKey {
  IdentityKind kind = IdentityKind::user;
  std::string id;  // folded

  // Makes it the key of another identity, in the storage that it has. `printed`: as Exim prints it.
  void assign(IdentityKind other, std::string_view printed);
  bool operator==(const SubjectKey&) const = default;
};

// Returns the key of an identity as Exim prints it, or as a list has it.
[[nodiscard]] SubjectKey subject_key(IdentityKind kind, std::string_view printed);

struct SubjectKeyHash {
  // It does not say noexcept, so that libstdc++ keeps the hash beside each key.
  std::size_t operator()(const SubjectKey& key) const {
    return std::hash<std::string>{}(key.id) + static_cast<std::size_t>(key.kind);
  }
};

template <class Value>
using SubjectMap = std::unordered_map<SubjectKey, Value, SubjectKeyHash>;

}  // namespace agent
