#include "actions/exim/exim_queue.h"

#include "actions/exim/exim_settings.h"
#include "actions/program.h"
#include "tests/catch.h"

using namespace actions;

namespace {

std::string line(const std::string& id, const std::string& user,
                 const std::string& host = "192.0.2.1") {
  return id +
         " deliver_freeze='1' manually_thawed='' received_time='1795571272' message_size='185' "
         "sender_host_address='" +
         host + "' sender_host_authenticated='plain' originator_login='root' authenticated_id='" +
         user + "'";
}

}  // namespace

TEST_CASE("a line of exipick is a message, whatever the id is") {
  for (const std::string user : {"bob@example.com", "user with space", "o'x",
                                 "' authenticated_id='victim", "a\" = b", "", "'"}) {
    QueuedMessage message;
    REQUIRE(parse_queued_message(line("1xW26y-0008Hf-2v", user), message));
    CHECK(message.id == "1xW26y-0008Hf-2v");
    CHECK(message.user == user);
    CHECK(message.host == "192.0.2.1");
    CHECK(message.authenticator == "plain");
    CHECK(message.login == "root");
    CHECK(message.frozen);
    CHECK_FALSE(message.thawed_by_hand);
    CHECK(message.received == 1795571272);
    CHECK(message.size == 185);
  }
  QueuedMessage message;
  CHECK(parse_queued_message(line("1xVRZz-000000000nG-2T1U", "bob"), message));
}

TEST_CASE("what is no line of exipick is none") {
  QueuedMessage message;
  const auto whole = line("1xW26y-0008Hf-2v", "bob");
  CHECK_FALSE(parse_queued_message("", message));
  CHECK_FALSE(parse_queued_message("Couldn't parse 1xW26y-0008Hf-2v", message));
  CHECK_FALSE(parse_queued_message(line("-Mrm", "bob"), message));
  CHECK_FALSE(parse_queued_message(line("1xW26y/../../-2v", "bob"), message));
  for (std::size_t cut = 0; cut < whole.size(); ++cut) {
    CHECK_FALSE(parse_queued_message(whole.substr(0, cut), message));
  }
}

TEST_CASE("exim -bP's text is read as settings") {
  const auto settings = parse_settings(
      "accept_8bitmime\nno_disable_ipv6\nacl_smtp_rcpt = acl_check_rcpt\nacl_smtp_data = \n"
      "admin_groups =\nhostlist relay = <; a = b\nspool_directory = /var/spool/exim4\n");
  CHECK(settings.at("accept_8bitmime") == "true");
  CHECK(settings.at("disable_ipv6") == "false");
  CHECK(settings.at("acl_smtp_rcpt") == "acl_check_rcpt");
  CHECK(settings.at("acl_smtp_data").empty());
  CHECK(settings.at("admin_groups").empty());
  CHECK(settings.at("spool_directory") == "/var/spool/exim4");
  CHECK(settings.size() == 6);
}

TEST_CASE("a program gets its words and its input as they are, and its outputs apart") {
  const auto ended =
      run_program({"/bin/sh", "-c", "cat; printf '%s|' \"$@\"; echo oops >&2; exit 3", "sh",
                   "$(reboot)", "", "a b", "*"},
                  "in\n", {});
  REQUIRE(ended);
  CHECK(ended->exit_status == 3);
  CHECK(ended->output == "in\n$(reboot)||a b|*|");
  CHECK(ended->errors == "oops\n");
}

TEST_CASE("a program that does not end is killed with its children") {
  ProgramOptions options;
  options.deadline = std::chrono::milliseconds(100);
  const auto ended = run_program({"/bin/sh", "-c", "sleep 600 & wait"}, "", options);
  REQUIRE_FALSE(ended);
  CHECK(ended.error().code == Errc::timeout);
  CHECK(run_program({"sh"}, "", {}).error().code == Errc::malformed);
  CHECK(run_program({"/no/such/program"}, "", {}).error().code == Errc::not_found);
}
