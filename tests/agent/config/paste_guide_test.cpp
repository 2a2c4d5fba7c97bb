#include "agent/config/paste_guide.h"

#include "tests/catch.h"

using namespace agent;

namespace {

EximFacts facts_for(Layout layout, AclVariant variant) {
  EximFacts facts;
  facts.binary = "/usr/sbin/exim";
  facts.config = "/etc/exim/exim.conf";
  facts.layout = layout;
  facts.variant = variant;
  facts.relay_list = "relay_from_hosts";
  facts.settings = {{"acl_smtp_rcpt", "my_rcpt"}, {"acl_smtp_data", "my_data"},
                    {"acl_smtp_helo", "my_helo"}, {"exim_user", "mail_user"},
                    {"spool_directory", "/s"},    {"log_file_path", "syslog : /l/%slog"}};
  return facts;
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("both guides name what there is, for each layout, and fit 78 columns") {
  for (const auto layout :
       {Layout::debian_split, Layout::debian_single, Layout::cpanel, Layout::plain}) {
    for (const auto variant : {AclVariant::reject, AclVariant::count}) {
      CAPTURE(layout, variant);
      const bool count = variant == AclVariant::count;
      const bool plain = layout == Layout::plain;
      const auto facts = facts_for(layout, variant);
      const auto paste = paste_guide(facts), removal = removal_guide(facts);
      for (const auto& guide : {paste, removal}) {
        CHECK(has(guide, "rcpt-accept-and-log.conf") == count);
        CHECK(has(guide, "rcpt-reject.conf") == !count);
        CHECK(has(guide, "reload exim") == (layout != Layout::cpanel));
        std::size_t width = 0;
        for (const char c : guide) {
          width = c == '\n' ? 0 : width + 1;
          CHECK(width <= 78);
        }
      }
      for (const char* file : {"macros.conf", "data.conf", "helo.conf"}) CHECK(has(paste, file));
      CHECK(has(paste, "my_rcpt:") == plain);
      CHECK(has(paste, "my_data:") == plain);
      CHECK(has(paste, "my_helo:") == (layout != Layout::cpanel));
      CHECK(has(paste, "openssl rand") == count);
      const bool own_queue = layout == Layout::cpanel || plain;
      CHECK(has(paste, "User=mail_user Group=mail_user") == own_queue);
      CHECK(has(paste, "ReadWritePaths=/s ReadWritePaths=/l ") == own_queue);
      CHECK(has(paste, "exiwarden-queue.conf") == !own_queue);
      // The macros are gone only when nothing uses them.
      const auto* macros = layout == Layout::debian_split ? "000_exiwarden" : "macros.conf";
      CHECK(removal.find("rcpt-") < removal.find(macros));
      CHECK(paste.find("rcpt-") > paste.find("macros.conf"));
    }
  }
}

TEST_CASE("what Exim's settings hold decides where the lines go") {
  struct Case {
    const char* name;
    const char* value;
    const char* wanted;
    const char* not_wanted;
  };
  const Case cases[] = {
      {"acl_smtp_helo", "", "acl_smtp_helo = acl_exiwarden_helo", "my_helo"},
      {"acl_smtp_helo", "acl_exiwarden_helo", "    acl_exiwarden_helo:\n      .include", "my_helo"},
      {"acl_smtp_data", "", "    acl_exiwarden_data:\n", "my_data"},
      // An ACL of ours that ends in "accept" would relay for everybody.
      {"acl_smtp_rcpt", "", "right after \"acl_check_rcpt:\"", "acl_exiwarden_rcpt"},
      {"acl_smtp_rcpt", "${if eq{$a}{b}{x}{y}}", "the ACL that acl_smtp_rcpt chooses by", "y}}:"},
      // Nothing but plain words gets into commands that are pasted.
      {"exim_user", "x; reboot", "User=Debian-exim", "reboot"},
      {"spool_directory", "/s' $(reboot)", "ReadWritePaths=/var/spool/exim ", "reboot"},
      {"log_file_path", "/l'$(reboot)/%s", "User=mail_user", "reboot"},
      {"log_file_path", "syslog", "User=mail_user", "/%s"},
  };
  for (const auto& one : cases) {
    CAPTURE(one.name, one.value);
    auto facts = facts_for(Layout::plain, AclVariant::reject);
    facts.settings[one.name] = one.value;
    const auto guide = paste_guide(facts);
    CHECK(has(guide, one.wanted));
    CHECK(!has(guide, one.not_wanted));
  }
}

TEST_CASE("the list of hosts that may relay has the name that Exim knows") {
  for (const auto& [name, line] : {std::pair{"relay_from_hosts", ""},
                                   {"relay_hosts", "EXIWARDEN_RELAY_HOSTS = +relay_hosts\n"},
                                   {"", "EXIWARDEN_RELAY_HOSTS =\n"}}) {
    CAPTURE(name);
    auto facts = facts_for(Layout::cpanel, AclVariant::reject);
    facts.relay_list = name;
    CHECK(has(paste_guide(facts), "EXIWARDEN_RELAY_HOSTS") == (*line != '\0'));
    CHECK(has(paste_guide(facts), line));
  }
}

TEST_CASE("frozen mail is kept, by Debian's macro where that is Debian's own") {
  struct Case {
    Layout layout;
    const char* kept;
    const char* wanted;
    const char* not_wanted;
  };
  const Case cases[] = {
      {Layout::debian_split, "1w", "    MAIN_TIMEOUT_FROZEN_AFTER = 30d\n",
       " timeout_frozen_after"},
      {Layout::debian_single, "1w", "    MAIN_TIMEOUT_FROZEN_AFTER = 30d\n",
       " timeout_frozen_after"},
      // After an earlier paste.
      {Layout::debian_split, "4w2d", "    MAIN_TIMEOUT_FROZEN_AFTER = 30d\n",
       " timeout_frozen_after"},
      {Layout::debian_split, "3d", "    timeout_frozen_after = 30d\n", "MAIN_TIMEOUT"},
      {Layout::debian_split, "9w", "macros.conf", "30d"},
      {Layout::debian_split, "0s", "macros.conf", "30d"},
      {Layout::plain, "1w", "    timeout_frozen_after = 30d\n", "MAIN_TIMEOUT"},
      {Layout::cpanel, "1w", "    timeout_frozen_after = 30d\n", "MAIN_TIMEOUT"},
      {Layout::plain, "0s", "macros.conf", "30d"},
  };
  for (const auto& one : cases) {
    CAPTURE(one.layout, one.kept);
    auto facts = facts_for(one.layout, AclVariant::reject);
    facts.settings["timeout_frozen_after"] = one.kept;
    CHECK(has(paste_guide(facts), one.wanted));
    CHECK(!has(paste_guide(facts), one.not_wanted));
  }
  auto facts = facts_for(Layout::plain, AclVariant::reject);
  CHECK(!has(paste_guide(facts), "Take "));
  facts.settings["auto_thaw"] = "1d";
  facts.settings["move_frozen_messages"] = "true";
  CHECK(has(paste_guide(facts), "Take auto_thaw out"));
  CHECK(has(paste_guide(facts), "Take move_frozen_messages out"));
}
