"""Whether those who look and those who shout are heard by the ears: missed blocks beside ten pages and a storm."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

from rt_render.app.benchmarks.page_clients import N_CLIENTS, PACKETS_PER_S
from rt_render.app.session import Session
from rt_render.app.settings_file import load_settings
from rt_render.app.web.web_page import WebPage
from rt_render.errors import DeviceError

ALLOWED_MORE = 3
MIN_UPDATES_PER_S, MIN_PACKETS_SHARE = 28.0, 0.9
"""What the noise must have come to: with less of it the figure says nothing."""
_LOOK_S, _SETTLE_S = 0.05, 1.0
_SETTINGS = {"device": "virtual", "fs_hz": 48000, "block_size": 128, "order": 3, "tracker": "simulated"}


def run(on_progress: Callable[[str], None], windows: int = 16, window_s: float = 5.0) -> dict[str, object]:
    """Count missed blocks at 48 kHz, 128 frames, order 3, in alternating windows: alone, and with all that noise.

    The noise: ten pages at 30 messages a second and 2000 OSC packets a second, half of them controls, from a program
    beside this one; with less noise than that it does not pass. Raises DeviceError without the library websockets.
    Control side; some minutes.
    """
    on_progress(f"page: {windows} windows of {window_s:g} s, alone and with {N_CLIENTS} pages and a storm of OSC")
    load_before = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    settings = load_settings(None, {**_SETTINGS, "web": True, "web_port": 0, "remote_port": _free_udp_port()})
    with WebPage(settings.web, lambda text: None) as page:
        session = Session(settings, seconds=windows * (window_s + _SETTLE_S) + 60.0)
        page.show(session)
        with session, _Clients(page.port, session.remote.port or 0) as clients:
            missed, noise = [0, 0], []
            for window in range(windows):
                if window % 2:
                    clients.begin()
                _work(session, _SETTLE_S)
                before = _missed(session)
                _work(session, window_s)
                missed[window % 2] += _missed(session) - before
                if window % 2:
                    noise.append(clients.end())
            block = session.desk.state()["block"]
    seconds = sum(one["seconds"] for one in noise)
    updates_per_s = sum(one["messages"] for one in noise) / seconds / N_CLIENTS
    packets_per_s = sum(one["packets"] for one in noise) / seconds
    loud_enough = updates_per_s >= MIN_UPDATES_PER_S and packets_per_s >= MIN_PACKETS_SHARE * PACKETS_PER_S
    return {
        "page": {
            "windows": windows,
            "window_s": window_s,
            "alone_missed": missed[0],
            "looked_at_missed": missed[1],
            "ok": loud_enough and missed[1] <= missed[0] + ALLOWED_MORE,
            "loud_enough": loud_enough,
            "pages": N_CLIENTS,
            "updates_per_s": round(updates_per_s, 1),
            "packets_per_s": round(packets_per_s),
            "packets_wanted_per_s": PACKETS_PER_S,
            "block_p999_us": round(block["p999_us"]),
            "load_before": load_before,
        }
    }


def page_in_words(r: dict[str, Any]) -> str:
    """Return what `run` found, beside what is required."""
    mark = "ok" if r["ok"] else "MISSED"
    return (
        f"Page: missed blocks in alternating windows, {r['windows']} of {r['window_s']:g} s, at 48 kHz / 128\n"
        f"  alone {r['alone_missed']}, with {r['pages']} pages at {r['updates_per_s']:g} messages a second and "
        f"{r['packets_per_s']} OSC packets a second {r['looked_at_missed']} (required "
        f"{ALLOWED_MORE} more at most, beside {MIN_UPDATES_PER_S:g} messages and "
        f"{MIN_PACKETS_SHARE * PACKETS_PER_S:g} packets a second at least) {mark}"
    )


def _missed(session: Session) -> int:
    return session.engine.snapshot().missed_slots


def _work(session: Session, seconds: float) -> None:
    """Be the session's main loop for a while."""
    end_s = time.monotonic() + seconds
    while time.monotonic() < end_s:
        session.desk.work(session)
        time.sleep(_LOOK_S)


class _Clients:
    """The program that looks and shouts; a context."""

    def __init__(self, page_port: int, remote_port: int) -> None:
        command = [sys.executable, "-m", "rt_render.app.benchmarks.page_clients", str(page_port), str(remote_port)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)  # noqa: S603

    def __enter__(self) -> "_Clients":
        return self

    def __exit__(self, *_: object) -> None:
        with self._process:
            self._process.kill()

    def begin(self) -> None:
        """Let it look and shout from now on."""
        self._say("on")

    def end(self) -> dict[str, Any]:
        """Let it be quiet; return what it did."""
        self._say("off")
        assert self._process.stdout
        answer = self._process.stdout.readline()
        if not answer:
            raise DeviceError("the pages of the benchmark ended before their time: is a firewall in the way?")
        return dict(json.loads(answer))

    def _say(self, word: str) -> None:
        assert self._process.stdin
        self._process.stdin.write(f"{word}\n")
        self._process.stdin.flush()


def _free_udp_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
