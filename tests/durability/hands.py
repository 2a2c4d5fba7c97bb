"""A lab for hands: random scripts of what people and programs do to lists, logs, state, configuration and
the machine, against the running program, held to a model of what must be in the end. A script that fails
is printed and made as short as it can be.

  python3 hands.py [-n SCRIPTS] [-s FIRST_SEED] [-j AT_A_TIME] [-k KINDS_OF_HANDS]   # EXIWARDEN is the program
  python3 hands.py --soak MINUTES      # against one service: memory, descriptors and threads don't grow

As a test (python3 -m unittest hands) EXIWARDEN_SCRIPTS and EXIWARDEN_SEED say how many and from where."""

import argparse
import json
import multiprocessing
import os
import re
import sys
import time
import traceback
import unittest

import hands_script
from hands_machine import ROOT, Failure, Machine, own_mounts
from hands_soak import Soak
from hands_world import World

SCRIPTS = int(os.environ.get("EXIWARDEN_SCRIPTS", "30"))
SEED = int(os.environ.get("EXIWARDEN_SEED", "1"))


def perform(script):
    """What was wrong, and the end of what the service said; None if all held."""
    world = None
    try:
        world = World(script)
        world.run()
        return None
    except Failure as failure:
        return str(failure), tail(world)
    except Exception:  # the lab's own mistake is to be seen, too
        return traceback.format_exc(), tail(world)
    finally:
        if world is not None:
            world.m.remove()


def tail(world):
    try:
        return world.m.errors.read_text(errors="replace")[-1500:]
    except (AttributeError, OSError):
        return ""


def alike(one, other):
    """Whether two scripts fail of the same, as far as can be told."""
    return one is not None and re.sub(r"[0-9]+|^(at|after) [^:]*: ", "", one[0])[:40].split("'")[0] == re.sub(
        r"[0-9]+|^(at|after) [^:]*: ", "", other[0])[:40].split("'")[0]


def judge(seed, kinds=None, shorter=True):
    """A report of the script of this seed; "" if it holds."""
    script = hands_script.make(seed, kinds)
    wrong = perform(script)
    if wrong is None:
        return seed, ""
    report = f"{hands_script.text_of(script)}\n  => {wrong[0]}\n"
    if shorter:
        patience, Machine.patience = Machine.patience, 8
        least = hands_script.shrink(script, lambda tried: alike(perform(tried), wrong))
        again = perform(least)
        Machine.patience = patience
        report += f"  as short as it can be: {json.dumps(least)}\n{hands_script.text_of(least)}\n"
        report += f"  => {again[0]}\n" if again else "  => which holds now and then\n"
        wrong = again or wrong
    return seed, report + f"  the service said:\n{wrong[1]}"


def judge_all(plan, at_a_time, shorter=True, each=lambda seed, report: None):
    failed = []
    if ROOT:
        own_mounts()
    with multiprocessing.Pool(at_a_time, maxtasksperchild=20) as pool:
        waiting = [pool.apply_async(judge, (seed, kinds, shorter)) for seed, kinds in plan]
        for result in waiting:
            seed, report = result.get()
            each(seed, report)
            if report:
                failed.append(report)
    return failed


def soak(seed, seconds, kinds):
    world = Soak(seed)
    try:
        print("hands for long:", world.endure(seconds, kinds))
        return 0
    except Failure as failure:
        print(f"hands for long: {failure}\nthe service said:\n{tail(world)}")
        return 1
    finally:
        world.m.remove()


class Hands(unittest.TestCase):
    def test_whatever_hands_do_nothing_is_lost_and_nobody_waits(self):
        # Every kind of hand by itself first, then as they come.
        kinds = [[kind] for kind in hands_script.HANDS]
        plan = [(SEED + number, kinds[number] if number < len(kinds) else None) for number in range(SCRIPTS)]
        failed = judge_all(plan, min(4, os.cpu_count()), shorter=False)
        print(f"hands: {SCRIPTS} scripts from seed {SEED}, {len(failed)} failed", file=sys.stderr)
        if failed:
            seed = int(re.match(r"seed (\d+)", failed[0])[1])
            failed.insert(0, judge(seed, dict(plan)[seed])[1])  # as short as it can be
        self.assertFalse(failed, "\n\n".join(failed[:3]))


def main():
    options = argparse.ArgumentParser()
    options.add_argument("-n", type=int, default=SCRIPTS)
    options.add_argument("-s", type=int, default=SEED)
    options.add_argument("-j", type=int, default=os.cpu_count())
    options.add_argument("-k", nargs="*")
    options.add_argument("--script", help="a script to perform, as JSON")
    options.add_argument("--soak", type=float, help="minutes of hands at one service", metavar="MINUTES")
    options.add_argument("--patience", type=float, default=Machine.patience, help="seconds")
    options.add_argument("--long", action="store_true", help="don't make failing scripts shorter")
    chosen = options.parse_args()
    Machine.patience = chosen.patience
    if (chosen.script or chosen.soak) and ROOT:
        own_mounts()
    if chosen.soak:
        sys.exit(soak(chosen.s, chosen.soak * 60, chosen.k))
    if chosen.script:
        script = hands_script.load(chosen.script)
        wrong = perform(script)
        print(hands_script.text_of(script), "holds" if wrong is None else "\n=> ".join(("", *wrong)), sep="\n")
        sys.exit(wrong is not None)
    began = time.monotonic()

    def each(seed, report):
        if report:
            print(report, flush=True)
        else:
            print(f"seed {seed} holds ({time.monotonic() - began:.0f} s)", flush=True)
    plan = [(seed, chosen.k) for seed in range(chosen.s, chosen.s + chosen.n)]
    failed = judge_all(plan, chosen.j, not chosen.long, each)
    print(f"hands: {chosen.n} scripts from seed {chosen.s}, {len(failed)} failed")
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
