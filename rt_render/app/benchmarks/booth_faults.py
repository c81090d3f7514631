"""Faults that may befall a booth, each made on a stage and undone: how long until all is well, and what was told."""

import os
import re
import signal
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from firmware_bridge.stages.fail_safe import STEADY_S
from rt_render.app.benchmarks.booth_stage import HUNG_AFTER_S, ITEM_S, Stage, children_of, write_noise

LATE_S = 60.0
"""What is not well again by then has not recovered."""
LIVE, FRESH_S = "live", 0.3
_HEARD_S = 0.5
"""Of two wishes for one control that come within a look of the control thread, only the last is a change."""


class NotRecoveredError(Exception):
    """Something did not come; the text says what."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault: `make` lets it happen, undoes it, waits until all is well, and returns how long that took, in s.

    `heard`, `told`: what the listener hears and what the log says, in words; `logged`: expressions that must match
    some line of the log, a line each. `ends_program`: the program begins anew. `needs_sound`: a booth at rest, whose
    source is paused, does not notice it.
    """

    name: str
    about: str
    make: Callable[[Stage], float]
    heard: str
    told: str
    logged: tuple[str, ...] = ()
    ends_program: bool = False
    needs_sound: bool = False

    def missing_in(self, events: list[dict[str, Any]]) -> list[str]:
        """Return in words what a log lacks that this fault must leave there."""
        lines = [" ".join(f"{key}={value}" for key, value in event.items()) for event in events]
        return [
            f"the log does not say '{wanted}' of: {self.name}"
            for wanted in self.logged
            if not any(re.search(wanted, line) for line in lines)
        ]


def _until(stage: Stage, what: Callable[[], bool], words: str, seconds: float = LATE_S) -> float:
    begun_s = time.monotonic()
    if not stage.wait(what, seconds):
        raise NotRecoveredError(f"{words} did not come within {seconds:g} s")
    return time.monotonic() - begun_s


def _is_live(stage: Stage) -> bool:
    beat = stage.beat()
    age_s = beat.get("pose_age_s")
    return beat.get("tracker") == LIVE and age_s is not None and age_s < FRESH_S


def _unplugged(stage: Stage) -> float:
    time.sleep(2.0 * STEADY_S)  # one that was there for less is taken for one that sends only what moves
    begun_s, stage.wearable.plugged = time.monotonic(), False
    try:
        _until(stage, lambda: stage.said_since(begun_s, "no pose for"), "a sentence about the loss of the tracker")
    finally:
        stage.wearable.plugged = True
    back_s = time.monotonic()
    took_s = _until(stage, lambda: _is_live(stage), "the tracker")
    _until(stage, lambda: stage.said_since(back_s, "the tracker is back"), "a sentence about its return")
    return took_s


def _babbles(stage: Stage) -> float:
    stage.wearable.babbles = True
    time.sleep(1.0)
    stage.wearable.babbles = False
    return _until(stage, lambda: _is_live(stage), "the tracker")


def _bridge(signal_number: int) -> Callable[[Stage], float]:
    def make(stage: Stage) -> float:
        bridges = children_of(stage.keeper.process_id or 0)
        begun_s = time.monotonic()
        for bridge in bridges:
            with suppress(ProcessLookupError):
                os.kill(bridge, signal_number)
        _until(
            stage,
            lambda: (
                bool(set(children_of(stage.keeper.process_id or 0)) - set(bridges))
                and _is_live(stage)
                and time.monotonic() - begun_s > 2.0 * FRESH_S
                and stage.said_since(begun_s, "the head tracker's process ended")
            ),
            "another bridge",
        )
        return time.monotonic() - begun_s

    return make


def _program(signal_number: int) -> Callable[[Stage], float]:
    def make(stage: Stage) -> float:
        begun_s, process = time.monotonic(), stage.keeper.process_id
        if process is None:
            raise NotRecoveredError("there is no program to be ended")
        os.kill(process, signal_number)
        _until(stage, lambda: bool(stage.heard_since(begun_s, "plays")), "the program")
        took_s = time.monotonic() - begun_s
        _until(stage, lambda: _is_live(stage), "the tracker")
        return took_s

    return make


def _media_deleted(stage: Stage) -> float:
    now = str(stage.beat()["playing_title"])
    numbers = sorted(path.name for path in (stage.folder / "media").iterdir())
    following = numbers[(next((i for i, n in enumerate(numbers) if n.startswith(now[:1])), 0) + 1) % len(numbers)]
    path = stage.folder / "media" / following
    path.unlink()
    try:
        begun_s = time.monotonic()
        stage.press("next")
        _until(stage, lambda: stage.beat().get("playing_title") not in (now, None), "another item", 2 * ITEM_S)
        return time.monotonic() - begun_s
    finally:
        write_noise(path, 9)


def _media_truncated(stage: Stage) -> float:
    title = str(stage.beat()["playing_title"])
    paths = [path for path in (stage.folder / "media").iterdir() if path.name.startswith(title[:1])]
    begun_s = time.monotonic()
    try:
        os.truncate(paths[0], 4096)
        _until(stage, lambda: stage.beat().get("playing_title") not in (title, None), "another item", 2 * ITEM_S)
        return time.monotonic() - begun_s
    finally:
        paths[0].unlink()
        write_noise(paths[0], 8)


def _disk_full(stage: Stage) -> float:
    kept = stage.log.with_suffix(".kept")
    stage.wait(stage.log.exists, 5.0)
    stage.log.replace(kept)
    stage.log.symlink_to("/dev/full")
    begun_s = time.monotonic()
    try:
        stage.press("muted", 1)
        time.sleep(_HEARD_S)
        stage.press("muted", 0)
        _until(stage, lambda: stage.said_since(begun_s, "cannot be written"), "a sentence about the disk")
    finally:
        stage.log.unlink()
        kept.replace(stage.log)
    freed_s = time.monotonic()
    _until(stage, lambda: stage.said_since(freed_s, "is written again"), "the log")
    return time.monotonic() - freed_s


