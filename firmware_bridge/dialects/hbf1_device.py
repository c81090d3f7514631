"""A virtual HBF-1 device: streams at once, in frames or lines, and obeys the commands of the firmware."""

from math import degrees
from struct import pack

from firmware_bridge.dialects import cobs
from firmware_bridge.dialects.checksums import crc16_ibm3740, xor8
from firmware_bridge.dialects.hbf1_frame import (
    ACCEL,
    ACCEL_PER_M_S2,
    EVENT,
    GYRO,
    GYRO_PER_RAD_S,
    INFO,
    LAYOUTS,
    MAG,
    MAG_PER_UT,
    MOTION,
    PONG,
    QUAT16,
    QUAT16_ONE,
    QUAT32,
    STATUS_BUTTON,
    TEMP,
)
from firmware_bridge.dialects.turns import GRAVITY_M_S2, angles_deg_from_quat, quat_from_angles_deg
from firmware_bridge.messages import Quat, Vec3
from firmware_bridge.virtual.device import DeviceState

DEFAULT_RATE_HZ, MAX_RATE_HZ = 200, 1000
MAX_COMMAND_BYTES = 64
TEMPERATURE_CENTI_C = 2500


class Hbf1Device:
    """Sends one measurement per state, or fewer after RATE; quaternion and gyro unless `fields` says otherwise."""

    def __init__(self, fields: int = QUAT16 | GYRO, text: bool = False) -> None:
        self._fields, self._text = fields, text
        self._saved = (fields, text)
        self._rate_hz: int | None = None
        self._seq_offset: int | None = 0
        self._heard = b""
        self._before = b"\0"
        self._booted_s = self._due_s = self._zero_deg = 0.0
        self._streaming, self._zero_asked = True, False
        self._reference = 0

    def encode(self, state: DeviceState) -> bytes:
        """Return a frame or a line, the first after a zero; b"" while stopped or where the rate asks for none."""
        before, self._before = self._before, b""
        if self._seq_offset is None:
            self._seq_offset = state.seq
        if not self._streaming or not self._is_due(state.time_s):
            self._seq_offset += 1
            return before
        yaw_deg, pitch_deg, roll_deg = angles_deg_from_quat(state.quat_world_from_head)
        if self._zero_asked:
            self._zero_asked, self._zero_deg = False, yaw_deg
            self._reference += 1
        quat = state.quat_world_from_head
        if self._zero_deg:
            quat = quat_from_angles_deg(yaw_deg - self._zero_deg, pitch_deg, roll_deg)
        seq = (state.seq - self._seq_offset) & 0xFFFF
        status = 3 | STATUS_BUTTON * state.button | (self._reference & 15) << 8 | round(14.0 * state.battery) << 12
        parts = self._line if self._text else self._frame
        return before + parts(state, quat, seq, self._clock_us(state.time_s), status)

    def answer(self, data: bytes, time_s: float) -> bytes:
        """Obey whole lines and return the frames that answer them."""
        *lines, rest = (self._heard + data).split(b"\n")
        self._heard = rest[-MAX_COMMAND_BYTES:]
        return b"".join(self._obey(line.decode("ascii", "replace").split(), time_s) for line in lines)

    def _is_due(self, time_s: float) -> bool:
        if self._rate_hz is None:
            return True
        if time_s < self._due_s - 0.5 / MAX_RATE_HZ:
            return False
        period_s = 1.0 / self._rate_hz
        self._due_s = period_s + (self._due_s if time_s - self._due_s < period_s else time_s)
        return True

    def _clock_us(self, time_s: float) -> int:
        return round((time_s - self._booted_s) * 1e6) & 0xFFFFFFFF

    def _frame(self, state: DeviceState, quat: Quat, seq: int, t_us: int, status: int) -> bytes:
        values: list[float] = []
        if self._fields & QUAT16:
            values += [round(part * QUAT16_ONE) for part in quat]
        if self._fields & QUAT32:
            values += quat
        if self._fields & GYRO:
            values += _counts(state.gyro_rad_s, GYRO_PER_RAD_S)
        if self._fields & ACCEL:
            values += _counts(state.accel_m_s2, ACCEL_PER_M_S2)
        if self._fields & MAG:
            values += _counts(state.mag_ut, MAG_PER_UT)
        if self._fields & TEMP:
            values.append(TEMPERATURE_CENTI_C)
        return _wire(LAYOUTS[self._fields].pack(MOTION, self._fields, seq, t_us, status, *values, 0)[:-2])

    def _line(self, state: DeviceState, quat: Quat, seq: int, t_us: int, status: int) -> bytes:
        words = ["HT", str(seq), str(t_us), *(f"{part:.5f}" for part in quat), f"{status:04X}"]
        if self._fields & GYRO:
            words += [f"{degrees(rate):.3f}" for rate in state.gyro_rad_s]
            if self._fields & ACCEL:
                words += [f"{part / GRAVITY_M_S2:.5f}" for part in state.accel_m_s2]
        body = ",".join(words).encode()
        return b"$%s*%02X\r\n" % (body, xor8(body))

    def _obey(self, words: list[str], time_s: float) -> bytes:
        match words:
            case []:
                return b""
            case ["HELLO"]:
                return self._tell(INFO, self._info(), time_s)
            case ["START" | "STOP" as word]:
                self._streaming = word == "START"
            case ["RATE", hz] if hz.isdecimal() and 0 < int(hz) <= MAX_RATE_HZ:
                self._rate_hz = int(hz)
                return self._tell(INFO, self._info(), time_s)
            case ["FIELDS", fields] if self._can_send(fields):
                self._fields = int(fields, 16)
                return self._tell(INFO, self._info(), time_s)
            case ["MODE", "BIN" | "TXT" as word] if word == "BIN" or self._fields & (QUAT16 | QUAT32):
                self._text = word == "TXT"
            case ["ZERO"]:
                self._zero_asked = True
                return self._tell(EVENT, "zero", time_s)
            case ["CAL", "GYRO" | "MAG" | "STOP" as word]:
                return self._tell(EVENT, f"cal={word.lower()}", time_s)
            case ["PING", token] if token.isdecimal() and int(token) < 1 << 32:
                now_us = self._clock_us(time_s)
                return _wire(pack("<BBHIIII", PONG, 0, 0, now_us, int(token), now_us, now_us))
            case ["SAVE"]:
                self._saved = (self._fields, self._text)
                return self._tell(EVENT, "saved", time_s)
            case ["REBOOT"]:
                self._fields, self._text = self._saved
                self._rate_hz = self._seq_offset = None
                self._before = b"\0"
                self._booted_s, self._due_s, self._zero_deg = time_s, 0.0, 0.0
                self._streaming, self._zero_asked = True, False
                self._reference = 0
                return b""
            case _:
                return self._tell(EVENT, f"error=not understood: {' '.join(words)}", time_s)
        return self._tell(EVENT, f"{words[0].lower()}={' '.join(words[1:]).lower() or 'ok'}", time_s)

    def _can_send(self, fields: str) -> bool:
        try:
            mask = int(fields, 16)
        except ValueError:
            return False
        return mask in LAYOUTS and (not self._text or bool(mask & (QUAT16 | QUAT32)))

    def _info(self) -> str:
        rate_hz = self._rate_hz or DEFAULT_RATE_HZ
        return f"proto=1\nfw=virtual\nimu=none\nrate={rate_hz}\nfields={self._fields:02x}\nticks=us32\nid=virtual\n"

    def _tell(self, kind: int, text: str, time_s: float) -> bytes:
        return _wire(pack("<BBHI", kind, 0, 0, self._clock_us(time_s)) + text.encode()[:118])


def _counts(vec: Vec3, per_unit: float) -> list[int]:
    return [max(-32767, min(32767, round(part * per_unit))) for part in vec]


def _wire(raw: bytes) -> bytes:
    return cobs.encode(raw + crc16_ibm3740(raw).to_bytes(2, "little")) + b"\0"
