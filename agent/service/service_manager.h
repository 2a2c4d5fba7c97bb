// What the service tells systemd (sd_notify(3)): a datagram to the socket that NOTIFY_SOCKET names.
#pragma once

#include <string_view>

namespace agent {

// "READY=1", "WATCHDOG=1" ... Never waits, which libsystemd's sd_notify would: if nobody reads, the
// word is lost, and the log is read on.
void tell_service_manager(std::string_view word);

}  // namespace agent
