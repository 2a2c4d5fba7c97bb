// The notices that only actions send: of releases, of single decisions on trial, and to a customer
// about the customer's own account.
#pragma once

#include <string>

#include "agent/notify/notice.h"

namespace agent {

// For a sender that is free again: `edge` says whether somebody freed it or its block has ended.
// Of `released`, only what a release has is used: rule (may be empty), kind, identity, list and
// time.
[[nodiscard]] Notice compose_release(const Decision& released, Edge edge, const Zone& zone,
                                     const NoticeContext& context);

// For a decision of a rule on trial.
[[nodiscard]] Notice compose_trial(const Decision& decision, const Zone& zone, Instant now,
                                   const NoticeContext& context);

// For the sender itself, in words for people who know nothing of mail servers. Says nothing of this
// server, its rules or other senders, unless the context's templates do. `notice`: the one to staff
// of the same event, whose identity and date it keeps.
[[nodiscard]] Notice compose_for_customer(const Decision& decision, Edge edge, const Zone& zone,
                                          const NoticeContext& context, Notice notice);

}  // namespace agent
