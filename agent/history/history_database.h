// HistoryDatabase: SQLite's handle of the history file, and its statements. Errors are thrown as
// HistoryError; HistoryStore and read_history() catch them.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

namespace agent {

struct HistoryError : std::runtime_error {
  HistoryError(int number, const std::string& what) : std::runtime_error(what), code(number) {}
  int code;  // SQLite's, without its extension
  [[nodiscard]] bool damaged() const;
  [[nodiscard]] bool denied() const;
};

class HistoryDatabase {
 public:
  static constexpr int kVersion = 1;  // of the tables

  // Opens a file that exists, never through a link. `milliseconds`: how long a call waits for other
  // programs that lock it.
  HistoryDatabase(const std::string& path, bool writes, int milliseconds);

  void run(const char* sql);
  [[nodiscard]] std::int64_t number(const char* sql);

  class Statement {
   public:
    Statement(HistoryDatabase& database, const std::string& sql);
    // Bind the parameters in their order. Texts must outlive step().
    Statement& bind(std::int64_t value);
    Statement& bind(std::string_view text);
    Statement& bind(std::nullptr_t);
    template <class T>
    Statement& bind(const std::optional<T>& value) {
      return value ? bind(*value) : bind(nullptr);
    }
    // Returns true while there is a row.
    bool step();
    void reset();
    [[nodiscard]] std::string text(int column) const;
    [[nodiscard]] std::optional<std::int64_t> number(int column) const;

   private:
    struct Finish {
      void operator()(sqlite3_stmt* statement) const;
    };
    HistoryDatabase& database_;
    std::unique_ptr<sqlite3_stmt, Finish> statement_;
    int next_ = 1;
  };

 private:
  struct Close {
    void operator()(sqlite3* handle) const;
  };
  void check(int code);

  std::string path_;
  std::unique_ptr<sqlite3, Close> handle_;
};

}  // namespace agent
