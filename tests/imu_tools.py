"""Heads for virtual sensors, and recordings of our own making."""

from pathlib import Path

import numpy as np

from firmware_bridge import quaternion
from firmware_bridge.imu_recording import COLUMNS, NEEDED, ImuRecording
from firmware_bridge.messages import Motion
from firmware_bridge.virtual.imu import ImuFaults, ImuSamples, VirtualImu
from firmware_bridge.virtual.simulated_head import HeadState, SimulatedHead


class RestThenMove:
    """Lies still for a while, as on a desk, and is then worn."""

    def __init__(self, rest_s: float, seed: int = 1) -> None:
        self._rest_s, self._head = rest_s, SimulatedHead(seed)

    def pose_at(self, time_s):
        time = np.asarray(time_s, np.float64)
        head = self._head.pose_at(np.maximum(time - self._rest_s, 0.0))
        return HeadState(head.quat_world_from_head, np.where((time < self._rest_s)[..., None], 0.0, head.gyro_rad_s))


class Spin:
    """Turns about the vertical at a steady rate."""

    def __init__(self, rate_rad_s: float) -> None:
        self._rate_rad_s = rate_rad_s

    def pose_at(self, time_s):
        time = np.asarray(time_s, np.float64)
        quat = quaternion.from_yaw_pitch_roll_deg(np.degrees(self._rate_rad_s * time), 0.0, 0.0)
        return HeadState(quat, np.broadcast_to([0.0, 0.0, self._rate_rad_s], (*time.shape, 3)))


class Held:
    """Never moves."""

    def __init__(self, yaw_deg: float = 0.0, pitch_deg: float = 0.0, roll_deg: float = 0.0) -> None:
        self._quat = quaternion.from_yaw_pitch_roll_deg(yaw_deg, pitch_deg, roll_deg)

    def pose_at(self, time_s):
        shape = np.shape(time_s)
        return HeadState(np.broadcast_to(self._quat, (*shape, 4)), np.zeros((*shape, 3)))


def motions(samples: ImuSamples) -> list[Motion]:
    rows = zip(samples.gyro_rad_s.tolist(), samples.accel_m_s2.tolist(), samples.mag_ut.tolist(), strict=True)
    return [Motion(gyro_rad_s=tuple(g), accel_m_s2=tuple(a), mag_ut=tuple(m)) for g, a, m in rows]


def own_recording(seconds: float, rate_hz: float, rest_s: float, faults: ImuFaults, seed: int = 0) -> ImuRecording:
    times = np.arange(0.0, seconds, 1.0 / rate_hz)
    samples = VirtualImu(RestThenMove(rest_s), faults=faults, rate_hz=rate_hz, seed=seed).measure(times)
    return ImuRecording(
        "own",
        times,
        samples.gyro_rad_s,
        samples.accel_m_s2,
        samples.mag_ut,
        samples.quats_world_from_head,
        times >= rest_s,
    )


def write_imu_recording(recording: ImuRecording, path: Path) -> None:
    """Write a recording as a `.csv` or `.npz` file."""
    mag = () if recording.mag_ut is None else ("mag_ut",)
    fields = ("times_s", "gyro_rad_s", "accel_m_s2", *mag, "quats_world_from_imu", "moving")
    if path.suffix == ".npz":
        np.savez_compressed(path, **{field: getattr(recording, field) for field in fields})
        return
    names = [*NEEDED[:7], *(COLUMNS["mag"] if mag else ()), *COLUMNS["quat"], "moving"]
    table = np.column_stack([getattr(recording, field) for field in fields])
    np.savetxt(path, table, fmt="%.9g", delimiter=",", header=",".join(names), comments="")
