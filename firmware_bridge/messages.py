"""What a device told us, whatever it spoke: the one form in which all dialects meet."""

from collections.abc import Mapping
from dataclasses import dataclass, field

Quat = tuple[float, float, float, float]
Vec3 = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Motion:
    """One measurement as a device told it, before mounting and recentring.

    `quat_wxyz` is a unit quaternion, world from body, z up, in our frame (x front, y left, z up) where the
    dialect says how the device's axes lie on the head, else in the sensor's own right-handed axes (see
    `Dialect.axes`); None where the device sends raw values only. `gyro_rad_s`, `accel_m_s2` (specific
    force: +9.81 upwards at rest) and `mag_ut` are along those same body axes. `seq` counts up by one per
    measurement and wraps at `Dialect.seq_wrap`; `device_time_s` is the device's own clock at the moment of
    measurement and wraps at `Dialect.clock_wrap_s`. `reference` changes when the device's own zero jumped.
    `battery` is 0..1. `norm` is the length at which the quaternion was told, before it was made one. `weak`: this
    one was guarded less than `Dialect.check` says, by a sum of 8 bits. `saturated`: a sensor was at the end of its
    range. `gyro_bias_known`: the device says whether it has taken the bias off the gyro, None where it says nothing.
    """

    quat_wxyz: Quat | None = None
    gyro_rad_s: Vec3 | None = None
    accel_m_s2: Vec3 | None = None
    mag_ut: Vec3 | None = None
    seq: int | None = None
    device_time_s: float | None = None
    reference: int | None = None
    at_rest: bool | None = None
    button: bool = False
    overrun: bool = False
    battery: float | None = None
    norm: float = 1.0
    weak: bool = False
    saturated: bool = False
    gyro_bias_known: bool | None = None


@dataclass(frozen=True, slots=True)
class Pong:
    """The answer to a ping, in the device's clock: when the question came, when the answer left."""

    token: int
    device_received_s: float
    device_sent_s: float


@dataclass(frozen=True, slots=True)
class Told:
    """Anything else a device says of itself: `kind` is "info", "event" or "log"; `values` are its words."""

    kind: str
    values: Mapping[str, str] = field(default_factory=dict)


Message = Motion | Pong | Told
