"""Tries each fault of a booth many times and writes docs/faults.md: time to recover, what is heard, what the log says.

By hand: `python tests/fault_table.py --times 100 --page docs/faults.md`, some hours; those of the audio server need
jackd. Not a test: it takes long, and times are this machine's.
"""

import argparse
import json
import os
import platform
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median

from jack_server import JackServer, what_is_missing

from rt_render import __version__
from rt_render.app.benchmarks.booth_faults import FAULTS, Fault, NotRecoveredError
from rt_render.app.benchmarks.booth_ledger import Ledger
from rt_render.app.benchmarks.booth_stage import HUNG_AFTER_S, Stage, is_there

NOT_TRIED = (
    ("USB tracker or sound card pulled out by hand", "needs the devices; the same code takes a port and a server away"),
    ("PipeWire or PulseAudio restarted", "none runs here; JACK does"),
    ("power cut", "an unclean end is tried by SIGKILL; what a disk forgets is not"),
    ("systemd starts the booth at boot", "no systemd runs here; the unit's text and the notifications are tested"),
)


SERVER_RESTARTS, CLOCK_STEPS = "audio server stopped and started", "clock stepped"


def server_restarts(server):
    """Return a fault: the audio server is killed and started again."""

    def make(stage):
        server.kill()
        if not stage.wait(lambda: stage.beat().get("card") == "virtual sound card", 30.0):
            raise NotRecoveredError("the loss of the server was not noticed")
        time.sleep(0.5)
        begun_s = time.monotonic()
        server.start()
        if not stage.wait(lambda: stage.beat().get("card") not in (None, "virtual sound card"), 60.0):
            raise NotRecoveredError("the sound card did not come back within 60 s")
        return time.monotonic() - begun_s

    return Fault(
        SERVER_RESTARTS,
        "JACK, by SIGKILL; its output device is gone with it",
        make,
        "silence, for its headphones have no server; then the source goes on where it would be",
        "which card stopped answering, and that it is back",
        ("Sound card .* has stopped answering", "Sound card .* is back"),
    )


SHIM = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
static volatile long *step_s;
int clock_gettime(clockid_t clock, struct timespec *now) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) {
        real = dlsym(RTLD_NEXT, "clock_gettime");
        int file = open(getenv("CLOCK_STEP_FILE"), O_RDONLY);
        step_s = file < 0 ? 0 : mmap(0, sizeof(long), PROT_READ, MAP_SHARED, file, 0);
    }
    int failed = real(clock, now);
    if (clock == CLOCK_REALTIME && step_s) now->tv_sec += *step_s;
    return failed;
}
"""
"""Lets the wall clock of the programs that load it step, by seconds in a file; the monotonic one stays."""


def stepping_clock(folder):
    """Return the environment in which a number in a file, CLOCK_STEP_FILE, moves a program's wall clock by seconds."""
    source, shim, file = (folder / name for name in ("shim.c", "shim.so", "step"))
    source.write_text(SHIM)
    subprocess.run(["cc", "-shared", "-fPIC", "-o", str(shim), str(source), "-ldl"], check=True)
    file.write_bytes(struct.pack("l", 0))
    return {"LD_PRELOAD": str(shim), "CLOCK_STEP_FILE": str(file)}


def clock_steps():
    """Return a fault: the wall clock jumps by a day and an hour, to and fro; behind `stepping_clock` only."""

    def make(stage):
        process_id = stage.keeper.process_id
        for seconds in (86400, -3600, 0):
            before_s = time.time()
            with Path(os.environ["CLOCK_STEP_FILE"]).open("r+b") as now:
                now.write(struct.pack("l", seconds))
            if abs(time.time() - before_s) < 1800.0:
                raise NotRecoveredError("the keeper's clock did not step")
            begun_s = time.monotonic()
            n_beats = 0
            while n_beats < 4 or stage.beat()["tracker"] != "live":
                n_beats = len(stage.heard_since(begun_s, "beat"))
                if time.monotonic() - begun_s > 30.0:
                    raise NotRecoveredError("the booth stood still")
                time.sleep(0.02)
        if stage.keeper.process_id != process_id:
            raise NotRecoveredError("the booth began anew")
        return 0.0

    return Fault(
        CLOCK_STEPS,
        "the wall clock of the keeper, the program and its bridge a day ahead, an hour back, and right again, by a "
        "library that stands before the system's",
        make,
        "nothing: all that waits or measures reads the monotonic clock",
        "nothing: its own times jump with the clock, and its lines stay in their order",
    )


