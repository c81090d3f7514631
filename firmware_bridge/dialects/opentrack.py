"""opentrack's "UDP over network": six doubles, little-endian: x, y, z in cm, then yaw, pitch, roll in degrees.

Yaw is positive to the right and roll to the left ear; of pitch no source is sure, up is taken. Anything that
sends the same 48 bytes (phone apps, bridges of headphones) is heard as well. A filter may let an angle decay to
any smallness: that random bytes are small, too, is for the trust gate to see.
"""

from struct import Struct

from firmware_bridge.dialect import Axes, Check, Dialect, Transport
from firmware_bridge.dialects.datagrams import DatagramDecoder
from firmware_bridge.dialects.turns import angles_deg_from_quat, quat_from_angles_deg
from firmware_bridge.messages import Message, Motion
from firmware_bridge.virtual.device import DeviceState

MAX_PLACE_CM = 10_000.0
MAX_ANGLE_DEG = 360.0
_PACKET = Struct("<6d")


class OpentrackDecoder(DatagramDecoder):
    """Reads datagrams of 48 bytes."""

    frame_bytes = _PACKET.size

    def read(self, datagram: bytes) -> list[Message]:
        """Return the orientation of one datagram; the place is checked and not used."""
        values = _PACKET.unpack(datagram)
        *_, yaw, pitch, roll = values
        # Comparisons with NaN are false.
        if not (
            all(abs(value) <= MAX_PLACE_CM for value in values)
            and max(abs(yaw), abs(pitch), abs(roll)) <= MAX_ANGLE_DEG
        ):
            self.counts.implausible += 1
            return []
        return [Motion(quat_wxyz=quat_from_angles_deg(-yaw, pitch, -roll))]


class OpentrackDevice:
    """Sends what opentrack sends, from a head that stays in its place."""

    def encode(self, state: DeviceState) -> bytes:
        """Return one datagram."""
        yaw, pitch, roll = angles_deg_from_quat(state.quat_world_from_head)
        return _PACKET.pack(0.0, 0.0, 0.0, -yaw, pitch, -roll)

    def answer(self, data: bytes, time_s: float) -> bytes:
        """Return nothing: opentrack only sends."""
        return b""


DIALECT = Dialect(
    name="opentrack",
    about='opentrack, output "UDP over network"',
    transport=Transport.UDP,
    check=Check.NONE,
    axes=Axes.HEAD,
    make_decoder=OpentrackDecoder,
    make_device=OpentrackDevice,
    verified="vectors, virtual device; the sign of pitch is not settled",
    rate_hz=250.0,
    udp_port=4242,
    uncertain=("pitch",),
)