def _config_broken(stage: Stage) -> float:
    begun_s, good = time.monotonic(), stage.config.read_text()
    stage.config.write_text(good.replace("[audio]", "[audio]\nblocksize = 128", 1))
    _until(stage, lambda: stage.said_since(begun_s, "configuration is refused"), "the refusal")
    took_s = time.monotonic() - begun_s
    mended_s = time.monotonic()
    stage.write_config()
    _until(stage, lambda: stage.said_since(mended_s, "edited configuration"), "the mended configuration")
    return took_s


def _config_edited(stage: Stage) -> float:
    begun_s = time.monotonic()
    stage.write_config(gain_db=-9.0)
    took_s = _until(stage, lambda: stage.said_since(begun_s, "is heard now: audio.gain_db"), "the new volume")
    back_s = time.monotonic()
    stage.write_config()
    _until(stage, lambda: stage.said_since(back_s, "is heard now: audio.gain_db"), "the volume before")
    return took_s


def _page_reloaded(stage: Stage) -> float:
    for _ in range(30):
        _get(stage.web_port, upgrade=False)
        _get(stage.web_port, upgrade=True)
    begun_s = time.monotonic()
    _until(stage, lambda: _get(stage.web_port, upgrade=False).startswith(b"HTTP/1.1 200"), "the page")
    return time.monotonic() - begun_s


def _get(port: int, upgrade: bool) -> bytes:
    """Ask for the page as a browser does, and leave in the middle of the answer; return its beginning."""
    more = (
        "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        "Sec-WebSocket-Version: 13\r\n"
    )
    request = f"GET {'/ws' if upgrade else '/'} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{more if upgrade else ''}\r\n"
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5.0) as client:
            client.sendall(request.encode())
            return client.recv(256)
    except OSError:
        return b""


FAULTS: tuple[Fault, ...] = (
    Fault(
        "tracker unplugged",
        "its poses stop, and come again",
        _unplugged,
        "the field stays for 1 s, then turns to the front over 2 s; it follows the head again 0.2 s after the return",
        "that the tracker is silent, and that it is back",
        ("no pose for", "the tracker is back"),
    ),
    Fault(
        "tracker babbling",
        "1500 packets of noise a second, and poses that are none, between its poses",
        _babbles,
        "nothing: what is no pose is dropped",
        "that packets could not be understood, once",
        ("could not be used",),
    ),
    Fault(
        "bridge killed",
        "the process that reads the tracker, by SIGKILL, as soon as it is well again; one that does not live for 10 s "
        "is started after a pause that grows to 5 s",
        _bridge(signal.SIGKILL),
        "the field stays, eases to the front after 2 s, and back",
        "that the process ended by signal 9, and was started again",
        (r"process ended \(signal 9\); starting it again",),
    ),
    Fault(
        "bridge hangs",
        "the same process, stopped by SIGSTOP",
        _bridge(getattr(signal, "SIGSTOP", signal.SIGTERM)),
        "the field stays, eases to the front after 2 s, and back",
        "that the process ended, and was started again",
        ("process ended .*; starting it again",),
    ),
    Fault(
        "media file deleted",
        "the item that comes next; then `next` is pressed",
        _media_deleted,
        "the item after that, behind the usual fade of 5 ms",
        "which item was left out, and why",
        ("is left out: .* does not exist",),
    ),
    Fault(
        "media file cut",
        "the item that plays loses all but its first bytes",
        _media_truncated,
        "the item fades out over 5 ms where its sound ends, and the next one begins",
        "which item ended before its time",
        ("ended at .*: it was cut short",),
        needs_sound=True,
    ),
    Fault(
        "disk full",
        "the log's disk takes no byte more (/dev/full), and then does again",
        _disk_full,
        "nothing",
        "that lines wait, and then all of them",
        ("cannot be written .*: lines wait", "is written again"),
    ),
    Fault(
        "configuration broken",
        "a key that there is none of, written into the file",
        _config_broken,
        "nothing: the configuration before is kept",
        "what is refused, with line, key and what is allowed",
        (r"is refused, .* line \d+: unknown key 'blocksize' .*; allowed are",),
    ),
    Fault(
        "configuration edited",
        "another volume, written into the file",
        _config_edited,
        "the new volume",
        "what was taken over",
        (r"event=configuration taken=.*audio\.gain_db",),
    ),
    Fault(
        "page reloaded in a loop",
        "30 times, page and WebSocket, left in the middle of the answer",
        _page_reloaded,
        "nothing",
        "nothing",
    ),
    Fault(
        "program killed",
        "the process that plays, by SIGKILL, as soon as it is well again; one that does not live for 30 s is started "
        "after a pause that grows to 30 s",
        _program(signal.SIGKILL),
        "silence until it plays again",
        "that it ended by signal 9, and for how long it was silent",
        (r"event=begins_anew why=.*signal 9", r"event=plays .*down_s=\d"),
        ends_program=True,
    ),
    Fault(
        "program hangs",
        f"the same process, stopped by SIGSTOP; the stage lets {HUNG_AFTER_S:g} s pass for a hang, a booth 20 s",
        _program(getattr(signal, "SIGSTOP", signal.SIGTERM)),
        "silence until it plays again",
        "for how long it gave no sign of life, and for how long it was silent",
        (r"event=begins_anew why=it gave no sign of life for \d", r"event=plays .*down_s=\d"),
        ends_program=True,
    ),
)
