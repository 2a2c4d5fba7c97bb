"""A Debian in a clean root with an Exim of its own that delivers and lets alice log in, and what init's guide says to
paste there, done word for word."""

import os
import re
import shutil
import signal
import socket
import subprocess

from clean_root import CleanRoot
from world import until

ADDRESS = "192.0.2.25"  # where Exim listens

_SITE = """\
dc_eximconfig_configtype='internet'
dc_other_hostnames='lab.example'
dc_local_interfaces='127.0.0.1 ; {address}'
dc_readhost=''
dc_relay_domains=''
dc_minimaldns='false'
dc_relay_nets='192.0.2.128/25'
dc_smarthost=''
CFILEMODE='644'
dc_use_split_config='{split}'
dc_hide_mailname=''
dc_mailname_in_oh='true'
dc_localdelivery='mail_spool'
"""

_AUTHENTICATOR = """\
plain_server:
  driver = plaintext
  public_name = PLAIN
  server_condition = ${if eq{$auth3}{right}}
  server_set_id = $auth2
  server_prompts = :
"""

# One file, with the names of the ACLs that Exim's own example and RHEL's package have.
_PLAIN = """\
primary_hostname = mail.lab.example
domainlist local_domains = @ : lab.example
hostlist relay_from_hosts = 192.0.2.128/25
acl_smtp_rcpt = acl_check_rcpt
acl_smtp_data = acl_check_data
local_interfaces = 127.0.0.1 : 192.0.2.25
log_file_path = /var/log/exim4/%slog

begin acl

acl_check_rcpt:
  accept hosts = : +relay_from_hosts
  accept domains = +local_domains
  deny message = relay not permitted

acl_check_data:
  accept

begin routers
here:
  driver = accept
  domains = +local_domains
  check_local_user
  transport = mailbox

begin transports
mailbox:
  driver = appendfile
  file = /var/mail/$local_part_data
  group = mail
  mode = 0660

begin authenticators
""" + _AUTHENTICATOR


class DebianSite(CleanRoot):
    """layout: "split", "single" or "plain" (an exim4.conf that no update-exim4.conf makes)."""

    def __init__(self, layout):
        super().__init__()
        self.layout, self.daemon = layout, None
        for name in ("input", "msglog"):  # what this machine itself has in its queue
            shutil.rmtree(self.path / "var/spool/exim4" / name, ignore_errors=True)
        for old in (self.path / "var/log/exim4").iterdir():
            old.unlink()
        self.write("/etc/mailname", "lab.example\n")
        self.write("/etc/aliases", "postmaster: desk\n")
        self.write("/etc/exim4/update-exim4.conf.conf",
                   _SITE.format(address=ADDRESS, split="true" if layout == "split" else "false"))
        self.write("/etc/exim4/conf.d/auth/10_plain", _AUTHENTICATOR)
        self.write("/etc/exim4/conf.d/main/00_name", "MAIN_HARDCODE_PRIMARY_HOSTNAME = mail.lab.example\n")
        if layout == "plain":
            self.write("/etc/exim4/exim4.conf", _PLAIN)
        if layout == "single":
            self.write("/etc/exim4/exim4.conf.localmacros", "MAIN_HARDCODE_PRIMARY_HOSTNAME = mail.lab.example\n")
            template = self.read("/etc/exim4/exim4.conf.template")
            self.write("/etc/exim4/exim4.conf.template",
                       template.replace("begin authenticators\n", "begin authenticators\n" + _AUTHENTICATOR))
        self.run("useradd", "--create-home", "desk")
        self.make_configuration()

    def __exit__(self, *error):
        self.stop()
        super().__exit__(*error)

    def write(self, path, text):
        (self.path / path.lstrip("/")).write_text(text)

    def make_configuration(self):
        self.run("update-exim4.conf" if self.layout != "plain" else "true")

    # --- Exim
    @staticmethod
    def answers():
        with socket.socket() as sock:
            return sock.connect_ex((ADDRESS, 25)) == 0

    def start_exim(self):
        self.daemon = self.start("exim4", "-bdf", start_new_session=True)
        until(lambda: self.answers() or self.daemon.poll() is not None, what="Exim to listen")
        if self.daemon.poll() is not None:
            raise AssertionError("Exim does not start")

    def stop(self):
        if self.daemon is not None:
            if self.daemon.poll() is None:
                os.killpg(self.daemon.pid, signal.SIGTERM)
            self.daemon.wait()
            self.daemon = None

    def restart_exim(self):
        self.stop()
        self.start_exim()

    def deliver(self, subject):
        """A message by way of a process that reads Exim's configuration anew."""
        self.run("exim4", "desk@lab.example", stdin=f"Subject: {subject}\n\nx\n")
        until(lambda: self.has("/var/mail/desk") and f"Subject: {subject}\n" in self.read("/var/mail/desk"),
              what=f"{subject} to be delivered")

    # --- init's guides
    def exim_files(self):
        """All of Exim's configuration, by path."""
        top = self.path / "etc/exim4"
        return {str(path.relative_to(top)): path.read_text() for path in top.rglob("*") if path.is_file()}

    def paste(self, guide):
        for file, place, line, text in re.findall(
                r'^(/\S+),\s(a new file|at the top|right after "(.*)"):\n((?:    .*\n)+)', guide, re.MULTILINE):
            text = re.sub(r"^    ", "", text, flags=re.MULTILINE)
            if place == "a new file":
                if self.has(file):
                    raise AssertionError(f"{file} is not new")
                self.write(file, text)
                continue
            before = self.read(file) if self.has(file) else ""
            if line and len(re.findall(f"^{re.escape(line)}$", before, re.MULTILINE)) != 1:
                raise AssertionError(f"{file}: no one line {line}")
            self.write(file, text + before if not line else before.replace(f"{line}\n", f"{line}\n{text}", 1))

    def take_out(self, guide):
        for file in re.findall(r"^delete (/\S+)$", guide, re.MULTILINE):
            (self.path / file.lstrip("/")).unlink()
        for file, text in re.findall(r"^(/\S+), take out:\n((?:    .*\n)+)", guide, re.MULTILINE):
            text = re.sub(r"^    ", "", text, flags=re.MULTILINE)
            before = self.read(file)
            if before.count(text) != 1:
                raise AssertionError(f"{file} does not hold once\n{text}")
            self.write(file, before.replace(text, ""))

    def install(self, package):
        return self.run("dpkg", "-i", self.take(package))

    def copy(self, package):
        shutil.copy(package, self.path / "root")

    def program(self, *words, **more):
        done = subprocess.run(self.inside("exiwarden", *words), cwd="/", stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, check=False, timeout=120, **more)
        return done
