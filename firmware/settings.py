"""What SAVE keeps over a restart: rate, fields and mode, in a small file on the flash."""

import json
import os

from hbf1 import ACCEL, GYRO, QUAT16

MAX_RATE_HZ = 1000


def can_send(fields, imu_fields, text):
    """Return whether an IMU of `imu_fields` can send these, with the quaternion or what the host fuses."""
    enough = fields & QUAT16 or (not text and fields & (GYRO | ACCEL) == GYRO | ACCEL)
    return bool(enough) and not fields & ~imu_fields


class Settings:
    """Rate, fields and mode as they were saved, else the IMU's own: 200 Hz frames of all that is usual."""

    def __init__(self, path, imu):
        self._path = path
        self.rate_hz, self.fields, self.text = 200, imu.usual_fields, False
        try:
            with open(path) as file:
                kept = json.load(file)
            rate_hz, fields, text = int(kept["rate"]), int(kept["fields"]), bool(kept["text"])
        except (OSError, ValueError, KeyError, TypeError):
            return
        if 0 < rate_hz <= MAX_RATE_HZ and can_send(fields, imu.fields, text):
            self.rate_hz, self.fields, self.text = rate_hz, fields, text

    def save(self):
        """Write the file anew; raises OSError."""
        with open(self._path + ".new", "w") as file:
            json.dump({"rate": self.rate_hz, "fields": self.fields, "text": self.text}, file)
        # MicroPython replaces a file of that name, also on FAT.
        os.rename(self._path + ".new", self._path)
