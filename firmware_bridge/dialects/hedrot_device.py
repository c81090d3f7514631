"""A virtual hedrot: silent until it is pinged, and again a second after the last ping."""

from math import degrees

from firmware_bridge.dialects.counts import to_counts
from firmware_bridge.dialects.hedrot_frame import (
    ACCEL_PER_G,
    ARE_YOU_THERE,
    GYRO_PER_DEG_S,
    INFO_END,
    INFO_START,
    MAG_PER_GAUSS,
    PING_COMMAND,
    SEND_INFO,
    STOP,
    pack_counts,
)
from firmware_bridge.dialects.turns import GRAVITY_M_S2, vec_frd
from firmware_bridge.virtual.device import DeviceState

PING_HOLDS_S = 1.0
SETTINGS = (
    b"firmware_version 10,samplerate 1000,gyroHalfScaleSensitivity 2000,gyroBitDepth 16,"
    b"accOffset 0.00 0.00 0.00,accScaling 256.00 256.00 256.00,magGain 4"
)


class HedrotDevice:
    """Sends one frame per measurement while it is pinged."""

    def __init__(self) -> None:
        self._stops_s: float | None = None

    def encode(self, state: DeviceState) -> bytes:
        """Return one frame; b"" while nobody pings."""
        if self._stops_s is None or state.time_s >= self._stops_s:
            return b""
        mag, force, gyro = vec_frd(state.mag_ut), vec_frd(state.accel_m_s2), vec_frd(state.gyro_rad_s)
        return pack_counts(
            [
                *to_counts(mag, 0.01 * MAG_PER_GAUSS),
                *to_counts(force, -ACCEL_PER_G / GRAVITY_M_S2),
                *to_counts([degrees(rate) for rate in gyro], GYRO_PER_DEG_S),
            ]
        )

    def answer(self, data: bytes, time_s: float) -> bytes:
        """Obey single bytes."""
        answers = b""
        for command in (data[at : at + 1] for at in range(len(data))):
            if command == PING_COMMAND:
                self._stops_s = time_s + PING_HOLDS_S
                answers += command
            elif command == ARE_YOU_THERE:
                answers += command
            elif command in (STOP, SEND_INFO):
                self._stops_s = None
                if command == SEND_INFO:
                    answers += bytes([INFO_START]) + SETTINGS + bytes([INFO_END])
        return answers
