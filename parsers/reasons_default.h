// The built-in reasons: RE2, matched without regard to case anywhere in the masked text (see
// reason_text.h). `other` wins over `missing`. Each pattern has a sample it must match; the table
// tests/corpus/reasons.tsv holds what real servers say.
#pragma once

namespace parsers {

struct ReasonPattern {
  const char* regex;
  const char* sample;
};

inline constexpr ReasonPattern kMissing[] = {
    // Exim's own words (route.c, verify.c, routers/dnslookup.c)
    {R"(unrouteable address)", "Unrouteable address"},
    {R"(previous \(cached\) callout verification failure)",
     "Previous (cached) callout verification failure"},
    {R"(all relevant mx records point to non-existent hosts)",
     "all relevant MX records point to non-existent hosts"},
    {R"(an mx or srv record indicated no smtp service)",
     "an MX or SRV record indicated no SMTP service"},
    // RFC 3463: bad destination mailbox, system, moved; Exchange's "recipient not found"
    {R"(\b5\.1\.(?:1|2|6|10)\b)",
     "SMTP error from remote mail server after RCPT TO:<>: 550 5.1.1 User unknown"},
    // Words of all kinds of servers, and of routers' :fail: texts
    {R"(\b(?:user|recipient|mailbox|account|address|addressee|member|person|name)s?(?: address| email)?(?: is| was)?(?: an)? ?(?:unknown|not known)\b)",
     "User unknown"},
    {R"(\b(?:unknown|invalid|nonexistent|non-existent|no valid|undeliverable|unrecognized)(?: or \w+)?(?: local| virtual| recipient| destination| e?-?mail)* ?(?:user|recipient|mailbox|account|address|local[ -]?part)s?\b)",
     "Unknown user"},
    {R"(\bno such (?:local |virtual |domain |known )?(?:user|recipient|mailbox|account|address|person|member|email|e-mail|local|here|domain)\b)",
     "no such user here"},
    {R"(\b(?:user|recipient|mailbox|account|address|e-?mail(?: address| account)?)(?: name)?(?: you tried to reach| that you tried to reach)?(?: <>)? (?:does|do|did)(?: not|n't) exist)",
     "550-5.1.1 The email account that you tried to reach does not exist."},
    {R"(\b(?:user|recipient|mailbox|account|address|e-?mail)(?: address)?(?: <>)?(?: was| is|'s)? ?not (?:found|exist|exists|existing|valid|available here|listed in|a valid|our customer|recognized|local))",
     "User not found"},
    {R"(\bno (?:mailbox|account|user|recipient)(?: here)?(?: by that name| with that name| found| exists| here)\b)",
     "no mailbox here by that name"},
    {R"(\b(?:does(?: not|n't)|don't|do not) have (?:an?|any|such) (?:\S+ )?(?:account|mailbox|user)\b)",
     "delivery error: dd This user doesn't have a yahoo.com account (<>)"},
    {R"(\b(?:can't|cannot|can not|unable to|could not) (?:find|locate|verify) (?:the |this |that )?(?:user|recipient|mailbox|account)\b)",
     "can't find user"},
    {R"(recipnotfound|recipientnotfound|nosuchuser)",
     "550 5.4.1 RESOLVER.ADR.RecipNotFound; not found"},
    {R"(\bnot our (?:customer|user)\b)", "Not our Customer"},
    // A bare refusal of RCPT TO that gives no reason: "550", or RFC 5321's own words for it
    {R"(after (?:pipelined )?RCPT TO:<>: 55[03](?:[- ](?:<>)?[ .:]*)?$)",
     "SMTP error from remote mail server after RCPT TO:<>: 550"},
    {R"(after (?:pipelined )?RCPT TO:<>: 550[- ](?:<>[ :.]*)?(?:requested action (?:was )?not taken:? ?)?(?:mailbox|recipient|address) (?:is )?(?:unavailable|not available|rejected)\.?$)",
     "SMTP error from remote mail server after RCPT TO:<>: 550 Requested action not taken: mailbox "
     "unavailable"},
};

inline constexpr ReasonPattern kOther[] = {
    // Temporary answers never count, whatever they say
    {R"(after (?:pipelined )?RCPT TO:<>: 4\d\d)",
     "SMTP error from remote mail server after RCPT TO:<>: 450 4.1.1 user unknown"},
    // Full mailboxes (RFC 3463 5.2.2), size
    {R"(\b5\.2\.[123]\b|\b5\.3\.4\b)", "552 5.2.2 Mailbox full"},
    {R"(\b(?:mailbox|mail box|inbox|account|user|quota|disk)\b.{0,40}\b(?:full|over ?quota|exceeded|exceeds)\b|\bover ?quota\b|\bquota exceeded\b|insufficient (?:system )?storage|storage limit)",
     "Mailbox is full"},
    {R"(message (?:size )?(?:too (?:big|large)|exceeds))", "message too large"},
    // Security and policy (RFC 3463 5.7.x); relaying
    {R"(\b5\.7\.\d)", "550 5.7.1 Access denied"},
    {R"(\brelay(?:ing)?\b.{0,30}\b(?:denied|not permitted|not allowed|prohibited|forbidden)|\b(?:unable|not permitted|not allowed|denied) to relay|\bwe do not relay\b|\bnot a relay\b|\bno relaying\b)",
     "relay not permitted"},
    {R"(\b(?:administrative(?:ly)?|policy) (?:prohibit|prohibition|prohibited|reasons?|violation|restriction|rejection|denied|says)|\b(?:local|site|security|our) polic(?:y|ies)\b)",
     "Administrative prohibition"},
    // Lists, reputation, content
    {R"(\b(?:dnsbl|rbl|dnsrbl|spamhaus|spamcop|barracudacentral|sorbs|surbl|uceprotect)\b)",
     "550 5.1.1 blocked using zen.spamhaus.org"},
    {R"(\b(?:black|block|deny)[- ]?list(?:ed|ing)?\b|\blisted (?:in|at|by|on)\b)",
     "host is blacklisted"},
    {R"(\bblocked\b|\bbanned\b|\bpoor reputation\b|\bbad reputation\b|\breputation\b)",
     "your IP is blocked"},
    {R"(\b(?:spam|spammer|spamming|unsolicited|phishing|virus|malware)\b)", "rejected as spam"},
    // The sender's side
    {R"(\bsender (?:verify|verification|address rejected|rejected|denied|unknown|domain|is)\b|\binvalid sender\b|\bunknown sender\b|\breturn path\b|\bfrom address\b)",
     "Sender verify failed"},
    {R"(\b(?:spf|dmarc|dkim)\b)", "SPF check failed"},
    {R"(\b(?:reverse dns|ptr record|rdns|helo|ehlo)\b)",
     "550 no reverse DNS (PTR record) for your host"},
    // Rates and greylisting
    {R"(\bgr[ae]y-?list)", "greylisted, try again later"},
    {R"(\btoo (?:many|much|fast)\b|\brate ?limit|\bthrottl|\blimit exceeded\b|\bexceeded the (?:limit|rate)|\btry (?:again|later)\b|\bretry\b|\btemporar(?:y|ily)\b)",
     "too many recipients"},
    // Accounts that exist but may not be reached now
    {R"(\b(?:account|mailbox|user|recipient|address)\b.{0,30}\b(?:suspended|disabled|inactive|locked|frozen|on hold|blocked|moved)\b)",
     "account suspended"},
    // Demands on the session
    {R"(\bauthentication (?:is )?required|\bmust (?:authenticate|issue a starttls)|\btls (?:is )?required|\bencryption required)",
     "authentication required"},
};

}  // namespace parsers
