"""A head tracker of your own: a program that sends where a head looks, 25 times a second, to a renderer that plays.

    python examples/own_tracker.py [FOLDER]

Plays the built-in scene for three seconds on the virtual card and draws own_tracker.png: the poses that were sent, and
the head for which each block was rendered. It follows as soon as the new tracker is trusted. `send_poses` is all that a
tracker needs; it could run anywhere.
"""

import socket
import sys
import time
from pathlib import Path
from threading import Thread

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from pythonosc.osc_message_builder import OscMessageBuilder

import rt_render
from firmware_bridge.quaternion import from_yaw_pitch_roll_deg, to_yaw_pitch_roll_deg
from rt_render.app.plots import STYLE
from rt_render.app.session import Session

RATE_HZ, SECONDS = 25.0, 3.0


def head_at(time_s: float) -> float:
    """Return the yaw of a head in degrees that looks left and right."""
    return 50.0 * float(np.sin(2 * np.pi * 0.5 * time_s))


def send_poses(port: int, until_s: float, sent: list[tuple[float, float]]) -> None:
    """Send quaternions (w, x, y, z: the world from the head) over OSC until a moment of the monotonic clock."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        while (now_s := time.monotonic()) < until_s:
            yaw_deg = head_at(now_s)
            message = OscMessageBuilder("/quaternion")
            for value in from_yaw_pitch_roll_deg(yaw_deg, 0.0, 0.0):
                message.add_arg(float(value))
            out.sendto(message.build().dgram, ("127.0.0.1", port))
            sent.append((now_s, yaw_deg))
            time.sleep(1.0 / RATE_HZ)


def free_port() -> int:
    """Return a UDP port that nobody uses."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def main(folder: Path) -> None:
    """Play while another thread is the tracker, and draw both."""
    port, sent, blocks, tracker = free_port(), [], [], []

    def watch(session: Session) -> bool:
        """Begin the tracker as the sound begins; called some twenty times a second."""
        if not tracker:
            session.feed.add(blocks.append)
            until_s = time.monotonic() + SECONDS
            tracker.append(Thread(target=send_poses, args=(port, until_s, sent)))
            tracker[0].start()
        return tracker[0].is_alive()

    status = rt_render.play(
        "scene", device="virtual", osc_port=port, remote_port=0, watch=watch, on_message=lambda text: print(f"  {text}")
    )
    tracker[0].join()
    rows = np.concatenate(blocks)
    rows = rows[rows["consumed"] > 0]
    rendered_deg, _, _ = np.atleast_2d(to_yaw_pitch_roll_deg(rows["knots"][:, -1])).T
    times_s = rows["hear_s"]
    began_s = sent[0][0]
    settled = times_s > began_s + 1.5
    wrong_deg = rendered_deg[settled] - np.array([head_at(t) for t in times_s[settled]])
    print(f"{len(sent)} poses sent, {status.engine.blocks} blocks rendered; when a block was heard it was")
    print(f"turned to where the head truly was within {np.percentile(np.abs(wrong_deg), 90):.1f}° (90 % of them)")
    draw(folder / "own_tracker.png", np.array(sent) - [began_s, 0.0], times_s - began_s, rendered_deg)


def draw(path: Path, sent: np.ndarray, times_s: np.ndarray, rendered_deg: np.ndarray) -> None:
    """Draw what was sent as points and what was rendered as a line."""
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(9, 3.6), layout="constrained")
        axes = figure.subplots()
        axes.plot(times_s, rendered_deg, color="#0b6e99", label="the head that each block is rendered for")
        axes.plot(*sent.T, "o", color="#c2571a", markersize=3, label=f"poses sent, {RATE_HZ:g} a second")
        axes.set_xlim(0, SECONDS)
        axes.set_ylim(-60, 80)
        axes.set_xlabel("seconds")
        axes.set_ylabel("yaw in degrees, + left")
        axes.legend(loc="upper right")
        figure.savefig(path, dpi=110, facecolor="white")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "."))