def keeper_killed(times):
    """Kill the keeper itself: its program must not stay behind; return a row."""
    took_s, failed = [], []
    for _ in range(times):
        with tempfile.TemporaryDirectory() as folder:
            # a stage only for its files: the booth is a process of its own here
            stage = Stage(Path(folder))
            stage.wearable.close()
            command = [sys.executable, "-m", "rt_render", "booth", "--config", str(stage.config)]
            booth = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            for line in booth.stdout:
                if "1 of 4" in line:
                    break
            programs = [int(n) for n in Path(f"/proc/{booth.pid}/task/{booth.pid}/children").read_text().split()]
            time.sleep(1.0)
            begun_s = time.monotonic()
            booth.send_signal(signal.SIGKILL)
            booth.wait()
            while any(is_there(program) for program in programs) and time.monotonic() - begun_s < 30.0:
                time.sleep(0.02)
            if any(is_there(program) for program in programs):
                failed.append("its program stayed behind")
            else:
                took_s.append(time.monotonic() - begun_s)
    return {"took_s": took_s, "failed": failed, "underruns": 0, "missed": 0, "down_s": []}


KEEPER_KILLED = Fault(
    "keeper killed",
    "the process that keeps the one that plays, by SIGKILL",
    keeper_killed,
    "the sound fades out; systemd starts the booth again after 1 s",
    "that it starts, where no end was told",
)


def tried(fault, times, device):
    """Let a fault happen so often to one booth; return a row of the table."""
    ledger, took_s, failed = Ledger(), [], []
    with tempfile.TemporaryDirectory() as folder:
        with Stage(Path(folder), device, ledger.take) as stage:
            stage.wearable.pick_up()
            stage.wait(lambda: stage.beat().get("visit") is not None, 20.0)
            for _ in range(times):
                try:
                    took_s.append(fault.make(stage))
                except NotRecoveredError as error:
                    failed.append(str(error))
                time.sleep(1.0)
        ledger.close_life()
        events = stage.events()
    down_s = [e["down_s"] for e in events if e["event"] == "plays" and e["down_s"] is not None]
    failed += fault.missing_in(events)
    return {
        "took_s": took_s,
        "failed": failed,
        "underruns": ledger.underruns,
        "missed": ledger.missed,
        "down_s": down_s,
    }


def row_of(fault, times):
    """Try a fault where this process is: with a server of its own, or behind the clock that steps."""
    if fault.make is keeper_killed:
        return keeper_killed(times)
    if fault.name != SERVER_RESTARTS:
        return tried(fault, times, "virtual")
    with JackServer() as server:
        os.environ.update(server.environment)
        return tried(server_restarts(server), times, "auto")


def tried_elsewhere(name, times):
    """Try a fault in a process of its own, and say how it went."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "row.json"
        command = [sys.executable, __file__, "--times", str(times), "--only", name, "--row", str(file)]
        more = stepping_clock(Path(folder)) if name == CLOCK_STEPS else {}
        ended = subprocess.run(command, env=os.environ | more, stderr=subprocess.PIPE, text=True)
        if ended.returncode:
            row = {"took_s": [], "failed": [ended.stderr[-2000:]] * times, "underruns": 0, "missed": 0, "down_s": []}
        else:
            row = json.loads(file.read_text())
    took_s = row["took_s"]
    print(f"{name}: {len(took_s)} of {times}, {median(took_s or [-1.0]):.2f} s, {row['failed'][:3]}", flush=True)
    return row


def cpu_name():
    """Return what the processor calls itself."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.processor())


