#include "actions/send/smtp.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <map>
#include <thread>

#include "tests/catch.h"

using actions::Errc;
using actions::send_by_smtp;
using namespace std::chrono_literals;

namespace {

// A server for one session, on a port of loopback's choice. It answers by the first word(s) of a
// command; what is not in the script gets "250 ok". "" as an answer: it says nothing any more.
class Server {
 public:
  explicit Server(std::map<std::string, std::string> script) : script_(std::move(script)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    REQUIRE(::bind(listener_, reinterpret_cast<sockaddr*>(&address), length) == 0);
    REQUIRE(::listen(listener_, 1) == 0);
    REQUIRE(::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length) == 0);
    name_ = "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
    thread_ = std::thread([this] { serve(); });
  }
  ~Server() { finish(); }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  void finish() {
    if (!thread_.joinable()) return;
    thread_.join();
    ::close(listener_);
  }
  [[nodiscard]] const std::string& name() const { return name_; }
  std::vector<std::string> commands;  // after finish()
  std::string message;                // as it came, with its CR and dots

 private:
  std::string answer_to(const std::string& command, const std::string& otherwise) const {
    std::string best = otherwise;
    std::size_t length = 0;
    for (const auto& [begin, answer] : script_) {
      if (command.starts_with(begin) && begin.size() >= length)
        best = answer, length = begin.size();
    }
    return best;
  }
  bool say(const std::string& text) const {
    const auto line = text + "\r\n";
    return ::send(client_, line.data(), line.size(), MSG_NOSIGNAL) ==
           static_cast<ssize_t>(line.size());
  }
  bool read_line(std::string& line) {
    for (;;) {
      const auto end = buffer_.find("\r\n");
      if (end != std::string::npos) {
        line = buffer_.substr(0, end);
        buffer_.erase(0, end + 2);
        return true;
      }
      char bytes[4096];
      const auto got = ::recv(client_, bytes, sizeof bytes, 0);
      if (got <= 0) return false;
      buffer_.append(bytes, static_cast<std::size_t>(got));
    }
  }
  void serve() {
    pollfd waiting{listener_, POLLIN, 0};
    if (::poll(&waiting, 1, 30000) <= 0) return;
    client_ = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    const auto greeting = answer_to("greeting", "220 test ESMTP");
    if (!greeting.empty()) say(greeting);
    std::string line;
    while (read_line(line)) {
      commands.push_back(line);
      const auto answer = answer_to(line, line == "DATA" ? "354 go" : "250 ok");
      if (answer.empty()) continue;
      say(answer);
      if (line == "DATA" && answer.starts_with("354")) {
        while (read_line(line) && line != ".") message += line + "\r\n";
        const auto end = answer_to("end", "250 taken");
        if (!end.empty()) say(end);
      }
      if (line == "QUIT") break;
    }
    ::close(client_);
  }

  std::map<std::string, std::string> script_;
  int listener_ = -1, client_ = -1;
  std::string name_, buffer_;
  std::thread thread_;
};

}  // namespace

TEST_CASE("a message is handed over with the null sender and every recipient") {
  Server server({});
  const auto sent = send_by_smtp(server.name(), {"a@example.org", "b@example.org"},
                                 "Subject: x\n\nline\n.\n..two\n.end\nlast\n", 30s);
  server.finish();
  REQUIRE(sent);
  REQUIRE(server.commands.size() >= 5);
  CHECK(server.commands[0].starts_with("EHLO "));
  CHECK(server.commands[1].starts_with("MAIL FROM:<>"));
  CHECK(server.commands[2] == "RCPT TO:<a@example.org>");
  CHECK(server.commands[3] == "RCPT TO:<b@example.org>");
  CHECK(server.commands[4] == "DATA");
  CHECK(server.message == "Subject: x\r\n\r\nline\r\n..\r\n...two\r\n..end\r\nlast\r\n");
}

TEST_CASE("a large message arrives whole") {
  std::string body, wire;
  for (int i = 0; i < 20000; ++i) {
    const auto line = (i % 7 == 0 ? "." : "") + std::string("line ") + std::to_string(i);
    body += line + "\n";
    wire += (i % 7 == 0 ? "." : "") + line + "\r\n";
  }
  Server server({});
  REQUIRE(send_by_smtp(server.name(), {"a@example.org"}, body, 60s));
  server.finish();
  CHECK(server.message == wire);
}

TEST_CASE("what the server refuses is an error with its own words, cleaned") {
  struct Row {
    std::map<std::string, std::string> script;
    std::string words;
  };
  const Row rows[] = {
      {{{"greeting", "554 go away"}}, "554"},
      {{{"greeting", "421 busy"}}, "421"},
      {{{"MAIL", "550 no such sender"}}, "550 no such sender"},
      {{{"RCPT TO:<b@", "550 5.1.1 unknown \x1b[31m\x80"}}, "550 5.1.1 unknown  [31m"},
      {{{"RCPT TO:<a@", "451 later"}}, "451 later"},
      {{{"RCPT TO:<a@", "550-no\r\n550 such user"}}, "550-no 550 such user"},
      {{{"DATA", "452 full"}}, "452 full"},
      {{{"end", "552 too big"}}, "552 too big"},
      {{{"EHLO", "502 what?"}, {"HELO", "502 what?"}}, "502"},
  };
  for (const auto& row : rows) {
    INFO(row.words);
    Server server(row.script);
    const auto sent = send_by_smtp(server.name(), {"a@example.org", "b@example.org"}, "x\n", 30s);
    server.finish();
    REQUIRE_FALSE(sent);
    INFO(sent.error().what);
    CHECK(sent.error().code == Errc::refused);
    CHECK(sent.error().what.starts_with("smtp " + server.name() + ": "));
    CHECK(sent.error().what.find(row.words) != std::string::npos);
    CHECK(sent.error().what.find_first_of("\x1b\x80\r\n") == std::string::npos);
    CHECK((server.message.empty() || row.script.count("end") > 0));
  }
}

TEST_CASE("a server that falls silent is left at the deadline") {
  for (const char* silent : {"greeting", "MAIL", "RCPT", "DATA", "end"}) {
    INFO(silent);
    Server server(std::map<std::string, std::string>{{silent, ""}});
    const auto begin = std::chrono::steady_clock::now();
    const auto sent = send_by_smtp(server.name(), {"a@example.org"}, "x\n", 700ms);
    REQUIRE_FALSE(sent);
    CHECK(sent.error().code == Errc::timeout);
    CHECK(std::chrono::steady_clock::now() - begin >= 600ms);
    server.finish();
  }
}

TEST_CASE("nobody listens") {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  REQUIRE(::bind(socket, reinterpret_cast<sockaddr*>(&address), length) ==
          0);  // bound, so taken; but no listener
  REQUIRE(::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &length) == 0);
  const auto sent = send_by_smtp("127.0.0.1:" + std::to_string(ntohs(address.sin_port)),
                                 {"a@example.org"}, "x\n", 30s);
  REQUIRE_FALSE(sent);
  CHECK(sent.error().code == Errc::refused);
  ::close(socket);
}
