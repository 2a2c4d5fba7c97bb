// The notice that an exemption ends soon which still keeps a sender from being counted.
#pragma once

#include <string>

#include "agent/core/identity_tables.h"
#include "agent/notify/notice.h"
#include "agent/values/zone.h"

namespace agent {

// `used`: when it last did so.
[[nodiscard]] Notice compose_exemption_end(const ExemptionEnd& end, Instant used, const Zone& zone,
                                           Instant now, const NoticeContext& context);

}  // namespace agent
