// start_as_command() and start_as_service(): put the process into a known state, whatever its
// parent has left it: signals ignored or blocked, descriptors open or missing, a strange umask,
// tight limits. They are called first of all, while there is one thread.
#pragma once

namespace agent {

// Is for every command. Standard input, output and error are open (/dev/null stands in for one that
// is not), and the end of a child is told: SIGCHLD is neither ignored nor blocked.
void start_as_command();

// Is for the service, after that. No signal is ignored but SIGPIPE and SIGXFSZ, which show as
// errors of the calls; none is blocked; no descriptor beyond the standard ones is open; the umask
// is 0027; the soft limits of file size and processor time are the hard ones, and at least 1024
// descriptors may be open, if the hard limit allows them.
void start_as_service();

}  // namespace agent
