"""A virtual VN-100: streams lines of a type that can be chosen, or binary frames."""

from struct import pack

from firmware_bridge.dialects.checksums import crc16_xmodem, xor8
from firmware_bridge.dialects.turns import angles_deg_from_quat, quat_frd, vec_frd
from firmware_bridge.virtual.device import DeviceState

OFF, YPR, QTN, QMR, YMR = 0, 1, 2, 8, 14
"""Types of asynchronous lines, as register 6 has them."""
GAUSS_PER_UT = 0.01
BINARY_FIELDS = 1 << 0 | 1 << 4 | 1 << 5 | 1 << 8
"""Time, quaternion, rates, acceleration."""
MAX_COMMAND_BYTES = 128


class VectornavDevice:
    """Streams `kind` (angles, field, acceleration and rates from the factory), with a CRC where asked."""

    def __init__(self, kind: int = YMR, crc: bool = False, binary: bool = False) -> None:
        self._kind, self._crc, self._binary = kind, crc, binary
        self._heard = b""

    def encode(self, state: DeviceState) -> bytes:
        """Return one line or one binary frame; b"" where the stream is off."""
        if self._binary:
            return _frame(state)
        if self._kind == OFF:
            return b""
        w, x, y, z = quat_frd(state.quat_world_from_head)
        yaw, pitch, roll = angles_deg_from_quat(state.quat_world_from_head)
        if self._kind in (QTN, QMR):
            words = ["VNQTN" if self._kind == QTN else "VNQMR", *(f"{part:+.6f}" for part in (x, y, z, w))]
        else:
            words = ["VNYPR" if self._kind == YPR else "VNYMR", *(f"{part:+08.3f}" for part in (-yaw, pitch, roll))]
        if self._kind in (QMR, YMR):
            words += [f"{part * GAUSS_PER_UT:+07.4f}" for part in vec_frd(state.mag_ut)]
            words += [f"{part:+07.3f}" for part in vec_frd(state.accel_m_s2)]
            words += [f"{part:+010.6f}" for part in vec_frd(state.gyro_rad_s)]
        return self._line(",".join(words).encode())

    def answer(self, data: bytes, time_s: float) -> bytes:
        """Obey `$VNWRG,06,type` and echo what is written to any register; other lines are errors."""
        *lines, rest = (self._heard + data).split(b"\n")
        self._heard = rest[-MAX_COMMAND_BYTES:]
        return b"".join(map(self._obey, lines))

    def _obey(self, line: bytes) -> bytes:
        body, _, check = line.strip().removeprefix(b"$").partition(b"*")
        if check.upper() not in (b"XX", b"%02X" % xor8(body), b"%04X" % crc16_xmodem(body)):
            return self._line(b"VNERR,03")
        word, *values = body.split(b",")
        if word != b"VNWRG" or len(values) < 2:
            return self._line(b"VNERR,04")
        if values[0] == b"06":
            if values[1] not in (b"0", b"1", b"2", b"8", b"14"):
                return self._line(b"VNERR,05")
            self._kind = int(values[1])
        return self._line(body)

    def _line(self, body: bytes) -> bytes:
        return b"$%s*%s\r\n" % (body, b"%04X" % crc16_xmodem(body) if self._crc else b"%02X" % xor8(body))


def _frame(state: DeviceState) -> bytes:
    w, x, y, z = quat_frd(state.quat_world_from_head)
    body = pack("<BHQ", 1, BINARY_FIELDS, round(state.time_s * 1e9) & (1 << 64) - 1)
    body += pack("<10f", x, y, z, w, *vec_frd(state.gyro_rad_s), *vec_frd(state.accel_m_s2))
    return b"\xfa" + body + crc16_xmodem(body).to_bytes(2, "big")
