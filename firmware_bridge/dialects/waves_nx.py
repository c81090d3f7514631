"""Waves Nx head tracker over Bluetooth: ten bytes a notification, x, y, z, w as i16 / 16384 and `00 03`.

Pitch is about x, roll about y and yaw about z, so x right, y front, z up; the signs rest on one reading of three
recorded frames.
"""

from math import hypot
from struct import Struct

from firmware_bridge.dialect import Axes, Check, Dialect, Talk, Transport
from firmware_bridge.dialects.counts import to_counts
from firmware_bridge.dialects.datagrams import DatagramDecoder
from firmware_bridge.dialects.turns import quat_from_rfu, quat_to_rfu, unit_quat
from firmware_bridge.messages import Message, Motion
from firmware_bridge.virtual.device import DeviceState

ONE = 16384.0
TAIL = b"\x00\x03"
MAX_NORM_ERROR = 0.02
RATE_HZ = 50
_QUAT = Struct("<4h")


def start(rate_hz: int) -> bytes:
    """Return the command that makes it send so many notifications a second; 20 to 100 are of use."""
    return rate_hz.to_bytes(4, "little") + b"\x01"


class WavesNxDecoder(DatagramDecoder):
    """Reads notifications of ten bytes."""

    frame_bytes = _QUAT.size + len(TAIL)

    def read(self, datagram: bytes) -> list[Message]:
        """Return the orientation of one notification."""
        if not datagram.endswith(TAIL):
            self.counts.damaged += 1
            return []
        x, y, z, w = _QUAT.unpack_from(datagram)
        quat = unit_quat(w / ONE, x / ONE, y / ONE, z / ONE, MAX_NORM_ERROR)
        if quat is None:
            self.counts.implausible += 1
            return []
        return [Motion(quat_wxyz=quat_from_rfu(quat), norm=hypot(w, x, y, z) / ONE)]


class WavesNxDevice:
    """Sends one notification per measurement; takes the start command as read."""

    def encode(self, state: DeviceState) -> bytes:
        """Return one notification."""
        w, x, y, z = quat_to_rfu(state.quat_world_from_head)
        return _QUAT.pack(*to_counts((x, y, z, w), ONE)) + TAIL

    def answer(self, data: bytes, time_s: float) -> bytes:
        """Return nothing: commands are not answered."""
        return b""


DIALECT = Dialect(
    name="waves-nx",
    about="Waves Nx head tracker (Bluetooth)",
    transport=Transport.BLE,
    check=Check.NONE,
    axes=Axes.HEAD,
    make_decoder=WavesNxDecoder,
    make_device=WavesNxDevice,
    verified="recorded frames, virtual device; the signs are not settled",
    rate_hz=float(RATE_HZ),
    port_name="nx tracker",
    batches=True,
    uncertain=("yaw", "pitch", "roll"),
    talk=Talk(opening=(start(RATE_HZ),)),
)
