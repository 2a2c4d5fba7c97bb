"""Hands that are laid on lists."""

import fcntl
import os
import select
import shutil
import socket
import stat

from hands_machine import APPEND_ONLY, IMMUTABLE, LIMITS, ROOT, Skip, fill, set_flag


class ListHands:
    def do_edit(self, name, method, what, user, when):
        path = self.m.lists[name]
        if name in self.troubles or "lists" in self.troubles or not self.log_works() or self.rules[name].unseen:
            raise Skip("the list is in trouble")
        self.save()
        if when == "unhurried":
            self.unhurried()
        before = self.m.lines(path)
        if not path.exists():
            raise Skip("there is no list")
        mine = [line.split(b":")[0].decode("latin-1") for line in before]
        go = {"free": [user], "free_two": [user, "user0"], "truncate": mine}.get(what, [])
        after = [line for line in before if line.split(b":")[0].decode("latin-1") not in go]
        end = b"\n"
        if what == "truncate":
            after = []
        elif what == "comment":
            after.insert(0, b"# %d: %s" % (len(after), bytes(range(128, 140))))
        elif what in ("add", "no_newline", "crlf") and user not in mine:
            after.append(user.encode() + (b": by hand\r" if what == "crlf" else b": by hand"))
            end = b"" if what == "no_newline" else b"\n"
        text = b"\n".join(after) + (end if after else b"")
        self.write_list(name, method, text)
        for key in go:
            if key in mine:
                self.free(name, key)
        if len(after) > len(before) and what != "comment":
            self.rules[name].block_by_hand(user, method != "in_place")
        self.remember_foreign(name)
        self.perhaps_noticed()

    def perhaps_noticed(self):
        """Some hands wait until the service has seen what they did."""
        if self.chance.random() < 0.8:
            self.notice_freed()

    def unhurried(self):
        """As long as a person's hand takes at least: what was written before has settled."""
        select.select([], [], [], 0.15)

    def write_list(self, name, method, text):
        path = self.m.lists[name]
        info = path.stat()
        if method == "in_place":
            path.write_bytes(text)
            return
        new = path.with_name("." + path.name + ".swp")
        new.write_bytes(text)
        new.chmod(stat.S_IMODE(info.st_mode))
        if ROOT:
            os.chown(new, info.st_uid, info.st_gid)
        if method == "slowly":  # what comes meanwhile is not in the new one, and may not be lost
            self.hit("user5", 7)
            self.sync()
            self.rules[name].raced |= {"user5"} & set(self.m.keys(name)) - {
                line.split(b":")[0].decode("latin-1") for line in text.splitlines()}
        new.rename(path)

    def do_remove_list(self, name):
        if self.trouble_of(name) or not self.log_works() or self.rules[name].unseen:
            raise Skip("the list is in trouble")
        self.save()
        keys = self.m.keys(name)
        self.m.lists[name].unlink(missing_ok=True)
        for key in keys:
            self.free(name, key)
        self.foreign[name] = []
        self.perhaps_noticed()

    def do_remove_directory(self, name):
        if self.trouble_of(name) or not self.log_works() or self.rules[name].unseen:
            raise Skip("the list is in trouble")
        self.save()
        keys = self.m.keys(name)
        shutil.rmtree(self.m.lists[name].parent, ignore_errors=True)
        for key in keys:
            self.free(name, key)
        self.foreign[name] = []
        self.perhaps_noticed()

    def do_list_trouble(self, name, kind):
        if self.trouble_of(name) or not ROOT:
            raise Skip("in trouble already, or no root at hand")
        path, directory = self.m.lists[name], self.m.lists[name].parent
        self.save()
        if not path.exists() and kind not in ("directory", "fifo", "link", "dangling", "socket", "device"):
            raise Skip("there is no list")
        if not directory.exists():
            raise Skip("there is no directory")
        bites = not self.m.as_root
        if kind in ("directory", "fifo", "link", "dangling", "socket", "device"):
            works, mend = False, self.obstacle(name, kind)
        elif kind in ("immutable", "append_only"):
            flag = IMMUTABLE if kind == "immutable" else APPEND_ONLY
            set_flag(path, flag, True)
            works, mend = kind == "append_only", lambda: set_flag(path, flag, False)
        else:
            what = directory if kind.startswith("directory") else path
            info = what.stat()
            works = not bites
            if kind in ("owner", "read_only", "directory_owner"):
                os.chown(what, 0, 0)
            what.chmod(0o444 if kind == "read_only" else 0o700 if "directory" in kind and "owner" in kind
                       else 0o600 if kind == "owner" else 0)

            def mend():
                os.chown(what, info.st_uid, info.st_gid)
                what.chmod(stat.S_IMODE(info.st_mode))
        self.troubles[name] = (kind, mend, works)
        if not works and kind not in ("immutable", "read_only"):
            self.rules[name].unseen = True
            if self.m.running() and name in self.m.rules and not kind.startswith("directory_"):
                self.m.wait(lambda: "list" in self.m.faults(), f"the fault of {name} ({kind}) in the metrics", 10)

    def obstacle(self, name, kind):
        """Something else where the list was, which is put aside."""
        path, away = self.m.lists[name], self.away(name)
        if path.exists():
            path.rename(away)
        if kind == "directory":
            path.mkdir()
        elif kind == "fifo":
            os.mkfifo(path)
        elif kind == "socket":
            with socket.socket(socket.AF_UNIX) as made:
                made.bind(str(path))
        elif kind == "device":
            os.mknod(path, 0o666 | stat.S_IFCHR, os.makedev(1, 3))
        else:
            path.symlink_to(away if kind == "link" else "/nonexistent")

        def mend():
            if kind == "directory":
                path.rmdir()
            if away.exists():
                away.rename(path)
            elif kind != "directory":
                path.unlink()
        return mend

    def do_lists_trouble(self, kind):
        if not ROOT or any(name in self.troubles for name in (*LIMITS, "lists")):
            raise Skip("in trouble already, or no root at hand")
        self.save()
        if kind == "full":
            ballast = self.m.root / "lists" / "ballast"
            fill(ballast)
            self.troubles["lists"] = (kind, ballast.unlink, False)
        else:
            self.m.remount("lists", "ro")
            self.troubles["lists"] = (kind, lambda: self.m.remount("lists", "rw"), False)

    def do_lock(self, name, what):
        path = self.m.lists[name].parent if what == "directory" else self.m.lists[name]
        if self.trouble_of(name) or not path.exists():
            raise Skip("nothing to lock")
        fd = os.open(path, os.O_RDONLY)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(fd)
            raise Skip("is locked") from None
        self.troubles[name] = ("lock of the " + what, lambda: os.close(fd), True)

    def do_mend(self, name, how):
        trouble = self.troubles.pop(name, None)
        if trouble is None:
            name, trouble = next(((what, self.troubles.pop(what)) for what in ("lists", "log", "state", "farm")
                                  if what in self.troubles), (None, None))
        if trouble is None:
            raise Skip("nothing is in trouble")
        if name in LIMITS and how == "edited" and not trouble[2] and self.away(name).exists():
            self.free_in_trouble(name)
        trouble[1]()
        for what in LIMITS if name == "lists" else [name]:
            if what in LIMITS:
                self.settled(what)
                if self.m.running():
                    self.expect_listed(self.m.patience)

    def free_in_trouble(self, name):
        """An admin takes a line out of the file that was put aside."""
        away = self.away(name)
        lines = away.read_bytes().splitlines(keepends=True)
        for line in lines:
            key = line.split(b":")[0].decode("latin-1")
            if key in self.rules[name].senders and b" exiwarden " in line:
                lines.remove(line)
                away.write_bytes(b"".join(lines))
                self.free(name, key)
                return
