"""One measurement, in the units of the wire; drivers fill the same one again and again."""

from array import array


class Sample:
    """`quat` w, x, y, z in 1/16384, `gyro` in 1/16 degree/s, `accel` in 1/2048 g; sensor axes, world z up.

    The instant is `late_us` before `ticks` of the port's counter. `accuracy` is 0..3.
    """

    def __init__(self):
        self.quat = array("h", (16384, 0, 0, 0))
        self.gyro = array("h", (0, 0, 0))
        self.accel = array("h", (0, 0, 0))
        self.ticks = self.late_us = self.accuracy = 0
        self.saturated = False
