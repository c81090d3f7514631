"""The device's own zero of heading, in fixed point: one turn about the vertical."""

from math import atan2, cos, sin

ONE = 16384


class YawZero:
    """Turns quaternions so that the heading at the last `take` is ahead; `ref` counts the takes."""

    def __init__(self):
        self.ref = 0
        self._cos, self._sin = ONE, 0

    def take(self, quat):
        """Make the heading of this quaternion, as the sensor gave it, ahead."""
        w, x, y, z = [part / ONE for part in quat]
        half = atan2(2 * (w * z + x * y), 1 - 2 * (y * y + z * z)) / 2
        self._cos, self._sin = round(cos(half) * ONE), -round(sin(half) * ONE)
        self.ref = (self.ref + 1) & 15

    def apply(self, quat):
        """Turn a quaternion in place."""
        if self._sin:
            c, s = self._cos, self._sin
            w, x, y, z = quat[0], quat[1], quat[2], quat[3]
            # A sum of two products is a length times a length: at most 2**28, a small integer on every port.
            quat[0] = _part(c * w - s * z)
            quat[1] = _part(c * x - s * y)
            quat[2] = _part(c * y + s * x)
            quat[3] = _part(c * z + s * w)


def _part(value):
    return max(-ONE, min(ONE, (value + ONE // 2) >> 14))
