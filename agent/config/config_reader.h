// A typed reader of TOML tables that finds every fault in one go: each value is asked for by name,
// and a key that was never asked for is unknown.
#pragma once

#include <toml++/toml.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/core/config.h"

namespace agent {

class Problems {
 public:
  explicit Problems(std::string file) : file_(std::move(file)) {}
  // `what` may quote the file's own bytes; this makes it printable.
  void add(const toml::source_region& place, std::string key, const std::string& what);
  void warn(const toml::source_region& place, std::string key, const std::string& what);
  std::vector<ConfigProblem> problems, warnings;

 private:
  std::string file_;
};

// The reader of one table. Call finish() at the end: the destructor would be too late to complain
// of unknown keys.
class SectionReader {
 public:
  SectionReader(const toml::table& table, std::string path, Problems& problems)
      : table_(table), path_(std::move(path)), problems_(problems) {}

  // Returns "" if the value is good, else what is accepted.
  using Check = std::function<std::string(const std::string&)>;

  void text(const char* key, std::string& out, const Check& check = {});
  // Like text(), but a complaint does not show the value.
  void secret(const char* key, std::string& out, const Check& check);
  void texts(const char* key, std::vector<std::string>& out, const Check& check = {});
  void number(const char* key, std::int64_t low, std::int64_t high,
              const std::function<void(std::int64_t)>& out);
  void duration(const char* key, std::chrono::seconds low, std::chrono::seconds high,
                std::chrono::seconds& out);
  // Reads one duration or a list of them; "forever" becomes `forever`.
  void durations(const char* key, std::chrono::seconds low, std::chrono::seconds high,
                 std::chrono::seconds forever, std::vector<std::chrono::seconds>& out);
  // Reads "50%"; "" means 0.
  void percent(const char* key, std::uint32_t& out);
  // Reads two numbers: bits of an IPv4 and of an IPv6 address.
  void prefixes(const char* key, int& v4, int& v6);
  void networks(const char* key, std::vector<Network>& out);
  void boolean(const char* key, bool& out);
  // Reads true, false or "auto".
  void tristate(const char* key, Tristate& out);

  template <class T>
  struct Choice {
    const char* name;
    T value;
  };
  template <class T, std::size_t N>
  void choice(const char* key, const Choice<T> (&choices)[N], T& out) {
    std::string word;
    if (!plain_text(key, word)) return;
    find_choice(key, *node(key), word, choices, out);
  }
  template <class T, std::size_t N>
  void choices(const char* key, const Choice<T> (&known)[N], std::vector<T>& out) {
    const auto* array = list(key);
    if (array == nullptr) return;
    out.clear();
    for (const auto& element : *array) {
      const auto word = element.value<std::string>();
      T value{};
      if (!element.is_string() || !word) {
        wrong_type(key, element, "a list of strings");
      } else if (find_choice(key, element, *word, known, value)) {
        out.push_back(value);
      }
    }
  }

  // Returns the sub-table, or null if it is not there; any other type is a fault.
  const toml::table* table(const char* key);
  // Returns the tables of [[key]].
  std::vector<const toml::table*> tables(const char* key);

  [[nodiscard]] bool has(const char* key) const { return table_.contains(key); }
  [[nodiscard]] toml::source_region place(const char* key) const;
  [[nodiscard]] std::string path_of(std::string_view key) const;
  void complain(const char* key, const std::string& what) {
    problems_.add(place(key), path_of(key), what);
  }
  // Records what is sound, but probably not what is meant.
  void warn(const char* key, const std::string& what) {
    problems_.warn(place(key), path_of(key), what);
  }

  // Complains of every key that was not asked for.
  void finish();

 private:
  const toml::node* node(const char* key);
  const toml::array* list(const char* key);
  bool plain_text(const char* key, std::string& out);
  // `words`: the accepted words, one of which a misspelt word may mean.
  void wrong_type(const char* key, const toml::node& found, const std::string& accepted,
                  const std::vector<std::string>& words = {});
  template <class T, std::size_t N>
  bool find_choice(const char* key, const toml::node& place, const std::string& word,
                   const Choice<T> (&known)[N], T& out) {
    std::vector<std::string> names;
    for (const auto& [name, value] : known) {
      if (word == name) {
        out = value;
        return true;
      }
      names.emplace_back(name);
    }
    no_such_choice(key, place, word, names);
    return false;
  }
  void no_such_choice(const char* key, const toml::node& place, const std::string& word,
                      const std::vector<std::string>& names);

  const toml::table& table_;
  std::string path_;
  Problems& problems_;
  std::vector<std::string> asked_;
};

}  // namespace agent
