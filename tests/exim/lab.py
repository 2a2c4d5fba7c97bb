"""A real Exim, started with conf/exim as an administrator would include it."""

import grp
import os
import pathlib
import pwd
import re
import signal
import socket
import subprocess

import world
from mail_client import Client
from remote import RemoteHost
from world import EXIM, until

SOURCE = pathlib.Path(os.environ.get("EXIWARDEN_SOURCE",
                                     pathlib.Path(__file__).resolve().parents[2]))
CONF = SOURCE / "conf" / "exim"
CONFIG = pathlib.Path("/etc/exim4/exim4.conf")
DOMAIN = "lab.example"
DEAD = b"550 5.1.1 User unknown"

_CONFIG = """\
EXIWARDEN_AUTH_FILE = {lists}/blocked_authenticated_users
EXIWARDEN_RELAY_FILE = {lists}/blocked_relay_users
EXIWARDEN_LOCAL_FILE = {lists}/blocked_local_users
EXIWARDEN_TAG_SECRET = {directory}/tag.secret
{macros}
.include {conf}/macros.conf

primary_hostname = mx.lab.example
spool_directory = {directory}/spool
log_file_path = {directory}/log/%slog
{log_selector}
domainlist local_domains = lab.example
hostlist relay_from_hosts = <; 192.0.2.64/26 ; 2001:db8:1::/48 ; 127.0.0.0/8 ; ::1
acl_smtp_helo = acl_helo
acl_smtp_rcpt = acl_rcpt
acl_smtp_data = acl_data
acl_not_smtp = acl_local
keep_environment =
smtp_accept_max = 100
smtp_accept_max_per_host =
smtp_accept_max_nonmail = 100000
smtp_accept_queue_per_connection = 0
smtp_max_synprot_errors = 100000
smtp_max_unknown_commands = 100000
smtp_enforce_sync = false
never_users =
{tls}
{main}

begin acl
acl_helo:
  .include {conf}/helo.conf
  accept
acl_rcpt:
  .include {conf}/rcpt-{variant}.conf
  require verify = recipient
  accept hosts = : +relay_from_hosts
  require message = relay not permitted
          domains = +local_domains
  accept
acl_data:
  .include {conf}/data.conf
  accept
acl_local:
  .include {conf}/not-smtp.conf
  accept

begin routers
remote:
  driver = manualroute
  domains = remote.test
  transport = remote
  route_list = * 127.0.0.1 byname
  self = send
  no_more
here:
  driver = accept
  domains = +local_domains
  local_parts = abuse : alice : bob : carol : me : nobody : postmaster : root
  transport = mailbox

begin transports
mailbox:
  driver = appendfile
  file = {directory}/mail/$local_part_data
  user = Debian-exim
  group = Debian-exim
remote:
  driver = smtp
  port = {remote_port}
  allow_localhost
  hosts_avoid_tls = *
  hosts_try_fastopen =

begin retry
* * F,2h,10m

begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = ${{if eq{{$auth3}}{{right}}}}
  server_set_id = $auth2
  {authenticator}
"""

TLS = """\
EXIWARDEN_TLS_CERTIFICATE = {directory}/exim.crt
EXIWARDEN_TLS_KEY = {directory}/exim.key
.include {conf}/tls.conf
"""
PORTS = "daemon_smtp_ports = 25"


