"""Scripts of what people and programs do: made from a seed, printable, and as short as they can be made
while they still fail."""

import json
import random
import time

USERS = [f"user{number}" for number in range(6)]
LISTS = ["fast", "slow"]

# Every kind of hand: how often a script has it, and what its arguments may be.
HANDS = {
    "burst": (1, [200, 1000, 10000]),
    "unlistable": (3, ["long", "longest_listable", "nul"]),
    "edit": (12, LISTS, ["in_place", "rename", "sed", "slowly"],
             ["free", "free", "free_two", "add", "comment", "truncate", "no_newline", "crlf"], USERS,
             ["at_once", "unhurried", "unhurried"]),
    "remove_list": (3, LISTS),
    "remove_directory": (2, LISTS),
    "list_trouble": (14, LISTS, ["mode", "owner", "read_only", "directory", "fifo", "link", "dangling", "socket",
                                 "device", "immutable", "append_only", "directory_mode", "directory_owner"]),
    "lists_trouble": (3, ["full", "read_only"]),
    "lock": (3, LISTS, ["directory", "list"]),
    "rotate": (6, ["nocreate", "create", "copytruncate", "exicyclog", "late"]),
    "compress": (2,),
    "log_gone": (2, ["remove", "replace", "truncate"]),
    "log_trouble": (4, ["unreadable", "directory", "full"]),
    "state_trouble": (6, ["immutable", "mode", "owner", "full"]),
    "remove_state": (2,),
    "checkpoint": (5, ["garbage", "cut", "version", "future", "all_garbage", "all_version", "directory", "fifo",
                       "unreadable", "empty"]),
    "reload": (5, ["same", "bad", "limits", "fewer_rules"]),
    "kill": (5,),
    "stop": (3,),
    "second": (2,),
    "pause": (2,),
    "clock": (4, [-7200, -600, -61, 61, 600, 7200]),
    "parent": (3,),  # what the service's parent leaves to it, from its start on
    "farm": (3, ["hangs", "gone", "emptied", "full"]),  # a farm of this one host, from its start on
    "notices": (6, ["fails", "hangs", "stops", "floods", "leaves", "missing"]),
}
# What every script is made of, beside the hands that it has chosen.
ALWAYS = {
    "hit": (40, USERS, [1, 2, 3, 4, 5, 6, 7], ["at_once", "later"]),
    "mend": (14, LISTS, ["same", "same", "edited"]),
    "start": (6,),
    "calm": (2,),
    "status": (3,),
}


def make(seed, kinds=None):
    """A script; only of these kinds of hands, if any are given."""
    chance = random.Random(seed)
    names = sorted(kinds or HANDS)
    chosen = kinds or chance.choices(names, [HANDS[name][0] for name in names], k=chance.randint(2, 6))
    table = {name: (3 if name == "burst" else 10, *HANDS[name][1:]) for name in sorted(set(chosen))} | ALWAYS
    parent = table.pop("parent", None) is not None
    start = {name: parent and chance.random() < 0.4 for name in ("sigchld", "mask", "umask", "stdin", "file_size")}
    start["clock"] = "clock" in table
    start["farm"] = "farm" in table and not start["clock"]  # it refuses events of a clock that is wrong
    weights = [weight for weight, *_ in table.values()]
    actions = [(name, *(chance.choice(values) for values in table[name][1:]))
               for name in chance.choices(list(table), weights, k=chance.randint(5, 30))]
    return {"seed": seed, "user": "root" if chance.random() < 0.25 else "nobody", "start": start, "actions": actions}


def text_of(script):
    left = ", ".join(name for name, value in script["start"].items() if value)
    head = f"seed {script['seed']}, as {script['user']}" + (f", with {left}" if left else "")
    return "\n".join([head, *("  " + " ".join(map(str, action)) for action in script["actions"])])


def load(path):
    with open(path, encoding="utf-8") as file:
        script = json.load(file)
    script["actions"] = [tuple(action) for action in script["actions"]]
    return script


def shrink(script, fails, most=60, seconds=240):
    """The shortest script found in so many tries, or so much time, that still fails."""
    tries, end = 0, time.monotonic() + seconds

    def still(shorter):
        nonlocal tries
        tries += 1
        return tries <= most and time.monotonic() < end and fails(shorter)

    for name, value in script["start"].items():
        if value and name not in ("clock", "farm") and still(script | {"start": script["start"] | {name: False}}):
            script = script | {"start": script["start"] | {name: False}}
    size = max(1, len(script["actions"]) // 2)
    while size >= 1 and tries < most:
        at, shorter_at_all = 0, False
        while at < len(script["actions"]) and tries < most:
            actions = script["actions"][:at] + script["actions"][at + size:]
            if still(script | {"actions": actions}):
                script = script | {"actions": actions}
                shorter_at_all = True
            else:
                at += size
        if size > 1:
            size //= 2
        elif not shorter_at_all:
            break
    return script
