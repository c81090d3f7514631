"""From the bytes of a dialect to poses, without a link: the decoder and all of the bridge's stages."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory

from firmware_bridge import quaternion
from firmware_bridge.decoder import Decoder
from firmware_bridge.device_store import DeviceStore
from firmware_bridge.dialect import Dialect
from firmware_bridge.dialects.table import DIALECTS
from firmware_bridge.memory import Memory
from firmware_bridge.messages import Motion
from firmware_bridge.osc.device import device_of
from firmware_bridge.osc.dialects import DIALECTS as OSC_DIALECTS
from firmware_bridge.osc.dialects import find_dialect
from firmware_bridge.osc.row import Form
from firmware_bridge.pose import PoseSample
from firmware_bridge.pose_pipeline import PosePipeline
from firmware_bridge.settings import BridgeSettings
from firmware_bridge.source import Heard, SourceHealth
from firmware_bridge.virtual.device import DeviceState
from rt_render.app.selftest.chain import Chain
from rt_render.app.selftest.played import angle_deg
from rt_render.app.selftest.worn import AHEAD, Leg, PoseDeg, Worn, legs

REST_S = 0.25
FRAMES_TO_TRUST, TRUST_S = 40, 1.0
"""How long the head rests at first: what has no checksum must be seen for a while."""
MAX_ERROR_DEG = 4.0
"""The coarsest dialects and the fusion of raw values stay below."""
_BEGIN_S = 100.0


@dataclass(frozen=True, slots=True)
class Told:
    """What came of a dialect's bytes: the pose at each rest, None where none came; and whether the decoder itself
    (before fusion, mounting and recentring) told another orientation, in degrees, None where it tells none."""

    poses: tuple[PoseSample | None, ...]
    decoder_error_deg: float | None


class _BytesAtHand:
    """A source whose bytes are known beforehand."""

    dialect: Dialect | None
    device_id = ""
    exact_times = False

    def __init__(self, dialect: Dialect) -> None:
        self.name, self.dialect = dialect.name, dialect

    def poll(self, timeout_s: float) -> Sequence[Heard]:
        """Return nothing: what is heard is given to the pipeline directly."""
        return []

    def health(self) -> SourceHealth:
        """Return that all is well."""
        return SourceHealth(True, self.name, 0)

    def say(self, data: bytes) -> bool:
        """Return that nobody listens."""
        return False

    def close(self) -> None:
        """Hold nothing."""


def all_dialects() -> list[Dialect]:
    """Return every dialect that the bridge accepts, those of OSC too."""
    return [*DIALECTS.values(), *(device_of(dialect) for dialect in OSC_DIALECTS.values())]


def tells_all_angles(dialect: Dialect) -> bool:
    """Whether a dialect can tell yaw, pitch and roll: some programs are told the heading alone."""
    if not dialect.name.startswith("osc-"):
        return True
    name = dialect.name.removeprefix("osc-")
    if name not in OSC_DIALECTS:
        return True
    sent = find_dialect(name).sent.values()
    names = {slot.name for row in sent for slot in row.slots}
    return any(set(form.value) <= names for form in (Form.ANGLES, Form.QUATERNION, Form.VECTOR))


def told_by(chain: Chain, dialect: Dialect, settings: BridgeSettings, poses_deg: tuple[PoseDeg, ...]) -> Told:
    """Return what the bridge makes of a virtual wearable that takes poses, one after the other."""
    worn, decoder = Worn(dialect), chain.make_decoder(dialect)
    first, *way = _legs((AHEAD, *poses_deg), worn.rate_hz)
    found: list[PoseSample | None] = []
    worst_deg: float | None = None
    with TemporaryDirectory() as folder:
        # An empty store: how the user's own device sits on a head says nothing of a virtual one.
        pipeline = PosePipeline(settings, Memory(DeviceStore(Path(folder)), _nobody), _nobody)
        ear = _Ear(pipeline, decoder, worn, _BytesAtHand(dialect))
        ear.rest(first, max(round(TRUST_S * worn.rate_hz), FRAMES_TO_TRUST))
        for leg, pose_deg in zip(way, poses_deg, strict=True):
            ear.pose = ear.motion = None
            for state in leg.turning:
                ear.hear(state)
            ear.pose = None
            ear.rest(leg, max(round(REST_S * worn.rate_hz), 4))
            found.append(ear.pose)
            if ear.motion is not None and ear.motion.quat_wxyz is not None:
                error_deg = angle_deg(ear.motion.quat_wxyz, quaternion.from_yaw_pitch_roll_deg(*pose_deg))
                worst_deg = max(worst_deg or 0.0, error_deg)
    return Told(tuple(found), worst_deg)


class _Ear:
    """Hears a wearable measurement by measurement; keeps the newest motion and pose."""

    def __init__(self, pipeline: PosePipeline, decoder: Decoder, worn: Worn, source: _BytesAtHand) -> None:
        self._pipeline, self._decoder, self._worn, self._source = pipeline, decoder, worn, source
        self.motion: Motion | None = None
        self.pose: PoseSample | None = None

    def hear(self, state: DeviceState) -> None:
        arrival_s = _BEGIN_S + self._worn.time_s
        heard = [Heard(message, arrival_s) for message in self._decoder.feed(self._worn.say(state))]
        self.motion = next((h.message for h in reversed(heard) if isinstance(h.message, Motion)), self.motion)
        poses = self._pipeline.hear(heard, self._source)
        self.pose = poses[-1] if poses else self.pose

    def rest(self, leg: Leg, n_frames: int) -> None:
        for _ in range(n_frames):
            self.hear(leg.resting)


@lru_cache(maxsize=16)
def _legs(poses_deg: tuple[PoseDeg, ...], rate_hz: float) -> list[Leg]:
    return legs(poses_deg, rate_hz)


def _nobody(text: str) -> None:
    pass
