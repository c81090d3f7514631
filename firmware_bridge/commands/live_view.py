"""What a person sees of a bridge at work: a few calm lines and a small head, or a plain line now and then."""

import json
import sys
import time
from dataclasses import asdict
from typing import Any, Protocol

from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from firmware_bridge.commands.head_picture import head_picture
from firmware_bridge.commands.live_screen import LiveScreen
from firmware_bridge.commands.terminal import ended
from firmware_bridge.pose import PoseSample
from firmware_bridge.status import BridgeStatus

KEYS_HELP = "r recentre · q quit"
QUIT_KEY, RECENTRE_KEY = "q", "r"
_JSON_EVERY_S = 0.1


class Watched(Protocol):
    """A bridge as far as it is watched."""

    mailbox: Any

    def status(self) -> BridgeStatus:
        """Return the present status."""

    def recentre(self) -> None:
        """Ask for the present heading to become straight ahead."""


class BridgeView(LiveScreen):
    """Shows a bridge each time it is called, and passes keys on. Used as a context; `say` from any thread.

    `plain_every_s` is how often a line comes where there is no terminal; `as_json`: every 0.1 s a JSON object
    with the pose and the status, and each sentence as `{"message": ...}`.
    """

    def __init__(
        self,
        console: Console,
        *,
        plain_every_s: float,
        as_json: bool = False,
        picture: bool = True,
        quiet: bool = False,
    ) -> None:
        super().__init__(console, quiet=quiet)
        self._plain_every_s, self._as_json, self._picture = plain_every_s, as_json, picture
        self._is_live = console.is_terminal and not as_json and not quiet
        self._next_s = 0.0

    def say(self, text: str) -> None:
        """Print a sentence above the live lines, or as JSON."""
        if self._as_json:
            _print_line({"message": ended(text)})
        else:
            super().say(text)

    def __call__(self, bridge: Watched) -> bool:
        """Show the bridge; False when the person wants to quit."""
        now_s = time.monotonic()
        if self._is_live:
            status = bridge.status()
            self._draw(view_of(status, pose_of(bridge, status), picture=self._picture))
        elif not self._quiet and now_s >= self._next_s:
            self._next_s = now_s + (_JSON_EVERY_S if self._as_json else self._plain_every_s)
            status = bridge.status()
            self._tell(status, pose_of(bridge, status))
        return self._obey(self._keys.pressed(), bridge)

    def _tell(self, status: BridgeStatus, pose: PoseSample | None) -> None:
        if self._as_json:
            _print_line(as_object(status, pose))
        else:
            self._console.print(Text(plain_line(status, pose)), soft_wrap=True)

    def _obey(self, typed: str, bridge: Watched) -> bool:
        for key in typed.lower():
            if key == QUIT_KEY:
                return False
            if key == RECENTRE_KEY:
                bridge.recentre()
        return True


def view_of(status: BridgeStatus, pose: PoseSample | None, *, picture: bool = True) -> Group:
    """Return the live lines."""
    angles = (0.0, 0.0, 0.0) if pose is None else pose.yaw_pitch_roll_deg()
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", justify="right", no_wrap=True, min_width=8)
    table.add_column()
    table.add_row("tracker", Text(status.text))
    table.add_row("head", Text(angles_text(pose)))
    health = status.health
    advice: list[str] = []
    if health is not None:
        table.add_row("health", Text(health.in_words()))
        unusable = f"{health.damaged} damaged, {health.lost} lost, {health.implausible} implausible"
        table.add_row("frames", Text(f"{unusable} · {health.gaps} gaps, the longest {health.longest_gap_s:.2f} s"))
        table.add_row("times", Text(health.clock or "not known yet"))
        advice = health.advice()
    above = [Text(line) for line in head_picture(*angles)] if picture else []
    below = [Text(sentence, style="yellow") for sentence in advice]
    return Group(*above, table, *below, Text(KEYS_HELP, style="dim"))


def plain_line(status: BridgeStatus, pose: PoseSample | None) -> str:
    """Return all in one line."""
    health = status.health
    how = status.text if health is None or health.state != "live" else f"{status.source}: {health.in_words()}"
    return f"{angles_text(pose)}  {how}"


def angles_text(pose: PoseSample | None) -> str:
    """Return the head's angles: yaw + left, pitch + up, roll + right ear down."""
    if pose is None:
        return "no pose yet"
    yaw, pitch, roll = (round(angle) for angle in pose.yaw_pitch_roll_deg())
    return f"yaw {yaw:+4d}°  pitch {pitch:+4d}°  roll {roll:+4d}°"


def pose_of(bridge: Watched, status: BridgeStatus) -> PoseSample | None:
    """Return the present pose; None before the first, whatever another bridge left in the mailbox."""
    return None if status.newest_s is None else bridge.mailbox.read()


def as_object(status: BridgeStatus, pose: PoseSample | None) -> dict[str, Any]:
    """Return pose (None before the first) and status as what JSON knows."""
    told: dict[str, Any] | None = None
    if pose is not None:
        yaw, pitch, roll = pose.yaw_pitch_roll_deg()
        told = {
            "time_s": pose.time_s,
            "quat_wxyz": pose.quat_world_from_head,
            "yaw_deg": yaw,
            "pitch_deg": pitch,
            "roll_deg": roll,
            "gyro_rad_s": pose.gyro_rad_s,
            "seq": pose.seq,
        }
    return {"pose": told, "status": asdict(status)}


def _print_line(value: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()
