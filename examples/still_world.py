"""What head tracking does: noise from 40° to the left, and a head that turns, with and without tracking.

    python examples/still_world.py [FOLDER]

Writes the field (ambiX) and the head's motion (CSV) as files of your own would be, renders both ways, and draws
still_world.png. Listen to tracked.wav and untracked.wav on headphones: in one the noise stays where it is.
"""

import sys
from pathlib import Path

import matplotlib
import numpy as np
import soundfile
from matplotlib.figure import Figure

import rt_render
from firmware_bridge.quaternion import from_yaw_pitch_roll_deg
from rt_render.ambisonics.encoding import encode_plane_wave
from rt_render.app.plots import STYLE

FS_HZ, SECONDS, ORDER, SOURCE_DEG = 48000, 6.0, 5, 40.0
WINDOW = FS_HZ // 20


def write_field(path: Path) -> None:
    """Write noise from one direction as an ambiX file: ACN, SN3D, (order + 1)² channels."""
    noise = 0.1 * np.random.default_rng(1).standard_normal(round(FS_HZ * SECONDS))
    soundfile.write(path, encode_plane_wave(noise, ORDER, np.radians(SOURCE_DEG), 0.0), FS_HZ, subtype="FLOAT")


def write_motion(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Write a head that looks left and right; return its times in s and yaw in degrees (+ left)."""
    times_s = np.arange(0.0, SECONDS, 0.01)
    yaw_deg = 80.0 * np.sin(2 * np.pi * times_s / SECONDS)
    quats = from_yaw_pitch_roll_deg(yaw_deg, 0.0 * yaw_deg, 0.0 * yaw_deg)
    rows = np.column_stack([times_s, quats])
    np.savetxt(path, rows, delimiter=",", fmt="%.6f", header="time_s,w,x,y,z", comments="")
    return times_s, yaw_deg


def level_difference_db(path: Path) -> np.ndarray:
    """Return by how much the left ear is louder than the right, in each window of 50 ms."""
    ears, _ = soundfile.read(path)
    windows = ears[: len(ears) // WINDOW * WINDOW].reshape(-1, WINDOW, 2)
    left, right = np.log10(np.mean(windows**2, axis=1)).T
    return 10 * (left - right)


def main(folder: Path) -> None:
    """Render with and without the head's motion, say what the ears get, and draw it."""
    field, motion = folder / "field.wav", folder / "motion.csv"
    write_field(field)
    times_s, yaw_deg = write_motion(motion)
    rt_render.render(field, folder / "tracked.wav", poses=motion, force=True)
    rt_render.render(field, folder / "untracked.wav", force=True)
    tracked, untracked = (level_difference_db(folder / f"{name}.wav") for name in ("tracked", "untracked"))
    centres_s = (np.arange(len(tracked)) + 0.5) * WINDOW / FS_HZ
    facing = np.argmin(np.abs(np.interp(centres_s, times_s, yaw_deg) - SOURCE_DEG))
    print(f"the head faces the noise after {centres_s[facing]:.2f} s: left and right then differ by")
    print(f"  {tracked[facing]:+.1f} dB with head tracking: the noise is ahead, where one looks")
    print(f"  {untracked[facing]:+.1f} dB without: it has turned with the head")
    draw(folder / "still_world.png", times_s, yaw_deg, centres_s, tracked, untracked)


def draw(path: Path, times_s: np.ndarray, yaw_deg: np.ndarray, centres_s: np.ndarray, *levels: np.ndarray) -> None:
    """Draw the head's motion above, and below it what the ears get."""
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(9, 5.5), layout="constrained")
        motion, ears = figure.subplots(2, 1, sharex=True)
        motion.plot(times_s, yaw_deg, color="#22303c", label="where the head looks")
        motion.axhline(SOURCE_DEG, color="#c2571a", linestyle="--", label="where the noise is")
        motion.set_ylabel("degrees, + left")
        motion.set_title("A head turns, the noise stays in the room", loc="left", fontsize=10)
        for level, name, colour in zip(levels, ("with tracking", "without"), ("#0b6e99", "#b3395b"), strict=True):
            ears.plot(centres_s, level, color=colour, label=name, linestyle="-" if name != "without" else ":")
        ears.axhline(0.0, color="#22303c", linewidth=0.8)
        ears.set_ylabel("left above right, dB")
        ears.set_xlabel("seconds")
        ears.set_title("What tells the ears where it is", loc="left", fontsize=10)
        motion.set_ylim(-90, 115)
        ears.set_ylim(-15, 28)
        for axes in (motion, ears):
            axes.legend(loc="upper right", ncols=2)
        figure.savefig(path, dpi=110, facecolor="white")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "."))