class Lab:
    """A running Exim; leaving the context stops it and removes everything.

    variant: "reject" or "accept-and-log". tls: with conf/exim/tls.conf, on 25, 465 and 587. log_selector,
    macros, main, authenticator: lines for those parts of its configuration. refusal: what the
    remote host at remote.test answers to a local part, None for yes; local parts that begin with
    "dead" are refused by default. Mail for lab.example is delivered to .mailbox(name)."""

    def __init__(self, variant="reject", tls=False, log_selector="", macros="", main="",
                 authenticator="", refusal=None):
        world.enter()
        self.directory = world.scratch_directory()
        self.lists = self.directory / "state" / "exim"
        self.daemon = None
        self.remote = RemoteHost(refusal or (
            lambda local: DEAD if local.lower().startswith((b"dead", b'"dead')) else None))
        try:
            self._write(variant, tls, log_selector, macros, main, authenticator)
            self._start(25)
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *ignored):
        self.close()

    def _write(self, variant, tls, log_selector, macros, main, authenticator):
        exim = pwd.getpwnam("Debian-exim")
        for name in ("spool", "log", "mail"):
            (self.directory / name).mkdir()
            os.chown(self.directory / name, exim.pw_uid, exim.pw_gid)
        os.chown(self.directory / "log", -1, grp.getgrnam("adm").gr_gid)  # as Debian's
        (self.directory / "log").chmod(0o2750)
        values = {"directory": self.directory, "conf": CONF}
        if tls:
            subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days",
                            "2", "-subj", "/CN=mx.lab.example", "-keyout",
                            self.directory / "exim.key", "-out", self.directory / "exim.crt"],
                           check=True, capture_output=True)
            os.chown(self.directory / "exim.key", 0, exim.pw_gid)
            (self.directory / "exim.key").chmod(0o640)
        CONFIG.write_text(_CONFIG.format(
            **values, lists=self.lists, variant=variant, remote_port=self.remote.port,
            macros=macros, main=main, authenticator=authenticator,
            log_selector=f"log_selector = {log_selector}" if log_selector else "",
            tls=TLS.format(**values) if tls else PORTS))

    def _start(self, port):
        with open(self.directory / "daemon", "wb") as output:
            self.daemon = subprocess.Popen(
                [EXIM, "-bdf"], cwd="/", stdin=subprocess.DEVNULL, stdout=output,
                stderr=subprocess.STDOUT, start_new_session=True)

        def listening():
            if self.daemon.poll() is not None:
                raise AssertionError((self.directory / "daemon").read_text())
            with socket.socket() as sock:
                return sock.connect_ex(("127.0.0.1", port)) == 0

        until(listening, what="Exim to listen")

    def close(self):
        if self.daemon:
            self.signal_all(signal.SIGTERM)
            self.daemon.wait()
            # Sessions and deliveries may hold its port a moment longer. One signal is not enough: a session in which
            # it comes between two commands may go on to wait for its client.
            until(lambda: not self.signal_all(signal.SIGTERM), what="Exim's processes to end")
            self.daemon = None
        if self.directory.exists():
            self.remote.close()
            CONFIG.unlink(missing_ok=True)
            world.remove(self.directory)

    def client(self, user=None, **more):
        client = Client(**more)
        if user is not None and client.auth(user) != 235:
            client.close()
            raise AssertionError(f"{user!r} can't authenticate")
        return client

    def exim(self, *arguments, stdin=b"", check=True, **more):
        done = subprocess.run([EXIM, *arguments], input=stdin, capture_output=True, cwd="/", **more)
        if check and done.returncode != 0:
            raise AssertionError(f"{arguments}: {done.stderr!r} {done.stdout!r}")
        return done.stdout

    def signal_all(self, number):
        """To the daemon, its sessions and deliveries; False if there are none any more."""
        try:
            os.killpg(self.daemon.pid, number)
        except ProcessLookupError:
            return False
        return True

    @property
    def mainlog(self):
        return self.directory / "log" / "mainlog"

    def log(self):
        return self.mainlog.read_bytes() if self.mainlog.exists() else b""

    def is_frozen(self, queue_id):
        for line in self.exim("-bpr").decode("latin-1").splitlines():
            if queue_id in line:
                return "*** frozen ***" in line
        return False

    def headers(self, queue_id):
        """Header lines of a queued message, as Exim keeps them (deleted ones left out)."""
        text = self.exim("-Mvh", queue_id).decode("latin-1")
        lines = text.split("\n\n", 1)[1].splitlines()
        return [re.sub(r"^\d+.? *", "", line) for line in lines if not re.match(r"^\d+\*", line)]

    def mailbox(self, name):
        path = self.directory / "mail" / name
        return path.read_text("utf-8", "surrogateescape") if path.exists() else ""
