"""BNO08x in UART-RVC mode: 19 bytes a hundred times a second, nothing to ask and nothing to set.

`AA AA | idx u8 | yaw, pitch, roll i16 | ax, ay, az i16 | three bytes | sum`, little-endian; 0.01° and 1 mg.
The angles are taken as Rz(yaw) Ry(pitch) Rx(roll), all right-handed; the signs are not settled by any source.
"""

from struct import Struct

from firmware_bridge.dialect import Axes, Check, Dialect, Transport
from firmware_bridge.dialects.checksums import sum8
from firmware_bridge.dialects.counts import to_counts
from firmware_bridge.dialects.seq_gaps import SeqGaps
from firmware_bridge.dialects.synced import SyncedDecoder
from firmware_bridge.dialects.turns import GRAVITY_M_S2, angles_deg_from_quat, quat_from_angles_deg
from firmware_bridge.messages import Message, Motion
from firmware_bridge.virtual.device import DeviceState

SYNC = b"\xaa\xaa"
FRAME_BYTES = 19
PER_DEG = 100.0
M_S2_PER_COUNT = 0.001 * GRAVITY_M_S2
_BODY = Struct("<B6h")
_LIMITS = (18000, 9000, 18000)


class RvcDecoder(SyncedDecoder):
    """Reads RVC frames; a frame that fails is searched for another beginning byte by byte."""

    sync = SYNC

    def __init__(self) -> None:
        super().__init__()
        self._gaps = SeqGaps(256)

    def reset(self) -> None:
        """Forget half a frame and the last counter."""
        super().reset()
        self._gaps.reset()

    def read_frame(self, buffer: bytes, at: int) -> tuple[int, Message | None]:
        """Read one frame."""
        if len(buffer) - at < FRAME_BYTES:
            return 0, None
        if sum8(buffer[at + 2 : at + 18]) != buffer[at + 18]:
            return self.damaged()
        seq, yaw, pitch, roll, ax, ay, az = _BODY.unpack_from(buffer, at + 2)
        if abs(yaw) > _LIMITS[0] or abs(pitch) > _LIMITS[1] or abs(roll) > _LIMITS[2]:
            return self.implausible()
        self.counts.lost += self._gaps.lost_before(seq)
        return FRAME_BYTES, Motion(
            quat_wxyz=quat_from_angles_deg(yaw / PER_DEG, -pitch / PER_DEG, roll / PER_DEG),
            accel_m_s2=(ax * M_S2_PER_COUNT, ay * M_S2_PER_COUNT, az * M_S2_PER_COUNT),
            seq=seq,
        )


class RvcDevice:
    """Sends one frame per measurement; it cannot be spoken to."""

    def encode(self, state: DeviceState) -> bytes:
        """Return one frame."""
        yaw, pitch, roll = angles_deg_from_quat(state.quat_world_from_head)
        angles = to_counts((yaw, -pitch, roll), PER_DEG)
        accel = to_counts(state.accel_m_s2, 1.0 / M_S2_PER_COUNT)
        body = _BODY.pack(state.seq & 0xFF, *angles, *accel) + bytes(3)
        return SYNC + body + bytes([sum8(body)])

    def answer(self, data: bytes, time_s: float) -> bytes:
        """Return nothing: this mode has no commands."""
        return b""


DIALECT = Dialect(
    name="bno08x-rvc",
    about="BNO080/085/086 in UART-RVC mode: angles and acceleration",
    transport=Transport.SERIAL,
    check=Check.SUM8,
    axes=Axes.SENSOR,
    make_decoder=RvcDecoder,
    make_device=RvcDevice,
    verified="vectors, virtual device; the signs of the angles are not settled",
    rate_hz=100.0,
    bauds=(115200,),
    seq_wrap=256,
    uncertain=("yaw", "pitch", "roll"),
)
