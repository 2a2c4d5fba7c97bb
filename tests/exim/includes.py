"""conf/exim in the places where its comments say to put it, read by a real Exim."""

import pathlib
import re
import subprocess
import unittest

import world
from lab import CONF, CONFIG, Lab
from world import EXIM

FILES = {"macros.conf", "helo.conf", "rcpt-reject.conf", "rcpt-accept-and-log.conf", "data.conf",
         "not-smtp.conf", "tls.conf"}
TEMPLATE = pathlib.Path("/etc/exim4/exim4.conf.template")
MACROS = pathlib.Path("/etc/exim4/exim4.conf.localmacros")


class Conf(unittest.TestCase):
    def test_every_file_is_tried_here(self):
        self.assertEqual({path.name for path in CONF.iterdir()} - {"README.md"}, FILES)

    def test_both_variants_with_and_without_tls(self):
        for variant in ("reject", "accept-and-log"):
            for tls in (False, True):
                with self.subTest(variant=variant, tls=tls), Lab(variant, tls=tls) as lab:
                    self.assertIn(b"Configuration file is /etc/exim4/exim4.conf", lab.exim("-bV"))
                    config = lab.exim("-bP", "config").decode()
                    self.assertIn("acl_smtp_rcpt = acl_rcpt", config)
                    self.assertEqual("auth_advertise_hosts = ${if eq" in config, tls)
                    self.assertNotIn("EXIWARDEN_", config.split("begin acl")[1])
                    self.assertEqual("exiwarden/1 missing-recipient" in config,
                                     variant == "accept-and-log")
                    self.assertNotIn(b"panic", b"".join(
                        path.name.encode() for path in (lab.directory / "log").iterdir()))

    def test_macros_that_are_set_already_stay(self):
        macros = "EXIWARDEN_CALLOUT =\nEXIWARDEN_DEFER_OK =\nEXIWARDEN_HELO_MAX = 40\n" \
                 "EXIWARDEN_SUBMISSION = submission/sender_retain\n" \
                 "EXIWARDEN_ID_LOOKUP = lsearch\nEXIWARDEN_IP_LOOKUP = lsearch"
        for variant in ("reject", "accept-and-log"):
            with self.subTest(variant=variant), Lab(variant, macros=macros) as lab:
                acls = lab.exim("-bP", "config").decode().split("begin acl")[1]
                self.assertRegex(acls, r"!verify *= recipient *\n")
                self.assertNotIn("submission/domain", acls)
                self.assertNotIn("cache=no_rd", acls)
                with lab.client(b"bob") as client:
                    # without a callout a router's yes is enough, and the sender stays
                    queue_id = client.message([b"dead1@remote.test"])
                self.assertRegex(lab.log().decode(), f"{queue_id} <= me@lab.example ")

    def test_without_relay_hosts_nobody_relays(self):
        """Nothing as the list of hosts that may relay is no host, and not every one."""
        for variant in ("reject", "accept-and-log"):
            for hosts, relayed in (("", False), ("192.0.2.66", True)):
                with self.subTest(variant=variant, hosts=hosts), \
                        Lab(variant, macros=f"EXIWARDEN_RELAY_HOSTS = {hosts}\nEXIWARDEN_CALLOUT =") as lab:
                    text = CONFIG.read_text()  # our own rules for relay hosts only
                    CONFIG.write_text(text.replace("accept hosts = : +relay_from_hosts", "accept hosts = :"))
                    for host in ("203.0.113.5", "192.0.2.66", "127.0.0.1"):
                        said = subprocess.run(
                            (EXIM, "-bh", host), capture_output=True, text=True,
                            input="EHLO x\nMAIL FROM:<a@b.test>\nRCPT TO:<c@remote.test>\nQUIT\n").stdout
                        self.assertEqual("550 relay not permitted" in said, not (relayed and host == "192.0.2.66"), said)

    def test_debians_own_configuration(self):
        """The steps of conf/exim/README.md, on copies of Debian's files."""
        world.enter()
        share = f".include {CONF}"
        original = TEMPLATE.read_text()
        self.addCleanup(TEMPLATE.write_text, original)
        self.addCleanup(MACROS.unlink)
        MACROS.write_text(f"{share}/macros.conf\nCHECK_DATA_LOCAL_ACL_FILE = {CONF}/data.conf\n"
                          "acl_smtp_helo = acl_exiwarden_helo\n"
                          "acl_not_smtp = acl_exiwarden_not_smtp\n")
        acls = "\nbegin acl\n"
        relay = re.search(r"\n  accept\n    hosts = \+relay_from_hosts\n", original)
        self.assertEqual((original.count(acls), relay is None), (1, False))
        for variant in ("reject", "accept-and-log"):
            with self.subTest(variant=variant):
                mine = original[:relay.start()] + f"\n  {share}/rcpt-{variant}.conf" + \
                    original[relay.start():]
                TEMPLATE.write_text(mine.replace(
                    acls, f"{acls}acl_exiwarden_helo:\n  {share}/helo.conf\n  accept\n"
                    f"acl_exiwarden_not_smtp:\n  {share}/not-smtp.conf\n  accept\n"))
                for command in (("update-exim4.conf", "-o", CONFIG), (EXIM, "-bV")):
                    done = subprocess.run(command, capture_output=True, text=True)
                    self.assertEqual(done.returncode, 0, done.stderr)
                self.addCleanup(CONFIG.unlink, missing_ok=True)
                self.assertIn("Configuration file is /etc/exim4/exim4.conf", done.stdout)
                done = subprocess.run((EXIM, "-bP", "config"), capture_output=True, text=True)
                # 4.98 shows the lines as they stand, 4.96 without the blanks around "=".
                self.assertEqual(len(re.findall("control *= freeze/no_tell", done.stdout)), 6)
                self.assertIn("acl_not_smtp = acl_exiwarden_not_smtp", done.stdout)
                # An outsider and the machine itself meet Debian's own rules, as before.
                for host, answer in (("203.0.113.5", "550 relay not permitted"),
                                     ("127.0.0.1", "250 Accepted")):
                    said = subprocess.run(
                        (EXIM, "-bh", host), capture_output=True, text=True,
                        input="EHLO x\nMAIL FROM:<a@b.test>\nRCPT TO:<c@d.test>\nQUIT\n").stdout
                    self.assertIn(f"\n{answer}", said.replace("\r", ""))


if __name__ == "__main__":
    unittest.main()
