"""The child of `process.BridgeProcess`: a bridge whose words are JSON lines and whose life hangs on its input."""

import argparse
import contextlib
import gc
import json
import os
import queue
import signal
import sys
import threading
import time
from dataclasses import asdict
from pathlib import Path

from firmware_bridge.bridge_words import HEARTBEAT_EVERY_S
from firmware_bridge.errors import BridgeError
from firmware_bridge.mailbox import PoseMailbox
from firmware_bridge.opening import open_thread
from firmware_bridge.process import EXIT_FOR_GOOD
from firmware_bridge.settings import BridgeSettings

_READ_BYTES = 4096
_PRIORITY = 10
"""Real-time, where the system grants it: above all that is ordinary, and below a card's thread that asked for more.

The callback of a card through ALSA is ordinary: there a pose may hold it up for the 0.1 ms that it takes.
"""


def main() -> int:
    """Run until standard input ends; return the exit status."""
    parser = argparse.ArgumentParser(prog="firmware_bridge serve")
    parser.add_argument("--mailbox", type=Path, required=True)
    parser.add_argument("--settings", type=BridgeSettings.model_validate_json, required=True)
    arguments = parser.parse_args(sys.argv[2:])
    sentences: queue.SimpleQueue[str] = queue.SimpleQueue()
    ended = threading.Event()
    threading.Thread(target=_wait_for_end, args=(ended, sentences), daemon=True).start()
    # Ctrl-C is for the renderer, which ends this process in its own time.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        mailbox = PoseMailbox.attach(arguments.mailbox)
        bridge = open_thread(arguments.settings, mailbox, on_message=sentences.put)
    except BridgeError as error:
        _tell(message=f"the head tracker cannot start: {error}")
        return EXIT_FOR_GOOD
    _ask_for_priority(bridge.thread_id)
    # What was imported stays: the collector need not look at it while poses come in.
    gc.collect()
    gc.freeze()
    with bridge:
        due_s = time.monotonic()
        while not ended.is_set() and bridge.is_running:
            if time.monotonic() >= due_s:
                due_s += HEARTBEAT_EVERY_S
                _tell(status=asdict(bridge.status()))
            _pass_on(sentences, max(0.0, due_s - time.monotonic()))
    while not sentences.empty():
        _pass_on(sentences, 0.0)
    return EXIT_FOR_GOOD if bridge.failed else int(not ended.is_set())


def _ask_for_priority(thread_id: int | None) -> None:
    """Ask for the reader alone. A refusal costs a millisecond now and then, and is not worth a word."""
    if thread_id is not None:
        with contextlib.suppress(AttributeError, OSError):
            os.sched_setscheduler(thread_id, os.SCHED_RR, os.sched_param(_PRIORITY))


def _pass_on(sentences: "queue.SimpleQueue[str]", timeout_s: float) -> None:
    try:
        text = sentences.get(timeout=timeout_s) if timeout_s else sentences.get_nowait()
    except queue.Empty:
        return
    if text:
        _tell(message=text)


def _tell(**words: object) -> None:
    # Of the main thread only: a parent that does not read must not hold up the poses.
    sys.stdout.write(json.dumps(words) + "\n")
    sys.stdout.flush()


def _wait_for_end(ended: threading.Event, sentences: "queue.SimpleQueue[str]") -> None:
    # Not through sys.stdin, whose lock would be held at exit.
    while os.read(0, _READ_BYTES):
        pass
    ended.set()
    sentences.put("")
