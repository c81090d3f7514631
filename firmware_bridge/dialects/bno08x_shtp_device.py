"""A virtual BNO08x in UART-SHTP mode: sends the reports that were asked for, as inputs with a time base."""

from struct import pack

from firmware_bridge.dialects.bno08x_shtp_frame import (
    ACCEL,
    ACCEL_PER_M_S2,
    AR_GAME_ROTATION,
    CONTROL,
    FEATURE,
    FLAG,
    GYRO,
    GYRO_PER_RAD_S,
    HEADER_BYTES,
    INPUT,
    MAG,
    MAG_PER_UT,
    Q14,
    SET_FEATURE,
    TIME_BASE,
    TURNS,
    frame,
    unescape,
)
from firmware_bridge.dialects.counts import to_counts
from firmware_bridge.virtual.device import DeviceState

SET_FEATURE_BYTES = 17
MAX_HEARD_BYTES = 256


class ShtpDevice:
    """Sends one cargo per measurement; `reports` are those that a host before this one asked for."""

    def __init__(self, reports: tuple[int, ...] = (GYRO, AR_GAME_ROTATION)) -> None:
        self._reports = set(reports)
        self._input_seq = self._control_seq = 0
        self._heard = b""

    def encode(self, state: DeviceState) -> bytes:
        """Return one cargo of all reports; b"" where none were asked for."""
        vectors = {
            ACCEL: (state.accel_m_s2, ACCEL_PER_M_S2),
            GYRO: (state.gyro_rad_s, GYRO_PER_RAD_S),
            MAG: (state.mag_ut, MAG_PER_UT),
        }
        w, x, y, z = state.quat_world_from_head
        cargo = b""
        for report in sorted(self._reports):
            head = bytes((report, state.seq & 0xFF, 3, 0))
            if report in vectors:
                vec, unit = vectors[report]
                cargo += head + pack("<3h", *to_counts(vec, unit))
            elif report in TURNS:
                # The two that use the magnetometer add an accuracy.
                cargo += head + pack("<4h", *to_counts((x, y, z, w), Q14)) + bytes(2 if report in (0x05, 0x28) else 0)
        if not cargo:
            return b""
        self._input_seq += 1
        return frame(INPUT, self._input_seq - 1, pack("<Bi", TIME_BASE, 0) + cargo)

    def answer(self, data: bytes, time_s: float) -> bytes:
        """Obey Set Feature commands and return the settings they led to."""
        *contents, rest = (self._heard + data).split(FLAG)
        self._heard = rest[-MAX_HEARD_BYTES:]
        answers = b""
        for content in map(unescape, contents):
            if content is None or len(content) != 1 + HEADER_BYTES + SET_FEATURE_BYTES or content[3] != CONTROL:
                continue
            command = content[1 + HEADER_BYTES :]
            if command[0] == SET_FEATURE:
                change = self._reports.add if any(command[5:9]) else self._reports.discard
                change(command[1])
                answers += frame(CONTROL, self._control_seq, bytes([FEATURE]) + command[1:])
                self._control_seq += 1
        return answers