def write_page(path, rows, times, at_once, notes):
    """Write the table as a page."""
    beside = "" if at_once == 1 else f" {at_once} of these booths ran at a time, and other programs beside them."
    lines = [
        "# What may go wrong in a booth, tried",
        "",
        f"Written by `python tests/fault_table.py --times {times} --page docs/faults.md`, rt-render {__version__}; "
        f"{cpu_name()}, {os.cpu_count()} processors, {platform.system()} {platform.release().split('-')[0]}, load "
        f"{os.getloadavg()[0]:.1f} at the end. A booth with a playlist of stereo files at order 3, a visitor, "
        f"a tracker that sends OSC 100 times a second.{beside} *Well after* counts from the moment at which the cause "
        "is gone (or the fault made, where it needs no mending), and is looked at four times a second. The first four "
        "columns, and the silence in seconds, are measured. *The listener hears* is stated: from how the program is "
        "made, and its tests of fades and fail-safe. *The log says* is stated and checked: a fault whose words are "
        "not in the log has not recovered.",
        "",
        "| fault | tried | recovered | well after, median (longest) | the listener hears (stated) | the log says "
        "(checked) |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for fault, row in rows:
        took_s, down_s = row["took_s"], row["down_s"]
        well = f"{median(took_s):.2f} s ({max(took_s):.2f} s)" if took_s else "-"
        heard = fault.heard
        if down_s:
            heard += f"; {median(down_s):.1f} s in the median, {max(down_s):.1f} s at most, once it was noticed"
        well_again = max(0, times - len(row["failed"]))
        lines.append(f"| **{fault.name}**: {fault.about} | {times} | {well_again} | {well} | {heard} | {fault.told} |")
    underruns, missed = (sum(row[what] for _, row in rows) for what in ("underruns", "missed"))
    lines += [
        "",
        f"In all of these runs together the source ran dry {underruns} times, and this machine, which others use too, "
        f"missed {missed} blocks. A hang is noticed after `hung_after_s`, {HUNG_AFTER_S:g} s here and 20 s unless the "
        "configuration says otherwise.",
        "",
        *(f"- Not well, {fault.name}: {text}" for fault, row in rows for text in sorted(set(row["failed"]))),
        "",
        "## Not tried here",
        "",
        *(f"- {name}: {why}." for name, why in (*NOT_TRIED, *notes)),
        "",
    ]
    Path(path).write_text("\n".join(lines), encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=100)
    parser.add_argument("--at-once", type=int, default=1, help="how many booths to try faults on at a time")
    parser.add_argument("--only", nargs="*", default=[], help="words of the faults' names")
    parser.add_argument("--page", help="the page to write")
    parser.add_argument("--row", help="the file that takes the row of the one fault named, tried in this process")
    asked = parser.parse_args()
    faults, notes = [*FAULTS, server_restarts(None), clock_steps(), KEEPER_KILLED], []
    missing = {SERVER_RESTARTS: what_is_missing(), CLOCK_STEPS: None if shutil.which("cc") else "needs a C compiler"}
    if asked.only:
        faults = [fault for fault in faults if any(word in fault.name for word in asked.only)]
    if asked.row:
        Path(asked.row).write_text(json.dumps(row_of(faults[0], asked.times)))
        return 0
    notes = [(fault.name, missing[fault.name]) for fault in faults if missing.get(fault.name)]
    faults = [fault for fault in faults if not missing.get(fault.name)]
    with ThreadPoolExecutor(asked.at_once) as booths:
        found = booths.map(lambda fault: tried_elsewhere(fault.name, asked.times), faults)
        rows = list(zip(faults, found, strict=True))
    if asked.page:
        write_page(asked.page, rows, asked.times, asked.at_once, notes)
    return 1 if any(row["failed"] for _, row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
