// The exit codes of every command (sysexits.h's numbers where they fit).
#pragma once

namespace agent {

enum Exit : int {
  kDone = 0,
  kNo = 1,  // the answer is no
  kUsage = 64,
  kBadData = 65,
  kNoInput = 66,
  kUnavailable = 69,
  kInternal = 70,
  kCantCreate = 73,
  kIoError = 74,
  kNotPermitted = 77,
  kBadConfig = 78,
  kInterrupted = 130,  // by SIGINT, as shells show it; what was printed is partial
};

}  // namespace agent
