#pragma once

namespace agent {

#ifdef EXIWARDEN_VERSION
inline constexpr const char* kVersion = EXIWARDEN_VERSION;
#else
inline constexpr const char* kVersion = "unknown";
#endif

}  // namespace agent
