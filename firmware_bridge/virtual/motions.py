"""How a virtual head moves, by the words a person writes: head, still, nods, spin, a CSV file, a recording."""

from math import radians
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from firmware_bridge import quaternion
from firmware_bridge.csv_poses import PoseTrack, read_pose_csv
from firmware_bridge.errors import BridgeError
from firmware_bridge.virtual.imu import HeadMotion
from firmware_bridge.virtual.nodding_head import NoddingHead
from firmware_bridge.virtual.replayed_motion import ReplayedMotion
from firmware_bridge.virtual.simulated_head import HeadState, SimulatedHead

MOTIONS = "head[:SEED], still, nods, spin:DEG_PER_S, csv:FILE or recording:FILE"
MAX_SPIN_DEG_S = 2000.0


class SpinningHead:
    """A level head that turns to the left at a constant rate; at 0 it is still. Any thread."""

    def __init__(self, rate_deg_s: float) -> None:
        self._rate_rad_s = radians(rate_deg_s)

    def pose_at(self, time_s: ArrayLike) -> HeadState:
        """Return heads (..., 4) and rates (..., 3) at times (...)."""
        time = np.asarray(time_s, np.float64)
        yaw = np.degrees(np.remainder(self._rate_rad_s * time, 2.0 * np.pi))
        rates = np.zeros((*time.shape, 3))
        rates[..., 2] = self._rate_rad_s
        return HeadState(quaternion.from_yaw_pitch_roll_deg(yaw, 0.0 * yaw, 0.0 * yaw), rates)


def make_motion(text: str) -> HeadMotion:
    """Return the motion that `text` names; raises BridgeError that says what is allowed."""
    kind, colon, rest = text.partition(":")
    if text == "still":
        return SpinningHead(0.0)
    if text == "nods":
        return NoddingHead()
    if kind == "head" and (not colon or (rest.isascii() and rest.isdigit())):
        return SimulatedHead(int(rest or 0))
    if kind == "spin" and rest:
        return SpinningHead(_spin_deg_s(rest))
    if kind == "csv" and rest:
        return ReplayedMotion(read_pose_csv(Path(rest)))
    if kind == "recording" and rest:
        return ReplayedMotion(_truth_of(Path(rest)))
    raise BridgeError(f"unknown motion {text!r}: allowed are {MOTIONS}.")


def _spin_deg_s(text: str) -> float:
    try:
        rate_deg_s = float(text)
    except ValueError:
        rate_deg_s = np.inf
    if not abs(rate_deg_s) <= MAX_SPIN_DEG_S:
        raise BridgeError(f"a head cannot spin by {text!r}: allowed are -{MAX_SPIN_DEG_S:g} to {MAX_SPIN_DEG_S:g} °/s.")
    return rate_deg_s


def _truth_of(path: Path) -> PoseTrack:
    from firmware_bridge.imu_recording import read_imu_recording

    recording = read_imu_recording(path)
    is_known = np.isfinite(recording.quats_world_from_imu).all(axis=-1)
    if not is_known.any():
        raise BridgeError(f"{path} holds no orientation: name a recording with truth.")
    times_s = recording.times_s[is_known]
    return PoseTrack(times_s - times_s[0], quaternion.continuous(recording.quats_world_from_imu[is_known]))
