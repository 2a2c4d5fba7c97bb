#include "parsers/fields/sure_entry.h"

#include <algorithm>
#include <iterator>
#include <string_view>

namespace parsers {

bool is_surely_exim(const Prefix& prefix) {
  // smtp_in.c, receive.c, daemon.c, queue.c, host.c, tls.c, log.c, exim.c.
  constexpr std::string_view kBegins[] = {"H=",
                                          " DSH=",
                                          "U=",
                                          "F=<",
                                          "SMTP ",
                                          "TLS ",
                                          "Start queue run",
                                          "End queue run",
                                          "exim ",
                                          "Exim ",
                                          "no host name found for IP",
                                          "no IP address found for host",
                                          "refused connection",
                                          "rejected ",
                                          "unexpected ",
                                          "Connection from [",
                                          "connection from [",
                                          "cwd=",
                                          "Warning: ",
                                          "daemon",
                                          "**** log string",
                                          "exiwarden/1 ",
                                          "socket bind",
                                          "listening ",
                                          "dnslist ",
                                          "host name alias list",
                                          "ident connection",
                                          "SIGHUP",
                                          "lowest numbered MX",
                                          "DKIM: ",
                                          "LOG: ",
                                          "pid ",
                                          "remote host address",
                                          "sender verify",
                                          "ignoring AUTH"};
  return !prefix.message_id.empty() ||
         std::any_of(std::begin(kBegins), std::end(kBegins),
                     [&](auto words) { return prefix.payload.starts_with(words); }) ||
         prefix.payload.find(" authenticator failed for ") != std::string_view::npos;
}

}  // namespace parsers
