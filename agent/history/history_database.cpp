#include "agent/history/history_database.h"

#include <sqlite3.h>

namespace agent {

bool HistoryError::damaged() const {
  return code == SQLITE_CORRUPT || code == SQLITE_NOTADB;
}

bool HistoryError::denied() const {
  return code == SQLITE_PERM || code == SQLITE_READONLY || code == SQLITE_CANTOPEN;
}

void HistoryDatabase::Close::operator()(sqlite3* handle) const {
  ::sqlite3_close(handle);
}

void HistoryDatabase::Statement::Finish::operator()(sqlite3_stmt* statement) const {
  ::sqlite3_finalize(statement);
}

HistoryDatabase::HistoryDatabase(const std::string& path, bool writes, int milliseconds)
    : path_(path) {
  sqlite3* handle = nullptr;
  const int flags = (writes ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY) | SQLITE_OPEN_NOFOLLOW |
                    SQLITE_OPEN_NOMUTEX;
  const int opened = ::sqlite3_open_v2(path.c_str(), &handle, flags, nullptr);
  handle_.reset(handle);
  check(opened);
  ::sqlite3_busy_timeout(handle, milliseconds);
  // Root reads what another user's process has written: nothing in the file may run anything.
  ::sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  ::sqlite3_db_config(handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  ::sqlite3_db_config(handle, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, nullptr);
  ::sqlite3_db_config(handle, SQLITE_DBCONFIG_ENABLE_VIEW, 0, nullptr);
}

void HistoryDatabase::check(int code) {
  if (code == SQLITE_OK || code == SQLITE_ROW || code == SQLITE_DONE) return;
  const char* what = handle_ == nullptr ? ::sqlite3_errstr(code) : ::sqlite3_errmsg(handle_.get());
  throw HistoryError(code & 0xff, path_ + ": " + what);
}

void HistoryDatabase::run(const char* sql) {
  check(::sqlite3_exec(handle_.get(), sql, nullptr, nullptr, nullptr));
}

std::int64_t HistoryDatabase::number(const char* sql) {
  Statement statement(*this, sql);
  return statement.step() ? statement.number(0).value_or(0) : 0;
}

HistoryDatabase::Statement::Statement(HistoryDatabase& database, const std::string& sql)
    : database_(database) {
  sqlite3_stmt* made = nullptr;
  const int code = ::sqlite3_prepare_v2(database.handle_.get(), sql.data(),
                                        static_cast<int>(sql.size()), &made, nullptr);
  statement_.reset(made);
  database.check(code);
}

HistoryDatabase::Statement& HistoryDatabase::Statement::bind(std::int64_t value) {
  database_.check(::sqlite3_bind_int64(statement_.get(), next_++, value));
  return *this;
}

HistoryDatabase::Statement& HistoryDatabase::Statement::bind(std::string_view text) {
  // A null destructor: the bytes are not copied. A null pointer would be NULL.
  const char* bytes = text.empty() ? "" : text.data();
  database_.check(::sqlite3_bind_text(statement_.get(), next_++, bytes,
                                      static_cast<int>(text.size()), nullptr));
  return *this;
}

HistoryDatabase::Statement& HistoryDatabase::Statement::bind(std::nullptr_t) {
  database_.check(::sqlite3_bind_null(statement_.get(), next_++));
  return *this;
}

bool HistoryDatabase::Statement::step() {
  const int code = ::sqlite3_step(statement_.get());
  database_.check(code);
  return code == SQLITE_ROW;
}

void HistoryDatabase::Statement::reset() {
  ::sqlite3_reset(statement_.get());
  next_ = 1;
}

std::string HistoryDatabase::Statement::text(int column) const {
  const auto* bytes = static_cast<const char*>(::sqlite3_column_blob(statement_.get(), column));
  if (bytes == nullptr) return {};
  const int size = ::sqlite3_column_bytes(statement_.get(), column);
  return {bytes, static_cast<std::size_t>(size)};
}

std::optional<std::int64_t> HistoryDatabase::Statement::number(int column) const {
  if (::sqlite3_column_type(statement_.get(), column) != SQLITE_INTEGER) return std::nullopt;
  return ::sqlite3_column_int64(statement_.get(), column);
}

}  // namespace agent
