"""TDK ICM-20948 over I2C: gyro and accelerometer as measured, for the host to fuse. Untried on hardware.

Its registers lie in four banks. +-2000 degree/s is 16.4 counts per degree/s, +-16 g is 2048 counts per g; both
sensors run at 1125 Hz divided by a whole number, low-passed at 120 and 111 Hz. The magnetometer is not used.
"""

from hbf1 import ACCEL, GYRO

ADDRESSES = (0x69, 0x68)
WHO_AM_I, IDENTITY = 0x00, 0xEA
BANK = 0x7F
PWR_MGMT_1, PWR_MGMT_2, INT_PIN_CFG, INT_ENABLE_1, INT_STATUS_1, ACCEL_XOUT_H = 0x06, 0x07, 0x0F, 0x11, 0x1A, 0x2D
GYRO_SMPLRT_DIV, GYRO_CONFIG_1, ODR_ALIGN_EN, ACCEL_SMPLRT_DIV_1, ACCEL_CONFIG = 0x00, 0x01, 0x09, 0x10, 0x14
"""Of bank 2; the row above is of bank 0."""
BASE_RATE_HZ = 1125
FULL = 32767


class Icm20948:
    """Samples of gyro and accelerometer; `edge` is its INT wire, active high until read."""

    name = "ICM-20948"
    fields = usual_fields = GYRO | ACCEL
    bias_free = False

    def __init__(self, bus, address, edge, board):
        self._bus, self._address, self._edge, self._sleep_ms = bus, address, edge, board.sleep_ms
        self._one, self._raw = bytearray(1), bytearray(12)
        self.rate_hz = 0

    def start(self, rate_hz):
        """Reset the sensor and run it at the rate it has that is nearest; raises OSError."""
        divider = max(1, min(256, round(BASE_RATE_HZ / rate_hz)))
        self._write(BANK, 0x00)
        self._write(PWR_MGMT_1, 0x80)
        self._sleep_ms(50)
        # Awake, with the best clock there is; then both sensors on.
        self._write(PWR_MGMT_1, 0x01)
        self._sleep_ms(30)
        self._write(PWR_MGMT_2, 0x00)
        self._write(BANK, 0x20)
        self._write(ODR_ALIGN_EN, 1)
        self._write(GYRO_SMPLRT_DIV, divider - 1)
        self._write(GYRO_CONFIG_1, 2 << 3 | 3 << 1 | 1)
        self._bus.writeto_mem(self._address, ACCEL_SMPLRT_DIV_1, bytes((0, divider - 1)))
        self._write(ACCEL_CONFIG, 2 << 3 | 3 << 1 | 1)
        self._write(BANK, 0x00)
        # The wire stays high until anything is read.
        self._write(INT_PIN_CFG, 0x30)
        self._write(INT_ENABLE_1, 1)
        self.rate_hz = BASE_RATE_HZ / divider

    def poll(self, sample):
        """Fill the sample and return True where there is a new one; raises OSError."""
        if not self._edge.is_up():
            return False
        sample.ticks = self._edge.ticks()
        self._bus.readfrom_mem_into(self._address, INT_STATUS_1, self._one)
        if not self._one[0] & 1:
            return False
        raw = self._raw
        self._bus.readfrom_mem_into(self._address, ACCEL_XOUT_H, raw)
        saturated = False
        for k in range(6):
            value = raw[2 * k] << 8 | raw[2 * k + 1]
            if value & 0x8000:
                value -= 0x10000
            saturated = saturated or value >= FULL or value <= -FULL
            if k < 3:
                sample.accel[k] = max(-FULL, value)
            else:
                # 16 / 16.4 of the wire's counts, rounded.
                sample.gyro[k - 3] = (value * 80 + 41) // 82
        sample.saturated = saturated
        return True

    def calibrate(self, what):
        """Refuse with ValueError: the host finds the bias."""
        raise ValueError("the host finds the bias of this sensor")

    def _write(self, register, value):
        self._one[0] = value
        self._bus.writeto_mem(self._address, register, self._one)
