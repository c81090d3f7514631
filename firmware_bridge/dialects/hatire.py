"""Hatire, the Arduino head tracker of opentrack: 30 bytes with six floats and a counter, no checksum.

`AA AA | code u16 | rot[3] f32 | trans[3] f32 | 55 55`, little-endian, degrees and centimetres; codes up to
1000 count frames, those above tell of the device's state. Which rotation is which, and their signs, are the
user's choice in opentrack; here its default map (yaw, roll, pitch) is taken with the Razor's signs: yaw + is
right, pitch + up, roll + right ear down.
"""

from struct import Struct

from firmware_bridge.dialect import Axes, Check, Dialect, Transport
from firmware_bridge.dialects.seq_gaps import SeqGaps
from firmware_bridge.dialects.synced import SyncedDecoder
from firmware_bridge.dialects.turns import angles_deg_from_quat, quat_from_angles_deg
from firmware_bridge.messages import Message, Motion, Told
from firmware_bridge.virtual.device import DeviceState

SYNC, END = b"\xaa\xaa", b"\x55\x55"
FRAME_BYTES = 30
MAX_FRAME_CODE = 1000
MAX_ANGLES_DEG = (360.0, 180.0, 180.0)
MAX_PLACE_CM = 1000.0
_BODY = Struct("<H6f")
_STATES = ((9000, "error"), (5000, "started"), (3000, "initialising"), (2000, "information"))


class HatireDecoder(SyncedDecoder):
    """Reads Hatire frames; angles, places and marks must all make sense."""

    sync = SYNC

    def __init__(self) -> None:
        super().__init__()
        self._gaps = SeqGaps(MAX_FRAME_CODE)

    def reset(self) -> None:
        """Forget half a frame and the last counter."""
        super().reset()
        self._gaps.reset()

    def read_frame(self, buffer: bytes, at: int) -> tuple[int, Message | None]:
        """Read one frame."""
        if len(buffer) - at < FRAME_BYTES:
            return 0, None
        if buffer[at + 28 : at + FRAME_BYTES] != END:
            return self.damaged()
        code, *values = _BODY.unpack_from(buffer, at + 2)
        if code > MAX_FRAME_CODE:
            state = next((word for least, word in _STATES if code >= least), "unknown")
            return FRAME_BYTES, Told("event", {"code": str(code), "state": state})
        # Not `max`: a comparison with NaN must be false.
        limits = (*MAX_ANGLES_DEG, MAX_PLACE_CM, MAX_PLACE_CM, MAX_PLACE_CM)
        if not all(abs(value) <= limit for value, limit in zip(values, limits, strict=True)):
            return self.implausible()
        seq = code % MAX_FRAME_CODE
        self.counts.lost += self._gaps.lost_before(seq)
        return FRAME_BYTES, Motion(quat_wxyz=quat_from_angles_deg(-values[0], values[2], values[1]), seq=seq)


class HatireDevice:
    """Sends one frame per measurement; its commands are whatever its user chose, so it obeys none."""

    def encode(self, state: DeviceState) -> bytes:
        """Return one frame; the head stays in its place."""
        yaw, pitch, roll = angles_deg_from_quat(state.quat_world_from_head)
        return SYNC + _BODY.pack(state.seq % MAX_FRAME_CODE, -yaw, roll, pitch, 0.0, 0.0, 0.0) + END

    def answer(self, data: bytes, time_s: float) -> bytes:
        """Return nothing."""
        return b""


DIALECT = Dialect(
    name="hatire",
    about="Hatire / opentrack Arduino tracker: angles as floats",
    transport=Transport.SERIAL,
    check=Check.NONE,
    axes=Axes.HEAD,
    make_decoder=HatireDecoder,
    make_device=HatireDevice,
    verified="vectors, virtual device; the map and signs of the angles are the device owner's",
    rate_hz=50.0,
    bauds=(115200,),
    seq_wrap=MAX_FRAME_CODE,
    uncertain=("yaw", "pitch", "roll"),
)
