"""SlimeVR trackers over UDP: `00 00 00 type | packet number u64 | body`, big-endian.

A tracker calls until the host answers, then sends rotations as long as it hears from the host. Packets of all types
share one number. Accelerations are not used: they are without gravity, and firmwares disagree on their unit.
"""

from math import hypot
from struct import Struct

from firmware_bridge.dialect import Axes, Check, Dialect, Talk, Transport
from firmware_bridge.dialects.datagrams import DatagramDecoder
from firmware_bridge.dialects.seq_gaps import SeqGaps
from firmware_bridge.dialects.turns import unit_quat
from firmware_bridge.messages import Message, Motion, Told
from firmware_bridge.virtual.device import DeviceState

HEARTBEAT, HANDSHAKE, ACCEL, PING, BATTERY, ROTATION, BUNDLE = 0, 3, 4, 10, 12, 17, 100
HEARTBEAT_FROM_HOST = 1
MAX_TYPE = 127
NORMAL = 1
"""Of a rotation: another kind is a correction, not an orientation."""
MAX_NORM_ERROR = 0.02
HELLO = b"\x03Hey OVR =D 5"
_HEAD = Struct(">IQ")
_ROTATION = Struct(">BB4fB")
_BATTERY = Struct(">2f")
_CALL = Struct(">3I12xI")
_LENGTHS = {
    HEARTBEAT: _HEAD.size,
    ACCEL: _HEAD.size + 13,
    BATTERY: _HEAD.size + _BATTERY.size,
    ROTATION: _HEAD.size + _ROTATION.size,
}


class SlimevrDecoder(DatagramDecoder):
    """Reads packets and bundles; of trackers with several sensors the first one heard is the head's."""

    def __init__(self) -> None:
        super().__init__()
        self._gaps = SeqGaps(1 << 64)
        self._sensor: int | None = None
        self._battery: float | None = None

    def reset(self) -> None:
        """Forget the last packet number, which sensor is the head's and its battery; the counts stay."""
        self._gaps.reset()
        self._sensor = self._battery = None

    def length(self, data: bytes, at: int) -> int:
        """Return the length of a packet of a type that has one, else all that is left."""
        known = at + _HEAD.size <= len(data) and data[at : at + 3] == bytes(3)
        return min(_LENGTHS.get(data[at + 3], len(data)) if known else len(data), len(data) - at)

    def read(self, datagram: bytes) -> list[Message]:
        """Return the messages of one packet: more than one only from a bundle."""
        if len(datagram) < _HEAD.size:
            self.counts.damaged += 1
            return []
        kind, number = _HEAD.unpack_from(datagram)
        if kind > MAX_TYPE:
            self.counts.damaged += 1
            return []
        if kind == HANDSHAKE:
            # Calls have no number of their own.
            self._gaps.reset()
            return [_call(datagram[_HEAD.size :])]
        self.counts.lost += self._gaps.lost_before(number)
        if kind != BUNDLE:
            return self._read_body(kind, datagram[_HEAD.size :], number)
        return self._read_bundle(datagram, number)

    def _read_bundle(self, datagram: bytes, number: int) -> list[Message]:
        messages: list[Message] = []
        at = _HEAD.size
        while at < len(datagram):
            end = at + 2 + int.from_bytes(datagram[at : at + 2], "big")
            if end < at + 6 or end > len(datagram) or datagram[at + 2 : at + 5] != bytes(3):
                self.counts.damaged += 1
                break
            messages += self._read_body(datagram[at + 5], datagram[at + 6 : end], number)
            at = end
        return messages

    def _read_body(self, kind: int, body: bytes, number: int) -> list[Message]:
        if kind == ROTATION and len(body) == _ROTATION.size:
            return self._read_rotation(body, number)
        if kind == BATTERY and len(body) == _BATTERY.size:
            _, share = _BATTERY.unpack(body)
            if 0.0 <= share <= 1.0:
                self._battery = share
            else:
                self.counts.implausible += 1
        elif kind in (ROTATION, BATTERY):
            self.counts.damaged += 1
        return []

    def _read_rotation(self, body: bytes, number: int) -> list[Message]:
        sensor, purpose, x, y, z, w, _ = _ROTATION.unpack(body)
        if self._sensor is None:
            self._sensor = sensor
        if sensor != self._sensor or purpose != NORMAL:
            return []
        quat = unit_quat(w, x, y, z, MAX_NORM_ERROR)
        if quat is None:
            self.counts.implausible += 1
            return []
        return [Motion(quat_wxyz=quat, seq=number, battery=self._battery, norm=hypot(w, x, y, z))]


def _call(body: bytes) -> Told:
    words = {"says": "looking for a host"}
    if len(body) > _CALL.size and len(body) >= _CALL.size + 1 + body[_CALL.size] + 6:
        board, imu, mcu, build = _CALL.unpack_from(body)
        at = _CALL.size + 1
        end = at + body[at - 1]
        words.update(
            board=str(board),
            imu=str(imu),
            mcu=str(mcu),
            build=str(build),
            firmware=body[at:end].decode("ascii", "replace"),
            id=body[end : end + 6].hex(":"),
        )
    return Told("info", words)


class SlimevrDevice:
    """Calls until a host answers, then sends a bundle of battery and rotation per measurement."""

    def __init__(self) -> None:
        self._is_answered = False
        self._n_others = self._last = 0

    def encode(self, state: DeviceState) -> bytes:
        """Return one packet."""
        if not self._is_answered:
            self._last = state.seq
            version = b"virtual"
            return _HEAD.pack(HANDSHAKE, 0) + _CALL.pack(0, 0, 0, 1) + bytes((len(version),)) + version + bytes(6)
        w, x, y, z = state.quat_world_from_head
        rotation = bytes((0, 0, 0, ROTATION)) + _ROTATION.pack(0, NORMAL, x, y, z, w, 0)
        battery = bytes((0, 0, 0, BATTERY)) + _BATTERY.pack(3.3 + 0.9 * state.battery, state.battery)
        inner = (battery, rotation)
        self._last = (state.seq + self._n_others) % (1 << 64)
        return _HEAD.pack(BUNDLE, self._last) + b"".join(len(part).to_bytes(2, "big") + part for part in inner)

    def answer(self, data: bytes, time_s: float) -> bytes:
        """Take the answer to the call; answer heartbeats and pings."""
        if data.startswith(HELLO):
            self._is_answered = True
        elif data[:4] == bytes((0, 0, 0, HEARTBEAT_FROM_HOST)):
            self._n_others += 1
            self._last = (self._last + 1) % (1 << 64)
            return _HEAD.pack(HEARTBEAT, self._last)
        elif data[:4] == bytes((0, 0, 0, PING)):
            return data
        return b""


DIALECT = Dialect(
    name="slimevr",
    about="SlimeVR trackers over Wi-Fi",
    transport=Transport.UDP,
    check=Check.NONE,
    axes=Axes.SENSOR,
    make_decoder=SlimevrDecoder,
    make_device=SlimevrDevice,
    verified="vectors, virtual device; packets as in the trackers' firmware; that its world is z up is not settled",
    rate_hz=100.0,
    udp_port=6969,
    seq_wrap=1 << 64,
    talk=Talk(opening=(HELLO,), keep_alive=_HEAD.pack(HEARTBEAT_FROM_HOST, 0), keep_alive_s=1.0),
)
