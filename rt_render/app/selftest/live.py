"""All links at once, in real time: bytes to a port, the bridge in its own process, mailbox, engine, card, ears."""

import socket
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from firmware_bridge import quaternion
from firmware_bridge.dialect import Dialect, Transport
from firmware_bridge.settings import BridgeSettings
from firmware_bridge.virtual.endpoint import UdpEndpoint
from rt_render.app.selftest.chain import Chain
from rt_render.app.selftest.known_field import KnownField
from rt_render.app.selftest.played import angle_deg
from rt_render.app.selftest.trials import Trial
from rt_render.app.selftest.worn import AHEAD, Worn, legs
from rt_render.engine.engine import Engine
from rt_render.engine.plan import Plan
from rt_render.errors import TrackerError
from rt_render.hrtf.decoder import Decoder
from rt_render.io.ring_feeder import RingFeeder
from rt_render.io.virtual_card import VirtualCard

RING_S = 0.25
SETTLE_S = 0.15
ARRIVAL_TIMEOUT_S, LISTEN_TIMEOUT_S = 20.0, 5.0
N_TRIES = 8
"""A window in which the machine was too slow for real time is taken again, so often."""


@dataclass(frozen=True, eq=False)
class LiveResult:
    """Ear responses (n, 2, n_period) of the trials, and how far the poses in the mailbox were off, at most."""

    ears: NDArray[np.float64]
    pose_error_deg: float


def play_live(
    chain: Chain,
    dialect: Dialect,
    settings: BridgeSettings,
    decoder: Decoder,
    block_size: int,
    n_period: int,
    trials: Sequence[Trial],
    on_progress: Callable[[float], None] = lambda share: None,
) -> LiveResult:
    """Play the trials through the whole chain on the virtual card, which takes some seconds.

    `settings` say how the bridge understands the wearable; where it listens is chosen here, on this machine only.
    Raises TrackerError where no pose arrives, or where the machine cannot keep up with real time.
    """
    plan = Plan(decoder.order, block_size, int(decoder.fs_hz), decoder.n_taps, ring_s=RING_S)
    engine = chain.make_engine(plan, decoder.filters)
    field = KnownField(plan.order, plan.fs_hz, n_period)
    field.face(trials[0].source)
    port = _free_port()
    place = f"osc:{port}" if dialect.transport is Transport.OSC else f"{dialect.name}:udp:127.0.0.1:{port}"
    told: list[str] = []
    with ExitStack() as stack:
        bridge = chain.open_bridge(settings.model_copy(update={"tracker": place, "osc_port": port}), told.append)
        stack.callback(bridge.stop)
        engine.follow_mailbox(bridge.mailbox)
        endpoint = UdpEndpoint("127.0.0.1", port)
        stack.callback(endpoint.close)
        feeder = RingFeeder(field, engine.ring)
        stack.callback(feeder.close)
        feeder.start()
        card = stack.enter_context(VirtualCard(engine, capture=True))
        head = _Head(dialect, endpoint.send, [trial.pose_deg for trial in trials])
        if not head.rest_until(lambda: bridge.mailbox.published_count() > 0, ARRIVAL_TIMEOUT_S):
            said = f"; it said: {told[-1].rstrip('.')}" if told else ""
            raise TrackerError(f"no pose of {dialect.name} came out of the bridge within 20 s{said}.")
        ears, worst_deg = [], 0.0
        for k, trial in enumerate(trials):
            field.face(trial.source)
            head.turn(k)
            head.rest_for(SETTLE_S + (RING_S if k and trial.source != trials[k - 1].source else 0.0))
            heard = _one_period(engine, head, n_period, chain)
            if heard is None or not card.running:
                raise TrackerError("this machine did not keep up with real time: end other programs and try again.")
            ears.append(field.responses(heard))
            pose = bridge.mailbox.read()
            if pose is not None:
                should_be = quaternion.from_yaw_pitch_roll_deg(*trial.pose_deg)
                worst_deg = max(worst_deg, angle_deg(pose.quat_world_from_head, should_be))
            on_progress((k + 1) / len(trials))
    return LiveResult(np.array(ears), worst_deg)


def _one_period(engine: Engine, head: "_Head", n_period: int, chain: Chain) -> NDArray[np.float32] | None:
    """Return one period without a gap, as it came from the card."""
    for _ in range(N_TRIES):
        before = engine.snapshot()
        engine.read_capture()
        pieces: list[NDArray[np.float32]] = []

        def enough(pieces: list[NDArray[np.float32]] = pieces) -> bool:
            pieces.append(engine.read_capture())
            return sum(map(len, pieces)) >= n_period

        came = head.rest_until(enough, LISTEN_TIMEOUT_S)
        after = engine.snapshot()
        troubles = [(s.underruns, s.missed_slots, s.capture_lost) for s in (before, after)]
        if came and troubles[0] == troubles[1] and after.tracking_mix == 1.0 and not _is_silent(pieces):
            return chain.recorded(np.concatenate(pieces)[:n_period])
    return None


def _is_silent(pieces: list[NDArray[np.float32]]) -> bool:
    return not any(np.any(piece) for piece in pieces)


class _Head:
    """Sends measurements at the wearable's own rate while something is waited for. Thread: one."""

    def __init__(self, dialect: Dialect, send: Callable[[bytes], None], poses_deg: list[tuple[float, float, float]]):
        self._worn, self._send = Worn(dialect), send
        first, *self._legs = legs([AHEAD, *poses_deg], self._worn.rate_hz)
        self._resting = first.resting
        self._begin_s = time.monotonic()

    def turn(self, number: int) -> None:
        """Turn to the pose of a trial."""
        leg = self._legs[number]
        for state in leg.turning:
            self._wait()
            self._send(self._worn.say(state))
        self._resting = leg.resting

    def rest_for(self, seconds: float) -> None:
        """Hold still."""
        end_s = time.monotonic() + seconds
        self.rest_until(lambda: time.monotonic() >= end_s, 2.0 * seconds)

    def rest_until(self, done: Callable[[], bool], timeout_s: float) -> bool:
        """Hold still until something is so; False when that takes too long."""
        give_up_s = time.monotonic() + timeout_s
        while not done():
            if time.monotonic() > give_up_s:
                return False
            self._wait()
            self._send(self._worn.say(self._resting))
        return True

    def _wait(self) -> None:
        """Wait for the moment of the next measurement; what was missed is not made up for in a burst."""
        late_s = time.monotonic() - (self._begin_s + self._worn.time_s)
        if late_s < 0:
            time.sleep(-late_s)
        elif late_s > 1.0 / self._worn.rate_hz:
            self._begin_s += late_s


def _free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
