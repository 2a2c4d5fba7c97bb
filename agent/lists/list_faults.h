// ListFaults: what does not work with one list: reading it, writing it, or Exim's own reading. Each
// fault is said when it comes, and once until it works again.
#pragma once

#include <functional>
#include <optional>
#include <set>
#include <string>

#include "actions/exim/exim_access.h"
#include "actions/result.h"

namespace agent {

class ListFaults {
 public:
  using Say = std::function<void(const std::string&)>;
  using User = std::optional<actions::EximUser>;

  ListFaults(std::string path, User exim, Say say);

  void cant_read(const actions::Error& error) { add(reading_, error); }
  void is_read() { end(reading_, "readable again"); }
  [[nodiscard]] bool is_unread() const { return !reading_.what.empty(); }
  void cant_write(const actions::Error& error) { add(writing_, error); }
  void is_written() { end(writing_, "written again"); }
  // Nothing is left to be written; whether it could be, nobody knows.
  void wants_nothing_written() { writing_ = {}; }
  // Lets Exim's user read the list if the rights are this program's to change, else says that it
  // can't: Exim then defers all mail that it looks up there.
  void check_access();

  // The gravest one; empty: all works.
  [[nodiscard]] const std::string& text() const;

 private:
  struct Fault {
    std::string what;  // empty: it works
    std::set<std::string> said;
  };
  void add(Fault& fault, const actions::Error& error);
  void end(Fault& fault, const char* again);

  std::string path_;
  User exim_;
  Say say_;
  Fault reading_, writing_;
  std::string access_;
};

}  // namespace agent
