"""IEM MrHeadTracker: MIDI control changes, a low and a high half for each of w, x, y, z or yaw, pitch, roll.

Low halves are controllers 48 to 51, high halves 16 to 19. The numbers are taken as a head's orientation in x back,
y right, z up; its firmware has a switch that inverts them, which has to be off, and programs that read it disagree on
the sign of z: yaw can be inverted. The angles are read as those of that same frame, which no source confirms: each
can be inverted.
"""

from math import hypot

from firmware_bridge.decoder import Counts
from firmware_bridge.dialect import Axes, Check, Dialect, Transport
from firmware_bridge.dialects.turns import angles_deg_from_quat, quat_from_angles_deg, unit_quat
from firmware_bridge.messages import Message, Motion, Quat
from firmware_bridge.virtual.device import DeviceState

LOW, HIGH = (48, 49, 50, 51), (16, 17, 18, 19)
SWEEP = tuple(controller for pair in zip(LOW, HIGH, strict=True) for controller in pair)
"""The order of one whole quaternion; angles leave out the last two."""
N_QUAT, N_ANGLES = 8, 6
SWEEPS_OF_ANGLES = 3
"""A fourth number may be lost once; where it never comes there is none."""
QUAT_HALF, ANGLE_RANGE, ANGLE_ONE = 8192.0, 360.0, 16384.0
MAX_NORM_ERROR = 0.02
MAX_PITCH_DEG = 91.0
_CONTROL_CHANGE = 0xB0


class MrHeadTrackerDecoder:
    """Reads control changes of any channel; gives a pose only when all halves of one sweep came, in order."""

    def __init__(self) -> None:
        self.counts = Counts()
        self.reset()

    def reset(self) -> None:
        """Forget half a sweep and whether it was angles that came; the counts stay."""
        self._status = 0
        self._controller: int | None = None
        self._sweep: list[int] = []
        self._channel = 0
        self._n_short = 0

    def feed(self, data: bytes) -> list[Message]:
        """Return the messages that these bytes complete, oldest first. Never raises."""
        messages: list[Message] = []
        for byte in data:
            if byte >= 0xF8:
                continue
            if byte >= 0x80:
                self._status, self._controller = byte, None
            elif self._status & 0xF0 == _CONTROL_CHANGE:
                if self._controller is None:
                    self._controller = byte
                    continue
                message = self._take(self._controller, byte)
                self._controller = None
                if message is not None:
                    self.counts.frames += 1
                    messages.append(message)
        return messages

    def _take(self, controller: int, value: int) -> Motion | None:
        if controller not in SWEEP:
            return None
        sweep = self._sweep
        if self._status != self._channel or controller != SWEEP[len(sweep) % N_QUAT]:
            self._begin_anew(controller)
            if controller != SWEEP[0]:
                return None
        sweep.append(value)
        if len(sweep) == N_QUAT:
            self._n_short = 0
            return self._quat(sweep)
        if len(sweep) == N_ANGLES and self._n_short >= SWEEPS_OF_ANGLES:
            # The sweep stays, in case that a fourth number comes after all: then these were no angles.
            return self._angles(sweep)
        return None

    def _begin_anew(self, controller: int) -> None:
        """Leave the present sweep: it was whole where it held angles, else something is missing."""
        if len(self._sweep) == N_ANGLES and controller == SWEEP[0] and self._status == self._channel:
            self._n_short += 1
        elif self._sweep:
            self.counts.damaged += 1
            self._n_short = 0
        self._sweep.clear()
        self._channel = self._status

    def _quat(self, sweep: list[int]) -> Motion | None:
        w, x, y, z = (_joined(sweep, number) / QUAT_HALF - 1.0 for number in range(4))
        self._sweep.clear()
        return self._motion(unit_quat(w, -x, -y, z, MAX_NORM_ERROR), hypot(w, x, y, z))

    def _angles(self, sweep: list[int]) -> Motion | None:
        yaw, pitch, roll = (
            _joined(sweep, k) / ANGLE_ONE * ANGLE_RANGE - 0.5 * ANGLE_RANGE for k in range(N_ANGLES // 2)
        )
        return self._motion(quat_from_angles_deg(yaw, pitch, -roll) if abs(pitch) <= MAX_PITCH_DEG else None)

    def _motion(self, quat: Quat | None, norm: float = 1.0) -> Motion | None:
        if quat is None:
            self.counts.implausible += 1
            return None
        return Motion(quat_wxyz=quat, norm=norm)


def _joined(sweep: list[int], number: int) -> int:
    return sweep[2 * number] | sweep[2 * number + 1] << 7


class MrHeadTrackerDevice:
    """Sends one sweep per measurement on the first channel, of angles where `angles` is asked for."""

    def __init__(self, angles: bool = False) -> None:
        self._angles = angles

    def encode(self, state: DeviceState) -> bytes:
        """Return eight control changes, or six."""
        if self._angles:
            yaw, pitch, roll = angles_deg_from_quat(state.quat_world_from_head)
            return _control_changes([(angle / ANGLE_RANGE + 0.5) * ANGLE_ONE for angle in (yaw, pitch, -roll)])
        w, x, y, z = state.quat_world_from_head
        return _control_changes([(part + 1.0) * QUAT_HALF for part in (w, -x, -y, z)])

    def answer(self, data: bytes, time_s: float) -> bytes:
        """Return nothing: it only sends."""
        return b""


def _control_changes(numbers: list[float]) -> bytes:
    changes: list[int] = []
    for low, high, number in zip(LOW, HIGH, numbers, strict=False):
        count = max(0, min(0x3FFF, round(number)))
        changes += (_CONTROL_CHANGE, low, count & 0x7F, _CONTROL_CHANGE, high, count >> 7)
    return bytes(changes)


DIALECT = Dialect(
    name="mrheadtracker",
    about="IEM MrHeadTracker over MIDI",
    transport=Transport.MIDI,
    check=Check.NONE,
    axes=Axes.HEAD,
    make_decoder=MrHeadTrackerDecoder,
    make_device=MrHeadTrackerDevice,
    verified="vectors, virtual device; not settled: the sign of yaw and, where it sends angles, of pitch and roll",
    rate_hz=50.0,
    port_name="MrHeadTracker",
    uncertain=("yaw", "pitch", "roll"),
)
