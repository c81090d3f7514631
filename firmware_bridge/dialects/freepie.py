"""FreePIE's UDP packets, as phone apps send them: `padding u8 | flags u8 | up to 12 float32`, little-endian, radians.

Flag 1: raw sensor values (nine floats, not used: no source tells their units); flag 2: orientation, which comes
first or, where raw values are there too, after them. Users map the order and the signs of the three angles: yaw to
the right, pitch up, roll to the right ear are taken here, and each can be inverted.
"""

from math import degrees, radians
from struct import Struct, pack

from firmware_bridge.dialect import Axes, Check, Dialect, Transport
from firmware_bridge.dialects.datagrams import DatagramDecoder
from firmware_bridge.dialects.turns import angles_deg_from_quat, quat_from_angles_deg
from firmware_bridge.messages import Message, Motion
from firmware_bridge.virtual.device import DeviceState

FULL_BYTES = 50
ORIENTATION_BYTES = 14
"""Some senders leave the unused floats out."""
RAW, ORIENTATION = 1, 2
MAX_ANGLE_RAD = 6.3
_ANGLES = Struct("<3f")
_AT = {ORIENTATION: 2, RAW | ORIENTATION: 38}


class FreepieDecoder(DatagramDecoder):
    """Reads datagrams of 50 bytes, or of 14 with the orientation alone; the first byte may be anything."""

    def feed(self, data: bytes) -> list[Message]:
        """Return the orientations of one datagram, or of several in a row."""
        self.frame_bytes = ORIENTATION_BYTES if len(data) == ORIENTATION_BYTES else FULL_BYTES
        return super().feed(data)

    def read(self, datagram: bytes) -> list[Message]:
        """Return the orientation of one datagram; nothing from raw values alone."""
        flags = datagram[1]
        if not 0 < flags <= RAW | ORIENTATION:
            self.counts.damaged += 1
            return []
        at = _AT.get(flags)
        if at is None:
            return []
        if at + _ANGLES.size > len(datagram):
            self.counts.damaged += 1
            return []
        angles = _ANGLES.unpack_from(datagram, at)
        if not all(abs(angle) <= MAX_ANGLE_RAD for angle in angles):
            self.counts.implausible += 1
            return []
        yaw, pitch, roll = map(degrees, angles)
        return [Motion(quat_wxyz=quat_from_angles_deg(-yaw, pitch, roll))]


class FreepieDevice:
    """Sends the orientation, behind nine raw values where `raw` is asked for."""

    def __init__(self, raw: bool = False) -> None:
        self._raw = raw

    def encode(self, state: DeviceState) -> bytes:
        """Return one datagram of 50 bytes."""
        yaw, pitch, roll = map(radians, angles_deg_from_quat(state.quat_world_from_head))
        raw = pack("<9f", *state.accel_m_s2, *state.gyro_rad_s, *state.mag_ut) if self._raw else b""
        flags = RAW * self._raw | ORIENTATION
        return (bytes((0, flags)) + raw + _ANGLES.pack(-yaw, pitch, roll)).ljust(FULL_BYTES, b"\0")

    def answer(self, data: bytes, time_s: float) -> bytes:
        """Return nothing: these apps only send."""
        return b""


DIALECT = Dialect(
    name="freepie",
    about="phone apps that send FreePIE's UDP packets",
    transport=Transport.UDP,
    check=Check.NONE,
    axes=Axes.HEAD,
    make_decoder=FreepieDecoder,
    make_device=FreepieDevice,
    verified="vectors, virtual device; order and signs of the angles are the user's",
    rate_hz=50.0,
    udp_port=5555,
    uncertain=("yaw", "pitch", "roll"),
)
