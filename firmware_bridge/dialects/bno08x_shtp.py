"""BNO08x in UART-SHTP mode: quaternions and gyro up to 1 kHz at 3 Mbaud, in frames without a checksum.

`7E 01 | length u16 | channel | seq | cargo | 7E`, escaped as in RFC 1662. Inputs begin with a time base and hold
one or several reports `id | seq | status | delay | data`; quaternions are i, j, k, real. Times are relative to an
interrupt line that a serial port has not, so there is no clock. Long cargoes continue in further frames.
"""

from math import hypot
from struct import Struct

from firmware_bridge.decoder import StreamDecoder
from firmware_bridge.dialect import Axes, Check, Dialect, Talk, Transport
from firmware_bridge.dialects.bno08x_shtp_device import ShtpDevice
from firmware_bridge.dialects.bno08x_shtp_frame import (
    ACCEL,
    ACCEL_PER_M_S2,
    AR_GAME_ROTATION,
    BUFFER_STATUS,
    EXECUTABLE,
    FAST_GYRO_PER_RAD_S,
    FLAG,
    GYRO,
    GYRO_INTEGRATED,
    GYRO_INTEGRATED_BYTES,
    GYRO_PER_RAD_S,
    HEADER_BYTES,
    INPUT,
    MAG,
    MAG_PER_UT,
    Q14,
    REPORT_BYTES,
    SHTP,
    TIME_BASE,
    TURNS,
    WAKE_INPUT,
    set_feature,
    unescape,
)
from firmware_bridge.dialects.seq_gaps import SeqGaps
from firmware_bridge.dialects.turns import unit_quat
from firmware_bridge.messages import Message, Motion, Quat, Told, Vec3

MAX_CARGO_BYTES = 1024
MAX_NORM_ERROR = 0.02
N_CHANNELS = 6
USES = 4
"""A gyro, accelerometer or magnetometer report goes with so many quaternions at most, then it is old."""
WANTED_INTERVAL_US = 5000
_HEADER = Struct("<HBB")
_FOUR, _THREE, _SEVEN = Struct("<4h"), Struct("<3h"), Struct("<7h")
_UNITS = {ACCEL: ACCEL_PER_M_S2, GYRO: GYRO_PER_RAD_S, MAG: MAG_PER_UT}


