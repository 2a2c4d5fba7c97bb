#include "actions/exim/spool_header.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "tests/catch.h"

using namespace actions;

namespace {

namespace fs = std::filesystem;

const std::string kId = "1xYFT8-00008X-0h";

// As Exim 4.96 writes one; `fields`: the lines that begin with "-".
std::string header(const std::string& fields, const std::string& id = kId,
                   const std::string& login = "root", const std::string& tree = "XX\n",
                   const std::string& recipients = "1\nx@y\n") {
  return id + "-H\n" + login + " 0 -1\n<root@vm>\n1796099274 0\n-received_time_usec .216901\n" +
         fields + "-local\n" + tree + recipients +
         "\n023P Received: from x\n\tby y\n011* Subject: y\n011  Subject: z\n";
}

struct Case {
  const char* about;
  std::string text;
  std::string user, host, authenticator;
  bool frozen = false, thawed = false;
};

}  // namespace

TEST_CASE("a header file of the spool is a message") {
  const Case cases[] = {
      {"of this machine", header("-ident root\n-auth_id root\n"), "root", "", ""},
      {"from a client",
       header("--helo_name x\n-host_address [192.0.2.1]:4711\n-host_auth plain\n-auth_id bob\n"),
       "bob", "192.0.2.1", "plain"},
      {"with marks of origin",
       header("--host_address [2001:db8::1]:25\n--host_auth plain\n--auth_id bob x\n"), "bob x",
       "2001:db8::1", "plain"},
      {"quoted for a database", header("--(pgsql)auth_id o'bob\n"), "o'bob", "", ""},
      {"an address as old versions wrote it", header("-host_address 192.0.2.1.4711\n"), "",
       "192.0.2.1", ""},
      {"an old IPv6 address", header("-host_address 2001:db8::1.4711\n"), "", "2001:db8::1", ""},
      {"an address without a port", header("-host_address 192.0.2.1\n"), "", "192.0.2.1", ""},
      {"frozen", header("-frozen 1796099280\n"), "", "", "", true, false},
      {"thawed", header("-manual_thaw\n"), "", "", "", false, true},
      {"a variable is no field, whatever it holds",
       header("-auth_id bob\n--aclm _user 24\n-auth_id eve\n-frozen 1 1\n-aclc 0 0\n\n"), "bob", "",
       ""},
      {"part of it is delivered",
       header("-auth_id bob\n", kId, "root", "YY a@b\nNN c@d\nNN 12@e\n", "2\nx@y\nz 0,0#1\n"),
       "bob", "", ""},
      {"a login with blanks", header("-auth_id bob\n", kId, "a b 1"), "bob", "", ""},
      {"an id since 4.97", header("-auth_id bob\n", "1xVRZz-000000000nG-2T1U"), "bob", "", ""},
  };
  for (const auto& one : cases) {
    CAPTURE(one.about);
    const auto id = one.text.substr(0, one.text.find("-H\n"));
    QueuedMessage message;
    REQUIRE(parse_spool_header(one.text, id, message));
    CHECK(message.id == id);
    CHECK(message.user == one.user);
    CHECK(message.host == one.host);
    CHECK(message.authenticator == one.authenticator);
    CHECK(message.frozen == one.frozen);
    CHECK(message.thawed_by_hand == one.thawed);
    CHECK(message.received == 1796099274);
    CHECK(message.size == 34);
    CHECK((message.login == "root" || message.login == "a b 1"));
    // Cut off anywhere it is none; only the end of a header line does not show that more is
    // missing.
    for (std::size_t cut = 0; cut < one.text.size(); ++cut) {
      const auto part = one.text.substr(0, cut);
      const bool shows =
          !part.ends_with("\n\n") && !part.ends_with("by y\n") && !part.ends_with("Subject: y\n");
      if (shows) CHECK_FALSE(parse_spool_header(part, id, message));
    }
  }
}

TEST_CASE("what is no header file of that message is none") {
  QueuedMessage message;
  const auto whole = header("-auth_id bob\n");
  REQUIRE(parse_spool_header(whole, kId, message));
  CHECK_FALSE(parse_spool_header(whole, "1xYFT8-00008X-0i", message));
  CHECK_FALSE(parse_spool_header(whole, "../../etc/passwd", message));
  const std::array<std::pair<const char*, const char*>, 9> changes{{
      {"root 0 -1", "root"},
      {"root 0 -1", "root 0 x"},
      {"<root@vm>", "root@vm"},
      {"1796099274 0", "then"},
      {"XX\n1\n", "XX\n2\n"},
      {"XX\n1\n", "XX\n99999999999999999999999\n"},
      {"-local\n", "-aclm x 99999999999999999999\n"},
      {"023P", "999P"},
      {"011  ", "11  "},
  }};
  for (const auto& [from, to] : changes) {
    CAPTURE(to);
    auto text = whole;
    const auto at = text.rfind(from);
    REQUIRE(at != std::string::npos);
    CHECK_FALSE(parse_spool_header(text.replace(at, std::string(from).size(), to), kId, message));
  }
}

TEST_CASE("the queue is read from the spool; what is not understood there is left to exipick") {
  std::array<char, 64> name{"/tmp/exiwarden-spool.XXXXXX"};
  const std::string folder = ::mkdtemp(name.data());
  const auto write = [&](const std::string& path, const std::string& text) {
    std::ofstream(folder + "/" + path) << text;
  };
  const auto program = [&](const std::string& path, const std::string& text) {
    write(path, "#!/bin/sh\n" + text);
    ::chmod((folder + "/" + path).c_str(), 0755);
  };
  fs::create_directories(folder + "/input/h");
  program("exim", "echo spool_directory = " + folder);
  program("exipick", "echo asked >" + folder + "/asked; exit 1");
  const std::string other = "1xVRZz-000000000nG-2T1U", third = "1xYFT9-00008X-1h";
  write("input/" + kId + "-H", header("-auth_id bob\n-frozen 1\n"));
  write("input/" + kId + "-D", kId + "-D\nhello\n");
  write("input/h/" + other + "-H", header("-auth_id alice\n", other));
  write("input/h/" + other + "-D", other + "-D\n");
  write("input/" + third + "-H", header("", third));  // its body is not there
  write("input/" + third + "-J", "x@y\n");
  write("input/hdr." + third, "");
  const EximQueue queue(folder + "/exim");
  auto messages = queue.messages();
  REQUIRE(messages);
  std::vector<std::string> found;
  for (const auto& one : messages.value()) {
    found.push_back(fmt::format("{} {} {}{}", one.id, one.user, one.size, one.frozen ? " z" : ""));
  }
  std::sort(found.begin(), found.end());
  CHECK(found == std::vector<std::string>{other + " alice 35", kId + " bob 41 z", third + "  0"});
  CHECK_FALSE(fs::exists(folder + "/asked"));

  write("input/" + third + "-H", header("", third).substr(0, 60));
  CHECK_FALSE(queue.messages());
  CHECK(fs::exists(folder + "/asked"));
  fs::remove(folder + "/asked");
  fs::remove(folder + "/input/" + third + "-H");
  REQUIRE(::mkfifo((folder + "/input/" + third + "-H").c_str(), 0600) == 0);
  CHECK_FALSE(queue.messages());
  CHECK(fs::exists(folder + "/asked"));
  fs::remove_all(folder);
}
