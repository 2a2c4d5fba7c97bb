#include "agent/config/trial_rules.h"

namespace agent {

std::string_view trial_rules() {
  return R"(# Rules for stolen accounts, on trial: each says who it would have blocked, and
# blocks nobody. Try them with `exiwarden replay` and `exiwarden tune`, and give
# them mode = "block" one by one: conf/stolen-accounts.md.
# [[rule]]
# name = "many networks"
# identity = "user"
# mode = "trial"
# signals = ["accepted"]
# count = "networks"
# limit = 15
# period = "1h"
# [[rule]]
# name = "many networks in a day"
# identity = "user"
# mode = "trial"
# signals = ["accepted"]
# count = "networks"
# limit = 40
# period = "1d"
# [[rule]]
# name = "many senders"
# identity = "user"
# mode = "trial"
# signals = ["accepted"]
# count = "senders"
# limit = 30
# period = "1h"
# [[rule]]
# name = "many recipients"
# identity = "user"
# mode = "trial"
# signals = ["accepted"]
# count = "recipients"
# limit = 1000
# period = "1h"
# [[rule]]
# name = "called spam"
# identity = "user"
# mode = "trial"
# signals = ["accused"]
# count = "recipients"
# limit = 20
# period = "6h"
# min_share = "1%"
# [[rule]]
# name = "guessed logins"
# identity = "host"
# mode = "trial"
# signals = ["auth_failed"]
# count = "ids"
# limit = 15
# period = "1h"
)";
}

}  // namespace agent
