"""How a sensor sits on the head, and angles whose sign a device has wrong."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import sqrt

from firmware_bridge.dialects.turns import angles_deg_from_quat, quat_from_angles_deg
from firmware_bridge.errors import BridgeError
from firmware_bridge.messages import Quat, Vec3
from firmware_bridge.plain_quaternion import IDENTITY, conjugate, multiply, normalise, rotate

ANGLES = ("yaw", "pitch", "roll")


@dataclass(frozen=True, slots=True)
class Mounting:
    """Turns what a sensor says into what the head does. Any thread.

    `quat_sensor_from_head` maps vectors of the head (x front, y left, z up) into the sensor's axes. `invert`
    names head angles ("yaw", "pitch", "roll") to negate afterwards: a mirrored tracker has one or two. `gyro`
    tells whether the device's gyro turns with its quaternion; where not, it is dropped. Raises BridgeError for
    an angle of another name.
    """

    quat_sensor_from_head: Quat = IDENTITY
    invert: frozenset[str] = frozenset()
    gyro: bool = True

    def __post_init__(self) -> None:
        unknown = sorted(self.invert.difference(ANGLES))
        if unknown:
            raise BridgeError(f"cannot invert {unknown[0]!r}: allowed are {', '.join(ANGLES)}.")
        object.__setattr__(self, "quat_sensor_from_head", normalise(self.quat_sensor_from_head))

    def apply(self, quat_world_from_sensor: Quat, gyro_sensor: Vec3 | None) -> tuple[Quat, Vec3 | None]:
        """Return world from head, and the gyro (rad/s) along the head's axes: None where it cannot be told.

        After an inversion the rates are to be derived from the poses, for they are no longer those of the gyro.
        """
        quat = multiply(quat_world_from_sensor, self.quat_sensor_from_head)
        if self.invert:
            yaw, pitch, roll = (
                -angle if name in self.invert else angle
                for name, angle in zip(ANGLES, angles_deg_from_quat(quat), strict=True)
            )
            return quat_from_angles_deg(yaw, pitch, roll), None
        if gyro_sensor is None or not self.gyro:
            return quat, None
        return quat, rotate(conjugate(self.quat_sensor_from_head), gyro_sensor)


def mounting_from_axes(up: Vec3, left: Vec3) -> Mounting:
    """Return the mounting of a head whose up and left have these sensor axes; any length, `left` made level."""
    up = _unit(up)
    rise = _dot(left, up)
    left = _unit((left[0] - rise * up[0], left[1] - rise * up[1], left[2] - rise * up[2]))
    return Mounting(_quat_from_columns(_cross(left, up), left, up))


def inverted(mounting: Mounting, names: Iterable[str]) -> Mounting:
    """Return the mounting with the sign of these angles changed once more: a switch turned twice is off."""
    return Mounting(mounting.quat_sensor_from_head, mounting.invert.symmetric_difference(names), mounting.gyro)


def _unit(v: Vec3) -> Vec3:
    length = sqrt(_dot(v, v))
    if length < 1e-9:
        raise BridgeError("the sensor gave a direction of no length: calibrate once more.")
    return (v[0] / length, v[1] / length, v[2] / length)


def _dot(a: Vec3, b: Vec3) -> float:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def _cross(a: Vec3, b: Vec3) -> Vec3:
    return (a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0])


def _quat_from_columns(x: Vec3, y: Vec3, z: Vec3) -> Quat:
    """Return the quaternion of the matrix with these orthonormal columns, by its largest part (Shepperd)."""
    squares = (
        1.0 + x[0] + y[1] + z[2],
        1.0 + x[0] - y[1] - z[2],
        1.0 - x[0] + y[1] - z[2],
        1.0 - x[0] - y[1] + z[2],
    )
    largest = max(range(4), key=squares.__getitem__)
    s = squares[largest]
    wx, wy, wz = y[2] - z[1], z[0] - x[2], x[1] - y[0]
    xy, xz, yz = x[1] + y[0], x[2] + z[0], y[2] + z[1]
    return normalise([(s, wx, wy, wz), (wx, s, xy, xz), (wy, xy, s, yz), (wz, xz, yz, s)][largest])
