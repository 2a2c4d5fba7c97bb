#include "agent/core/config.h"

#include "agent/config/config_file.h"
#include "tests/catch.h"

namespace {

std::string problem_of(const std::string& text) {
  const auto parsed = agent::parse_config("[farm]\n" + text, "x.toml");
  return parsed ? std::string() : agent::describe(parsed.error().front());
}

}  // namespace

TEST_CASE("[farm]: what is wrong is said, and what is secret is not") {
  const std::string url = "url = \"redis://127.0.0.1:6379/0\"\n";
  CHECK(problem_of("").empty());
  CHECK(problem_of(url).empty());
  CHECK(problem_of("url = \"\"\n").empty());
  CHECK(problem_of(url + "user = \"u\"\npassword_file = \"/p\"\nhost = \"mx1\"\n"
                         "prefix = \"a:\"\nconnect_timeout = \"5s\"\ncommand_timeout = \"60s\"\n"
                         "trust = \"seen\"\nmax_per_hour = 1\n")
            .empty());
  const std::pair<const char*, const char*> rows[] = {
      {"url = \"redis://u:hunter2@h\"\n", "farm.password_file"},
      {"url = \"rediss://h\"\n", "tunnel"},
      {"url = \"localhost\"\n", "redis+unix"},
      {"url = 5\n", "farm.url"},
      {"user = \"u\"\n", "farm.password_file"},
      {"user = \"a b\"\npassword_file = \"/p\"\n", "farm.user"},
      {"password_file = \"p\"\n", "absolute"},
      {"host = \"mx 1\"\n", "farm.host"},
      {"host = \"mx1:2\"\n", "farm.host"},
      {"prefix = \"\"\n", "farm.prefix"},
      {"prefix = \"a b\"\n", "farm.prefix"},
      {"connect_timeout = \"0s\"\n", "farm.connect_timeout"},
      {"command_timeout = \"2m\"\n", "farm.command_timeout"},
      {"trust = \"some\"\n", "all, seen, none"},
      {"max_per_hour = 0\n", "farm.max_per_hour"},
      {"passwd = \"x\"\n", "farm.passwd"},
      {"url = \"redis://h\"\n[[rule]]\nname = \"a\"\nidentity = \"user\"\nlist = \"/a/l\"\n"
       "[[rule]]\nname = \"b\"\nidentity = \"relay\"\nlist = \"/b/l\"\n",
       "told apart"},
  };
  for (const auto& [text, expected] : rows) {
    INFO(text);
    const auto problem = problem_of(text);
    INFO(problem);
    CHECK(problem.find(expected) != std::string::npos);
    CHECK(problem.find("hunter2") == std::string::npos);
  }
}
