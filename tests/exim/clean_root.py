"""A whole Debian to install things into, which is thrown away: a copy on write of this machine's root."""

import os
import pathlib
import subprocess

import world

SOURCE = pathlib.Path(os.environ["EXIWARDEN_SOURCE"])
BUILD = pathlib.Path(os.environ["EXIWARDEN"]).parent


class CleanRoot:
    def __init__(self):
        world.enter()
        self.scratch = world.scratch_directory()
        self.path = self.scratch / "root"
        for name in ("root", "upper", "work"):
            (self.scratch / name).mkdir(mode=0o755)
        self._mount("-t", "overlay", "-o",
                    f"lowerdir=/,upperdir={self.scratch}/upper,workdir={self.scratch}/work", "clean", self.path)
        self._mount("-t", "proc", "proc", self.path / "proc")
        self._mount("-t", "tmpfs", "tmp", self.path / "tmp")
        self._mount("--bind", "/dev", self.path / "dev")
        (self.path / "tmp").chmod(0o1777)

    def _mount(self, *words):
        subprocess.run(["mount", *words], check=True, stdin=subprocess.DEVNULL)

    def __enter__(self):
        return self

    def __exit__(self, *ignored):
        for name in ("proc", "tmp", "dev", ""):
            subprocess.run(["umount", "-l", self.path / name], check=False)
        world.remove(self.scratch)

    def inside(self, *words):
        """The command line that runs these words there."""
        return ["chroot", self.path, *words]

    def start(self, *words, **more):
        return subprocess.Popen(self.inside(*words), cwd="/", stdin=subprocess.DEVNULL, **more)

    def run(self, *words, code=0, stdin=None, **more):
        """What it printed, both outputs together."""
        done = subprocess.run(self.inside(*words), cwd="/", input=stdin, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, check=False, timeout=120,
                              env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8",
                                   "DEBIAN_FRONTEND": "noninteractive", **more.get("env", {})})
        if done.returncode != code:
            raise AssertionError(f"{words}: {done.returncode}\n{done.stdout}")
        return done.stdout

    def read(self, path):
        return (self.path / path.lstrip("/")).read_text()

    def has(self, path):
        return os.path.lexists(self.path / path.lstrip("/"))

    def take(self, package):
        """Copies a file to /tmp there, and says where it is."""
        target = self.path / "tmp" / package.name
        target.write_bytes(package.read_bytes())
        return "/tmp/" + package.name


def make_package(directory, revision):
    """The package of the program under test."""
    done = subprocess.run([SOURCE / "conf" / "package.sh", "-q", "-b", BUILD, "-r", revision, "-o", directory],
                          capture_output=True, text=True, check=False, timeout=300)
    if done.returncode != 0:
        raise AssertionError(done.stderr)
    return pathlib.Path(done.stdout.strip())
