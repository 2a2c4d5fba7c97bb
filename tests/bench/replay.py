"""replay and tune beside what else reads logs: medians of alternating runs, as a table."""

import json
import os
import shutil
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

import crowdsec
import make_log

# 100 refused recipients of one login within 3600 s, exactly: a ring of 100 times for each.
MAWK = r"""
{ i = index($0, " rejected RCPT <"); if (!i) next
  p = substr($0, 1, i - 1); if (p ~ / temporarily$/ || !match(p, / A=[^ :]+:/)) next
  id = tolower(substr(p, RSTART + RLENGTH)); d = substr($0, 1, 10); if (d != day) { day = d; ++days }
  t = days * 86400 + substr($0, 12, 2) * 3600 + substr($0, 15, 2) * 60 + substr($0, 18, 2)
  c = count[id]++; ring[id, c % 100] = t
  if (c >= 99 && !(id in done) && t - ring[id, (c + 1) % 100] < 3600) { done[id]; print id } }
"""
PERL = r"""
next unless /^(.{10}) (..):(..):(..) .*? A=[^ :]+:(.*?) rejected RCPT </;
next if substr($5, -12) eq " temporarily";
++$days, $day = $1 if $1 ne $day; my $t = $days * 86400 + $2 * 3600 + $3 * 60 + $4; my $w = $w{lc $5} //= [];
push @$w, $t; shift @$w while $w->[0] <= $t - 3600; print lc $5, "\n" if @$w >= 100 && !$done{lc $5}++;
"""
PIPES = {  # name: (program it needs, shell words around the file, gives the identities)
    "cat": ("cat", "cat {log}", False),
    "wc -l": ("wc", "wc -l {log}", False),
    # Into /dev/null it would stop at the first line that it finds.
    "grep -c -F": ("grep", "LC_ALL=C grep -c -F ' rejected RCPT ' {log} | cat", False),
    "rg -F | mawk": ("rg", "rg --no-config -N -F ' rejected RCPT <' {log} | mawk \"$MAWK\"", True),
    "grep -F | mawk": ("mawk", "LC_ALL=C grep -F ' rejected RCPT <' {log} | mawk \"$MAWK\"", True),
    "mawk": ("mawk", "mawk \"$MAWK\" {log}", True),
    "perl": ("perl", "perl -ne \"$PERL\" {log}", True),
}
SSHGUARD = "/usr/libexec/sshguard/sshg-parser"
SEC = r"""
type=SingleWithThreshold
ptype=RegExp
pattern= A=[^ :]+:(\S+) rejected RCPT <
desc=$1
action=write - $1
window=3600
thresh=100
"""
REGEX = r"^ H=.* A=\S+:<F-ID>\S+</F-ID> rejected RCPT .*$"  # of fail2ban: its count alone


