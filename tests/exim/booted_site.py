"""A Debian in a clean root that a real systemd runs, as its first process, in namespaces of its own: units, drop-ins
and sandboxes are what they are on a machine."""

import pathlib
import subprocess

from debian_site import DebianSite
from world import until

# What a container's manager gives to systemd: a /dev, a /run and control groups that are its own. It reports on the
# terminal, which is a file here.
_BOOT = r"""
set -e
cd "$1"
umount -l dev proc
mount -t proc proc proc
mount -t tmpfs -o mode=755 dev dev
for name in null zero full random urandom tty; do touch dev/$name; mount --bind /dev/$name dev/$name; done
mkdir -p dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts dev/pts
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
mount -t tmpfs -o mode=1777 shm dev/shm
mount -t tmpfs -o mode=755 run run
mount -t sysfs sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mkdir -p before
pivot_root . before
umount -l before
exec env -i container=exiwarden-test PATH=/usr/sbin:/usr/bin:/sbin:/bin \
  /lib/systemd/systemd --log-target=console --show-status=1 --unit=basic.target
"""


class BootedSite(DebianSite):
    """Until boot() it is a DebianSite like any other."""

    def __init__(self, layout):
        self.manager = self.first = None
        super().__init__(layout)

    def boot(self):
        self.write("/etc/fstab", "")
        (self.path / "usr/sbin/policy-rc.d").unlink(missing_ok=True)  # a container's: packages start nothing
        # For a program with sanitizers: in the unit's sandbox leaks can't be looked for.
        self.write("/etc/systemd/system.conf", "[Manager]\nDefaultEnvironment=ASAN_OPTIONS=detect_leaks=0\n")
        self.console = self.scratch / "console"
        with self.console.open("wb") as console:
            self.manager = subprocess.Popen(
                ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--ipc", "--cgroup", "--propagation", "private",
                 "sh", "-c", _BOOT, "boot", self.path], cwd="/", stdin=subprocess.DEVNULL, stdout=console, stderr=console)
        try:
            until(lambda: self._state() in ("running", "degraded"), seconds=120, what="systemd to have started")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.console.read_text(errors='replace')}") from None

    def _state(self):
        if self.manager.poll() is not None:
            raise AssertionError("systemd does not start")
        children = pathlib.Path(f"/proc/{self.manager.pid}/task/{self.manager.pid}/children").read_text().split()
        if not children or not self._is_systemd(children[0]):
            return ""
        self.first = children[0]
        return subprocess.run(self.inside("systemctl", "is-system-running"), capture_output=True, text=True,
                              check=False).stdout.strip()

    @staticmethod
    def _is_systemd(pid):
        return pathlib.Path(f"/proc/{pid}/comm").read_text() == "systemd\n"

    def inside(self, *words):
        if self.first is None:
            return super().inside(*words)
        return ["nsenter", "-t", self.first, "-m", "-p", "-i", "-C", *words]

    def __exit__(self, *error):
        if self.manager is not None:
            self.manager.kill()  # and with it all that it started
            self.manager.wait()
            self.first = None
        super().__exit__(*error)
