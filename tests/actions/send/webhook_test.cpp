#include "actions/send/webhook.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/catch.h"

using actions::Errc;
using actions::post_json;
using actions::shown_address;
using namespace std::chrono_literals;

TEST_CASE("what may be shown of a URL") {
  struct Case {
    const char* url;
    const char* shown;
  };
  const Case cases[] = {
      {"https://chat.example.org/hooks/secret", "https://chat.example.org"},
      {"https://chat.example.org", "https://chat.example.org"},
      {"http://chat.example.org:8443?token=secret", "http://chat.example.org:8443"},
      {"HTTPS://chat.example.org#secret", "https://chat.example.org"},
      {"https://me:secret@chat.example.org/", "https://chat.example.org"},
      {"https://me%40x:sec%2fret@[2001:db8::1]:8443/", "https://[2001:db8::1]:8443"},
      {"https://me:secret@chat.example.org/a@b", "https://chat.example.org"},
      {"https://chat.example.org:/x", "https://chat.example.org"},
      {"http://127.0.0.1:8443/x", "http://127.0.0.1:8443"},
      {"http://[fe80::1%25eth0]:8443/x", "http://[fe80::1]:8443"},
      // No web address.
      {"", ""},
      {"https://", ""},
      {"ftp://chat.example.org/", ""},
      {"file:///etc/passwd", ""},
      {"chat.example.org/secret", ""},
      {"https://me:sec/ret@chat.example.org/", ""},
      {"https://chat.example.org:99999/", ""},
      {"https://chat.example.org:0/", ""},
      {"https://chat.example.org:80x/", ""},
      {"https://[::1/secret", ""},
      {"https://[::1]secret/", ""},
      {"https://[chat.example.org]/", ""},
      {"https://me@a@chat.example.org/", ""},
      {"https://chat.example.org\\@other.example.org/", ""},
      {"https://chat example.org/", ""},
      {"https:/chat.example.org/", ""},
  };
  for (const auto& one : cases) {
    CAPTURE(one.url);
    CHECK(shown_address(one.url) == one.shown);
  }
}

TEST_CASE("a web server that never answers is left at the deadline, and its URL kept") {
  const int server = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  REQUIRE(::bind(server, reinterpret_cast<const sockaddr*>(&address), size) == 0);
  REQUIRE(::listen(server, 1) == 0);
  REQUIRE(::getsockname(server, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  const auto at = "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
  const auto begin = std::chrono::steady_clock::now();
  const auto sent = post_json("http://me:secret@" + at + "/secret", "{}", 200ms);
  CHECK(std::chrono::steady_clock::now() - begin < 20s);
  ::close(server);
  REQUIRE_FALSE(sent);
  CHECK(sent.error().code == Errc::timeout);
  CHECK(sent.error().what.starts_with("webhook http://" + at + ": "));
  CHECK(sent.error().what.find("secret") == std::string::npos);
}
