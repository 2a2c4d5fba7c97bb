// The built-in reasons: RE2, matched without regard to case anywhere in the masked text (see
// reason_text.h: an address stands there as "<>"). `other` wins over `missing`. Each pattern has a
// sample it must match; tests/corpus/reasons.tsv holds what real servers say, and where it was
// seen.
//
// A router's ":fail:" text and an ACL's own message look the same in the log. So a text counts if
// anything in it says that there is no such recipient, in whatever words, and a text that neither
// set knows ("lab says no") doesn't: to miss a wording costs counts, and the administrator can add
// it; to take a policy for a dead address blocks somebody who did no wrong.
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
    // "user unknown" and its kin, in either order
    {R"(\b(?:user|recipient|mailbox|account|addressee|member|person|alias)s?(?: \S+){0,2} (?:unknown|not known)\b)",
     "User unknown"},
    {R"(\b(?:e-?mail )?address(?: <>)?(?: is| was)? (?:unknown|not known)\b)", "address unknown"},
    {R"(\b(?:unknown|invalid|nonexistent|non-existent|nonexisting|undeliverable|unrecogni[sz]ed|unavailable|illegal)(?: or \w+)?(?: local| virtual| recipient| destination| e?-?mail)* ?(?:user|recipient|mail-?box|account|address|addressee|alias|local[ -]?part)(?:e?s)?\b)",
     "Unknown user"},
    {R"(\b(?:user|recipient|mailbox|account|address)(?: <>| address| name)?(?: is)? (?:invalid|unrecogni[sz]ed|nonexistent|non-existent)\b)",
     "550 address invalid"},
    // "no such user", "no mailbox by that name", "no one here"
    {R"(\bno such (?:\w+ )?(?:user|recipient|mailbox|account|address|person|member|e-?mail|alias|local|here|id|domain)\b)",
     "no such user here"},
    {R"(\bno (?:valid )?(?:mail-? ?box|account|user|recipient|alias|address|entry)s?(?: here)?(?: by (?:that|this) name| with that name| found| exists| here| available| matching)\b)",
     "no mailbox here by that name"},
    {R"(\b(?:no one|nobody|no-one)(?: (?:here|at|with|by|of))+ (?:that|this|by) ?(?:name|address)?\b)",
     "there is no one at this address"},
    // "user does not exist", "mailbox not found"
    {R"(\b(?:user|recipient|mailbox|account|address|alias|person|spectator|member)(?: \S+){0,3} (?:does|do|did|has)(?: not?|n't) (?:\w+ )?exists?\b)",
     "mailbox <> does not exist"},
    {R"(\baccount that you tried to reach does not? exists?)",
     "550-5.1.1 The email account that you tried to reach does not exist."},
    {R"(\b(?:user|recipient|mailbox|account|address|alias|person|e-?mail name)(?: \S+){0,2} (?:not|never) (?:be )?(?:found|exist|exists|existing|existed|present\b|available here|listed in|ok\b|local\b))",
     "User not found"},
    {R"(<>[\])\x22'.:;, ]{0,6}(?:is |was |address |does |recipient |user )?(?:not found|not exist|no such|unknown|invalid|unrecogni[sz]ed|undeliverable|doesn't exist|not a known|not a valid|does not exist|is not known))",
     "550 <>... not found"},
    {R"(\bnot an? (?:known|valid|registered|local|existing|current|active)(?: \w+)? (?:user|mailbox|recipient|address|account|customer|alias|person|member)\b|\bnot a valid (?:user|mailbox|recipient|address|account)\b)",
     "is not a valid mailbox"},
    {R"(\b(?:does(?: not|n't)|don't|do not) have (?:an?|any|such)(?: \S+)? (?:account|mailbox|user)\b|\b(?:can't|cannot|can not|unable to|could not|couldn't) (?:find|locate|resolve) (?:the |this |that |a |any )?(?:local )?(?:user|recipient|mailbox|account|alias)\b)",
     "delivery error: dd This user doesn't have a yahoo.com account (<>)"},
    {R"(recip(?:ient)?notfound|nosuchuser|badrecipientto|validrcptto)",
     "550 5.4.1 RESOLVER.ADR.RecipNotFound; not found"},
    {R"(\bnot (?:our|a|an?y?) (?:customer|user)\b|\bnot user of this server\b|\bexists that user\b)",
     "Not our Customer"},
    {R"(\bnot existing (?:user|recipient|mailbox)\b|\bbad destination mailbox\b|\bbad (?:recipient )?mailbox\b)",
     "Bad destination mailbox address"},

    // People who left, addresses given up
    {R"(\bno longer (?:on (?:this |the )?server|valid|exists?|available|in (?:use|service)|used|with (?:us|the)|works?|working|employed|an? (?:employee|valid|member|user|customer)|here|at (?:this|the)|accepts? (?:e?-?mail|messages)))",
     "recipient no longer on server: <>"},
    {R"(\b(?:has |have )left (?:the |this |our )?(?:company|organi[sz]ation|university|school|us\b|firm|team)|\b(?:does(?: not|n't)|don't) (?:work|live) (?:here|at|for))",
     "Bob has left the company"},
    {R"(\b(?:user|recipient|mailbox|account|address|alias)(?: <>)? (?:(?:has|have) been |was |is )?(?:deleted|removed|discontinued|terminated|closed|retired)\b)",
     "550 account closed"},
    // Directory-based edge blocking at Microsoft 365; Cisco's recipient table
    {R"(\b5\.4\.1 (?:\S+ )?recipient address rejected: access denied)",
     "550 5.4.1 <>: Recipient address rejected: Access denied"},
    {R"(#5\.1\.0 address rejected)", "550 #5.1.0 Address rejected."},
    // Other languages; an accented letter may stand as one or two "\ooo" or raw bytes
    {R"(\b(?:utilisateur|destinataire|adresse|compte|bo\S{1,9}te)(?: \S+){0,2} (?:inconnue?|inexistante?|invalide)|\bn'existe pas\b)",
     "Utilisateur inconnu"},
    {R"(\b(?:benutzer|nutzer|empf\S{1,9}nger|adresse|adressat|postfach|mailbox|teilnehmer)(?: \S+){0,2} (?:unbekannt|nicht (?:bekannt|gefunden|vorhanden))|\bunbekannter? (?:benutzer|empf|adress|nutzer)|\bexistiert nicht\b|\bkeine?n? solche[rns]?\b)",
     "Benutzer unbekannt"},
    {R"(\b(?:usuario|usu\S{1,8}rio|destinat\S{1,8}rio|direcci\S{1,8}n|cuenta|conta|endere\S{1,8}o|buz\S{1,8}n|caixa)(?: \S+){0,2} (?:desconocid[oa]|desconhecid[oa]|inexistente|inv\S{1,8}lid[oa]|n\S{1,8}o existe|no existe|no encontrad[oa])|\bno existe (?:el|la|ese|esa|dich[oa]|ning\S+) (?:usuario|persona|buz|cuenta|direcc|destinat))",
     "Usuario desconocido"},
    {R"(\b(?:utente|casella|destinatario|indirizzo|account)(?: \S+){0,2} (?:sconosciut[oa]|inesistente|non (?:esiste|trovat[oa]|valid[oa]))|\bnessun utente\b)",
     "utente sconosciuto"},
    {R"(\b(?:onbekende (?:gebruiker|ontvanger)|gebruiker(?: \S+)? onbekend|adres onbekend|bestaat niet|nie ma takiego u\S+|nieznany (?:u\S+|adresat)|adresat nieznany)\b)",
     "gebruiker onbekend"},
    // RFC 5321's own words, which say little but "no"
    {R"(requested (?:mail )?action (?:was )?not taken:? (?:mailbox|recipient) (?:is )?(?:unavailable|not available))",
     "SMTP error from remote mail server after RCPT TO:<>: 550 Requested action not taken: mailbox "
     "unavailable"},
    // A refusal of RCPT TO that gives no reason
    {R"((?:^|after (?:pipelined )?RCPT TO:<>: )55[03](?:[- ](?:5\.[05]\.0 )?(?:<>)?[ .:]*)?$)",
     "SMTP error from remote mail server after RCPT TO:<>: 550"},
    {R"((?:^|after (?:pipelined )?RCPT TO:<>: )55[03][- ](?:5\.[015]\.0 )?(?:<>[ :.]*)?(?:mailbox|recipient|address)(?: address)? (?:is )?(?:unavailable|not available|rejected)\.?$)",
     "SMTP error from remote mail server after RCPT TO:<>: 550 Mailbox unavailable"},
    // cPanel, for a domain that no host answers for
    {R"(\baccount or domain may not exist\b)", "The account or domain may not exist"},
};