def machine():
    model = next((line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "?")
    memory = int(open("/proc/meminfo").readline().split()[1]) // 2**20
    return f"{model}, {len(os.sched_getaffinity(0))} processors, {memory} GiB, load {os.getloadavg()[0]:.1f}"


class Run:
    def __init__(self, name, command, shell=True, first=lambda: None, answers=True):
        self.name, self.command, self.shell, self.first = name, command, shell, first
        self.answers = answers  # else its output is of no use
        self.times, self.output = [], b""

    def once(self):
        begin = time.monotonic()
        done = subprocess.run(self.command, shell=self.shell, stderr=subprocess.DEVNULL,
                              stdout=subprocess.PIPE if self.answers else subprocess.DEVNULL,
                              preexec_fn=self.first, env={**os.environ, "MAWK": MAWK, "PERL": PERL})
        self.times.append(time.monotonic() - begin)
        assert done.returncode == 0, f"{self.name} failed"
        self.output = done.stdout

    @property
    def median(self):
        return statistics.median(self.times)


def one_processor():
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def identities(jsonl):
    found = [json.loads(line) for line in jsonl.splitlines()]
    return sorted(one["identity"].lower() for one in found if one["identity_kind"] == "user")


def measure(title, runs, times, base):
    """`base`: the name of the run that ratios are to."""
    for _ in range(times):
        for run in runs:
            run.once()
    unit = next(run.median for run in runs if run.name == base)
    print(f"\n| {title} | s | to {base} |\n|---|---|---|")
    for run in runs:
        print(f"| {run.name} | {run.median:.3f} | {run.median / unit:.2f} |", flush=True)


def plain(program, config, log, share, times):
    ours = [program, "replay", "-c", config, "-o", "jsonl", log]
    runs = [Run("exiwarden replay", ours, False), Run("exiwarden replay, one processor", ours, False, one_processor),
            Run("exiwarden tune, 20 x 10", [program, "tune", "-c", config, "-o", "jsonl", "--limits",
                                            ",".join(str(n) for n in range(10, 210, 10)), "--periods",
                                            "1m,5m,10m,30m,1h,2h,6h,12h,1d,2d", log], False)]
    exact = {}
    for name, (needs, shell, answers) in PIPES.items():
        if shutil.which(needs):
            runs.append(Run(name, shell.format(log=log), answers=answers))
            if answers:
                exact[name] = runs[-1]
    measure(f"{share} % refusals, {os.path.getsize(log) >> 20} MiB", runs, times, "wc -l" if share <= 1 else "grep -c -F")
    expected = identities(runs[0].output)
    assert expected == identities(runs[1].output), "one processor decides otherwise"
    for name, run in exact.items():
        assert sorted(run.output.decode().split()) == expected, f"{name} finds other identities"


def packed(program, config, log, times):
    """One .gz, and the log cut into four."""
    folder = Path(log).parent / "gz"
    folder.mkdir()
    with open(log, "rb") as lines:
        text = lines.read()
    cuts = [0] + [text.index(b"\n", len(text) * part // 4) + 1 for part in (1, 2, 3)] + [len(text)]
    parts = []
    for number in range(4):
        parts.append(str(folder / f"mainlog.{4 - number}.gz"))
        with open(parts[-1], "wb") as out:
            subprocess.run(["gzip", "-6"], input=text[cuts[number]:cuts[number + 1]], stdout=out, check=True)
    for names in (parts[:1], parts):
        ours = [program, "replay", "-c", config, "-o", "jsonl", *names]
        measure(f"{len(names)} x gzip", [Run("exiwarden replay", ours, False),
                                         Run("zcat, wc -l", f"zcat {' '.join(names)} | wc -l")], times, "zcat, wc -l")


def slow(program, config, log):
    """Tools that would take minutes on the whole: on its first 16 MiB."""
    piece, sec = log + ".piece", log + ".sec"
    with open(log, "rb") as source, open(piece, "wb") as out:
        out.write(source.read(16 << 20))
    Path(sec).write_text(SEC)
    runs = [Run("exiwarden replay", [program, "replay", "-c", config, "-o", "jsonl", piece], False)]
    if shutil.which("fail2ban-regex"):
        runs.append(Run("fail2ban-regex", ["fail2ban-regex", piece, REGEX], False))
    if shutil.which("sec"):
        runs.append(Run("sec", ["sec", "--conf=" + sec, "--input=" + piece, "--notail", "--log=/dev/null"], False))
    if shutil.which("crowdsec") and shutil.which("cscli"):
        runs.append(Run("crowdsec", crowdsec.command(log + ".crowdsec", piece), False))
    if os.access(SSHGUARD, os.X_OK):  # it counts by address, and knows no refused recipients: the parsing alone
        runs.append(Run("sshguard's parser", f"{SSHGUARD} < {piece}"))
    if len(runs) > 1:
        measure("16 MiB", runs, 1, "exiwarden replay")


def main(program, size, times):
    print(f"{machine()}; warm cache, medians of {times} alternating runs")
    with tempfile.TemporaryDirectory(prefix="exiwarden-bench.") as folder:
        config = os.path.join(folder, "exiwarden.toml")
        Path(config).write_text('[log]\ntimezone = "UTC"\n[relay]\nhosts = ["192.0.2.0/24"]\n')
        log = os.path.join(folder, "mainlog")
        for share in (1, 5, 10, 50):
            make_log.write(log, size, share)
            plain(program, config, log, share, times)
            if share == 10:
                packed(program, config, log, times)
                slow(program, config, log)
