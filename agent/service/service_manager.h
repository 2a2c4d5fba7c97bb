// tell_service_manager(): tells systemd (sd_notify(3)) by a datagram to the socket that
// NOTIFY_SOCKET names.
#pragma once

#include <string_view>

namespace agent {

// Sends "READY=1", "WATCHDOG=1" ... It never waits, as libsystemd's sd_notify would: if nobody
// reads, the word is lost, and the log is read on.
void tell_service_manager(std::string_view word);

}  // namespace agent