inline constexpr ReasonPattern kOther[] = {
    // Temporary answers never count, whatever they say
    {R"((?:^|after (?:pipelined )?RCPT TO:<>: )4\d\d(?:[- ]|$))",
     "SMTP error from remote mail server after RCPT TO:<>: 450 4.1.1 user unknown"},
    // Full mailboxes (RFC 3463 5.2.2), sizes
    {R"(\b5\.2\.[23]\b|\b5\.3\.4\b)", "552 5.2.2 <>: user has no room"},
    {R"(\b(?:mailbox|mail box|mail ?folder|inbox|account|user|recipient|maildir|quota|disk|disc|space)\b.{0,40}\b(?:full|over ?quota|exceeds?|exceeded|exceeding|used up|exhausted)\b|\bfull mailbox\b)",
     "Mailbox is full"},
    {R"(\bover ?-?(?:the |its |their )?(?:allowed |disk |storage )*quota\b|\bdisk ?space quota\b|\breached (?:its |the )?(?:disk )?quota\b|\bquota (?:exceeded|exceeds|violation|usage)\b|\b(?:exceeded|exceeding|exceeds) (?:its |their |the |your )?(?:mailbox |mail |disk |storage )*(?:quota|storage|allocation|allowed)\b)",
     "552 5.1.1 over quota"},
    {R"(\b(?:insufficient|not enough|out of|no) (?:system |disk |mailbox )?(?:storage|space|disk)\b|\bstorage limit\b|\b(?:allowed )?storage (?:space )?(?:exceeded|allocation)\b|\bdestinataire pleine\b|\btoo many messages on the server\b)",
     "452 insufficient disk space"},
    {R"(\bmessage (?:size |length )?(?:is )?(?:too (?:big|large)|exceeds))", "message too large"},
    // Relaying, authentication, encryption
    {R"(\brelay(?:ing)?\b.{0,30}\b(?:denied|not permitted|not allowed|prohibited|forbidden|rejected|refused)|\b(?:unable|not permitted|not allowed|allowed|denied|authorized|not configured) to relay|\b(?:do|does)(?: not|n't) relay\b|\bnot a(?:n open)? relay\b|\bno relay(?:ing)?\b|\brcpthosts\b)",
     "relay not permitted"},
    {R"(\bauthenticat(?:e|ed|ion) (?:is )?(?:required|first)|\brequires? (?:smtp )?authenticat|\bmust (?:be )?authenticated?\b|\bmust issue a starttls|\b(?:tls|encryption) (?:is )?required|\bturn on smtp auth|\bunauthenticated\b|\bauthrequired\b)",
     "authentication required"},
    // Policy
    {R"(\badministrative(?:ly)? (?:prohibit|denied|block)|\bpolic(?:y|ies)\b)",
     "Administrative prohibition"},
    // Lists, reputation, content
    {R"(\b(?:dnsbl|rbl|dnsrbl|spamhaus|spamcop|barracudacentral|sorbs|surbl|uribl|uceprotect|abuseat|senderscore|cloudmark)\b|\bdnsbl[.-]|realtime block)",
     "550 5.1.1 blocked using zen.spamhaus.org"},
    // cPanel's router says of a domain without a host that it "may not exist, they may be
    // blacklisted".
    {R"(\b(?:block|deny|bypass)[- ]?list(?:ed|ing)?\b|(?:^|[^ ]|[^e] |[^b]e |[^y] be |[^y] may be |[^e]y may be )black[- ]?list(?:ed|ing)?\b|(?:[^t]|[^o]t|[^n]ot) listed (?:in|at|by|on)\b)",
     "host is blacklisted"},
    {R"(\bblocked\b|\bbanned\b|\b(?:low|poor|bad|sender|ip|domain) reputation\b|\breputation of\b)",
     "your IP is blocked"},
    {R"(\b(?:spam|spammers?|spamming|unsolicited|junk ?mail|phishing|phish|virus|malware|ube|uce)\b|\bmessage content\b|\bcontent (?:rejected|denied)\b)",
     "rejected as spam"},
    // The sender's side
    {R"(\bsenders?\b.{0,40}\b(?:verify|verification|verified|exist|reject\w*|denied|refused|invalid|unknown|not (?:allowed|permitted|authori[sz]ed)|domain|address|mismatch\w*|found|reserved)\b|\b(?:invalid|unknown|bad|forged|fake) sender\b|\bdomain of sender\b)",
     "Sender verify failed"},
    {R"(\b5\.1\.[78]\b|\bremote mail server after initial connection: |\breturn[- ]path\b|\bfrom address\b|\bmail from\b|\bfrom domain\b|\bbounce address\b)",
     "550 MAIL FROM is not one of ours"},
    {R"(\b(?:spf|dmarc|dkim|arc)\b)", "SPF check failed"},
    {R"(\b(?:reverse dns|ptr record|resource record|rdns|helo|ehlo|client host rejected|host network)\b|\byour (?:ip|host|server|hostname|domain|network)\b|\b(?:sending|source|connecting) (?:ip|host|server)\b)",
     "550 no reverse DNS (PTR record) for your host"},
    // Rates and greylisting
    {R"(\bgr[ae]y-?list)", "greylisted, see later"},
    {R"(\btoo (?:many|much|fast)\b|\brate ?limit|\bthrottl|\blimit (?:exceeded|reached)\b|\bexceeded the (?:limit|rate)|\bfrequency limited\b|\bat a rate that\b)",
     "too many recipients"},
    // Not "check the address and try again": that is meant for the sender.
    {R"((?:^|[^ ]|[^d] |[^n]d |[^a]nd )\btry (?:again|later)\b|\btry again (?:later|in|after)\b|\bretry\b|\btemporar(?:y|ily)\b|\bplus tard\b|\bbusy\b)",
     "mailbox is temporarily not there"},
    // Accounts that are there but closed for now
    {R"(\b(?:account|mailbox|user|recipient|address)\b.{0,40}\b(?:suspended|disabled|deactivated|inactive|locked|frozen|on hold|not activated|over limit)\b|\b(?:disabled|suspended|inactive|frozen) (?:recipient|user|account|mailbox)\b|\bdisableduser\b)",
     "account suspended"},
};

}  // namespace parsers
