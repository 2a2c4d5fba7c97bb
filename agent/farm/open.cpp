#include "agent/farm/open.h"

#ifdef EXIWARDEN_FARM
#include "agent/farm/redis_link.h"
#endif

namespace agent {

// A program without it refuses farm.url when it reads the configuration.
std::unique_ptr<FarmLink> open_farm([[maybe_unused]] const Config& config,
                                    [[maybe_unused]] const std::string& machine) {
#ifdef EXIWARDEN_FARM
  if (!config.farm.url.empty()) return std::make_unique<RedisLink>(config, machine);
#endif
  return nullptr;
}

}  // namespace agent