class ShtpDecoder(StreamDecoder):
    """Reads frames, joins cargoes, and gives one motion for each quaternion, with the latest gyro."""

    def __init__(self) -> None:
        super().__init__()
        self._ready: list[Message] = []
        self._forget()

    def reset(self) -> None:
        """Forget half a frame, half a cargo and the last counters."""
        super().reset()
        self._forget()

    def _forget(self) -> None:
        self._gaps = [SeqGaps(256) for _ in range(N_CHANNELS)]
        self._cargo = b""
        self._missing_bytes = 0
        self._cargo_channel, self._cargo_seq = 0, 0
        self._latest: dict[int, tuple[Vec3, int]] = {}

    def feed(self, data: bytes) -> list[Message]:
        """Return the messages that these bytes complete; one cargo may hold several."""
        self._ready = []
        super().feed(data)
        return self._ready

    def scan(self, buffer: bytes, at: int) -> tuple[int, Message | None]:
        """Look at one place: what stands between two flags, which may belong to both their neighbours."""
        if buffer[at] != FLAG[0]:
            self.counts.damaged += 1
            start = buffer.find(FLAG, at)
            return (start if start >= 0 else len(buffer)) - at, None
        end = buffer.find(FLAG, at + 1)
        if end < 0:
            return 0, None
        if end > at + 1 and not self._read_frame(unescape(buffer[at + 1 : end])):
            self.counts.damaged += 1
        return end - at, None

    def _read_frame(self, content: bytes | None) -> bool:
        if content is None or len(content) < 1 + HEADER_BYTES or content[0] != SHTP:
            return content is not None and content[0] == BUFFER_STATUS and len(content) == 3
        length, channel, seq = _HEADER.unpack_from(content, 1)
        n_bytes, cargo = (length & 0x7FFF) - HEADER_BYTES, content[1 + HEADER_BYTES :]
        if channel >= N_CHANNELS or not len(cargo) <= n_bytes <= MAX_CARGO_BYTES:
            return False
        lost = self._gaps[channel].lost_before(seq)
        if length & 0x8000:
            follows = (channel, seq, n_bytes) == (self._cargo_channel, self._cargo_seq, self._missing_bytes)
            if not follows or not n_bytes:
                self._missing_bytes = 0
                return False
            cargo, n_bytes = self._cargo + cargo, len(self._cargo) + n_bytes
        elif self._missing_bytes:
            self.counts.damaged += 1
        self._cargo, self._missing_bytes = cargo, n_bytes - len(cargo)
        self._cargo_channel, self._cargo_seq = channel, seq + 1 & 0xFF
        if self._missing_bytes:
            return True
        if channel in (INPUT, WAKE_INPUT):
            return self._read_inputs(cargo, lost)
        if channel == GYRO_INTEGRATED:
            return self._read_gyro_integrated(cargo, seq, lost)
        if channel == EXECUTABLE and cargo == b"\x01":
            self._tell(Told("event", {"event": "reset"}))
        return True

    def _read_inputs(self, cargo: bytes, lost: int) -> bool:
        reports, at = [], 0
        if not cargo or cargo[0] != TIME_BASE:
            return False
        while at < len(cargo):
            reports.append((cargo[at], at))
            at += REPORT_BYTES.get(cargo[at], len(cargo) + 1)
        if at != len(cargo):
            return False
        self.counts.lost += lost
        for report, start in reports:
            if report in _UNITS:
                x, y, z = _THREE.unpack_from(cargo, start + 4)
                unit = _UNITS[report]
                self._latest[report] = ((x / unit, y / unit, z / unit), USES)
            elif report in TURNS:
                self._turn(_FOUR.unpack_from(cargo, start + 4), cargo[start + 1])
        return True

    def _turn(self, turn: tuple[int, ...], seq: int) -> None:
        quat = _quat(*turn)
        if quat is None:
            self.counts.implausible += 1
            return
        latest = self._latest
        self._tell(
            Motion(
                quat_wxyz=quat,
                gyro_rad_s=latest[GYRO][0] if GYRO in latest else None,
                accel_m_s2=latest[ACCEL][0] if ACCEL in latest else None,
                mag_ut=latest[MAG][0] if MAG in latest else None,
                seq=seq,
                norm=hypot(*turn) / Q14,
            )
        )
        self._latest = {report: (vec, uses - 1) for report, (vec, uses) in latest.items() if uses > 1}

    def _read_gyro_integrated(self, cargo: bytes, seq: int, lost: int) -> bool:
        n_reports, rest = divmod(len(cargo), GYRO_INTEGRATED_BYTES)
        if rest or not n_reports:
            return False
        self.counts.lost += lost
        for k in range(n_reports):
            *turn, gx, gy, gz = _SEVEN.unpack_from(cargo, k * GYRO_INTEGRATED_BYTES)
            quat = _quat(*turn)
            if quat is None:
                self.counts.implausible += 1
                continue
            gyro = (gx / FAST_GYRO_PER_RAD_S, gy / FAST_GYRO_PER_RAD_S, gz / FAST_GYRO_PER_RAD_S)
            number = seq if n_reports == 1 else None
            self._tell(Motion(quat_wxyz=quat, gyro_rad_s=gyro, seq=number, norm=hypot(*turn) / Q14))
        return True

    def _tell(self, message: Message) -> None:
        self.counts.frames += 1
        self._ready.append(message)


def _quat(i: int, j: int, k: int, real: int) -> Quat | None:
    return unit_quat(real / Q14, i / Q14, j / Q14, k / Q14, MAX_NORM_ERROR)


DIALECT = Dialect(
    name="bno08x-shtp",
    about="BNO080/085/086 in UART-SHTP mode: quaternion and gyro, fast",
    transport=Transport.SERIAL,
    check=Check.NONE,
    axes=Axes.SENSOR,
    make_decoder=ShtpDecoder,
    make_device=ShtpDevice,
    verified="vectors, virtual device",
    rate_hz=200.0,
    bauds=(3000000,),
    seq_wrap=256,
    talk=Talk(
        opening=(set_feature(GYRO, WANTED_INTERVAL_US, 0), set_feature(AR_GAME_ROTATION, WANTED_INTERVAL_US, 1)),
        opening_gap_s=0.02,
        # The chip takes bytes slowly; a millisecond is what drivers in use wait.
        byte_gap_s=0.001,
        silent_until_asked=True,
    ),
)
