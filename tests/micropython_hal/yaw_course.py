"""An IMU that was never built: a head that swings about the vertical, measured at exact moments."""

from math import cos, pi, sin

from hbf1 import ACCEL, GYRO, QUAT16

SWING_RAD, SWING_HZ = 0.8, 0.5


class YawCourse:
    """Yaw is 0.8 sin(2 pi 0.5 t), t in seconds since the first sample, which is taken at the first poll."""

    name = "yaw course"
    fields, usual_fields = QUAT16 | GYRO | ACCEL, QUAT16 | GYRO
    bias_free = True

    def __init__(self, board):
        self._board = board
        self._elapsed_us = 0
        self._due = None
        self.rate_hz = 0

    def start(self, rate_hz):
        self.rate_hz = rate_hz
        self._period_us = 1000000 // rate_hz

    def calibrate(self, what):
        pass

    def poll(self, sample):
        ticks_diff, now = self._board.ticks_diff, self._board.ticks_us()
        if self._due is None:
            self._due = now
        if ticks_diff(now, self._due) < 0:
            return False
        phase = 2 * pi * SWING_HZ * self._elapsed_us * 1e-6
        half = SWING_RAD * sin(phase) / 2
        sample.quat[0], sample.quat[1], sample.quat[2] = round(16384 * cos(half)), 0, 0
        sample.quat[3] = round(16384 * sin(half))
        sample.gyro[2] = round(16 * 180 / pi * SWING_RAD * 2 * pi * SWING_HZ * cos(phase))
        sample.accel[2] = 2048
        sample.ticks, sample.late_us, sample.accuracy = self._due, 0, 3
        self._due = self._due + self._period_us & (1 << 30) - 1
        self._elapsed_us += self._period_us
        return True
