"""ST LSM6DSOX over I2C: gyro and accelerometer as measured, for the host to fuse. Untried on hardware.

+-2000 degree/s is 70 millidegree/s per count, +-16 g is 0.488 mg per count.
"""

from hbf1 import ACCEL, GYRO

ADDRESSES = (0x6A, 0x6B)
WHO_AM_I, IDENTITY = 0x0F, 0x6C
INT1_CTRL, CTRL1_XL, CTRL2_G, CTRL3_C, STATUS, OUTX_L_G = 0x0D, 0x10, 0x11, 0x12, 0x1E, 0x22
RATES_HZ = (26, 52, 104, 208, 417, 833, 1667)
"""By the code of the data rate, from 2 on."""
BOTH_READY = 3
FULL = 32767


class Lsm6dsox:
    """Samples of gyro and accelerometer; `edge` is its INT1 wire, active high until read."""

    name = "LSM6DSOX"
    fields = usual_fields = GYRO | ACCEL
    bias_free = False

    def __init__(self, bus, address, edge, board):
        self._bus, self._address, self._edge, self._sleep_ms = bus, address, edge, board.sleep_ms
        self._one, self._raw = bytearray(1), bytearray(12)
        self.rate_hz = 0

    def start(self, rate_hz):
        """Reset the sensor and run it at the rate it has that is nearest; raises OSError."""
        nearest = min(RATES_HZ, key=lambda own: abs(own - rate_hz))
        rate = 2 + RATES_HZ.index(nearest)
        self._write(CTRL3_C, 0x01)
        self._sleep_ms(10)
        # Both halves of a value from one moment, and addresses that count up.
        self._write(CTRL3_C, 0x44)
        self._write(INT1_CTRL, 0x02)
        self._write(CTRL1_XL, rate << 4 | 1 << 2)
        self._write(CTRL2_G, rate << 4 | 3 << 2)
        self.rate_hz = nearest

    def poll(self, sample):
        """Fill the sample and return True where there is a new one; raises OSError."""
        if not self._edge.is_up():
            return False
        sample.ticks = self._edge.ticks()
        self._bus.readfrom_mem_into(self._address, STATUS, self._one)
        if self._one[0] & BOTH_READY != BOTH_READY:
            return False
        raw = self._raw
        self._bus.readfrom_mem_into(self._address, OUTX_L_G, raw)
        saturated = False
        for k in range(6):
            value = raw[2 * k] | raw[2 * k + 1] << 8
            if value & 0x8000:
                value -= 0x10000
            saturated = saturated or value >= FULL or value <= -FULL
            if k < 3:
                # 0.07 * 16 of the wire's counts, rounded; what is beyond its scale is at its end.
                sample.gyro[k] = max(-FULL, min(FULL, (value * 56 + 25) // 50))
            else:
                # 0.488e-3 * 2048.
                sample.accel[k - 3] = (value * 1735 + 868) // 1736
        sample.saturated = saturated
        return True

    def calibrate(self, what):
        """Refuse with ValueError: the host finds the bias."""
        raise ValueError("the host finds the bias of this sensor")

    def _write(self, register, value):
        self._one[0] = value
        self._bus.writeto_mem(self._address, register, self._one)
