"""The whole chain at work: a wearable's process, the bridge's process, a session, a card, and what was heard of it."""

import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from firmware_bridge.quaternion import to_yaw_pitch_roll_deg
from rt_render.app.budget import Array, budget_of, heard_poses, predicted, spread_of
from rt_render.app.budget_terms import Terms, terms_of
from rt_render.app.budget_words import device_advice
from rt_render.app.decoding import Progress
from rt_render.app.latency.asked import check_cable
from rt_render.app.latency.claims import claimed_s
from rt_render.app.latency.ears import RECORDED, ears_for
from rt_render.app.latency.field import write_field
from rt_render.app.latency.movements import LEAD_S, STEP, STEPS_A_TURN, TURN, Movement, StepsAndTurns
from rt_render.app.latency.reading import heard_late_s
from rt_render.app.latency.result import SLACK_MS, Kind, Latency
from rt_render.app.latency.virtual_wearable import HOST, VirtualWearable, free_udp_port
from rt_render.app.session import Session
from rt_render.app.session_status import SessionStatus
from rt_render.app.settings import Settings
from rt_render.app.story import describe_machine
from rt_render.app.trace_feed import Rows
from rt_render.app.words import VIRTUAL_API, counted
from rt_render.errors import DeviceError, TrackerError

SETTLE_S = 2.0
"""Of poses that come, before anything is measured: the bridge learns the wearable's clock."""
CABLE_SLOW = 4.0
"""Behind a cable anything may be slow, wireless headphones too: movements wait so many times longer."""
_OPEN_TIMEOUT_S = 20.0
_LOOK_S, _AHEAD_DEG = 0.05, 1.0
_STARTED_S = 30.0
_NO_POSES = (
    "no pose of the virtual wearable was heard while it moved: run the command again, and if it stays so, see what "
    "`rt-render selftest` finds."
)


def measure_latency(
    settings: Settings,
    *,
    n_steps: int,
    rate_hz: float,
    cable: int | str | None = None,
    over: str = "",
    seed: int = 0,
    on_message: Callable[[str], None] = lambda text: None,
    on_progress: Progress | None = None,
) -> Latency:
    """Measure `n_steps` steps of a wearable at `rate_hz`, and a turn for each four of them; takes a minute or so.

    What sounds, who wears what and what is kept is set here; device, block, head, order and prediction are those of
    the settings. `cable`: an input that the output is led to; `over`: "pty" or "udp". Raises RenderError.
    """
    check_cable(cable, settings.audio.device)
    n_turns, slow = max(2, n_steps // STEPS_A_TURN), 1.0 if cable is None else CABLE_SLOW
    head = StepsAndTurns(n_steps, n_turns, seed, slow)
    rows: list[Rows] = []
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        order = 3 if settings.head.order == "auto" else settings.head.order
        write_field(folder / "field.wav", order, settings.audio.fs_hz)
        wearable = stack.enter_context(VirtualWearable(rate_hz, n_steps, n_turns, seed, slow, over))
        session = Session(_live(settings, folder, wearable.tracker), on_message=on_message, on_progress=on_progress)
        rows.append(session.engine.drain_trace())
        session.feed.add(rows.append)
        ears = ears_for(session, cable, folder, head.seconds + _STARTED_S)
        stack.callback(ears.close)
        with session:
            ears.start()
            _wait_for_poses(session)
            begin_s = wearable.begin()
            while (gone_s := time.monotonic() - begin_s) < head.seconds:
                if on_progress:
                    on_progress(min(0.999, gone_s / head.seconds), "the head moves, the sound is recorded")
                time.sleep(_LOOK_S)
            status = session.status()
            _check_card(settings, status)
            recorded = ears.stop() if cable is not None or settings.audio.device != "virtual" else None
        recorded = recorded or ears.stop()
        late_s = heard_late_s(recorded, head.movements, begin_s)
    status = session.ended_with(status)
    trace, plan = np.concatenate(rows), session.engine.plan
    trace = trace[trace["begin_s"] > begin_s]
    check_one_stream(trace)
    terms = terms_of(
        plan,
        onset_s=session.decoder.onset_frames / plan.fs_hz,
        prediction=settings.tracking.prediction,
        cap_ms=settings.tracking.prediction_cap_ms,
    )
    kinds = tuple(
        _kind(kind, head.movements, late_s, begin_s, trace, terms)
        for kind in ((TURN, STEP) if terms.predicts else (STEP, TURN))
    )
    budget = budget_of(heard_poses(trace, terms), predicted(trace, terms), terms)
    if budget is None:
        raise TrackerError(_NO_POSES)
    limit_ms = 1e3 * (0.5 / rate_hz + 2.0 * terms.block_s + terms.onset_s) + SLACK_MS
    return Latency(
        kinds=kinds,
        budget=budget,
        prediction=settings.tracking.prediction,
        rate_hz=rate_hz,
        fs_hz=int(plan.fs_hz),
        block_size=plan.block_size,
        order=plan.order,
        head=session.decoder.head,
        onset_ms=round(1e3 * terms.onset_s, 3),
        device=status.card.text,
        wearable=wearable.text,
        recorded=ears.text,
        believed_ms=round(1e3 * recorded.believed_s, 3),
        believed=ears.believed,
        lost_frames=recorded.lost_frames,
        late_blocks=status.engine.late_blocks,
        disturbed=counted(status.glitches),
        advice=device_advice(budget, status.card.block_size, status.card.host_api),
        limit_ms=round(limit_ms, 3) if settings.audio.device == "virtual" and not terms.predicts else None,
        machine=describe_machine(),
    )


def _live(settings: Settings, folder: Path, tracker: str) -> Settings:
    """Return the settings of the session that is measured: nothing but the wearable's own turning moves the field."""
    virtual = settings.audio.device == "virtual"
    return settings.model_copy(
        update={
            "audio": settings.audio.model_copy(update={"extra_latency_ms": 0.0, "gain_db": 0.0}),
            "source": settings.source.model_copy(
                update={"input": str(folder / "field.wav"), "convention": "ambix", "layout": "ambix", "loop": True}
            ),
            "tracking": settings.tracking.model_copy(
                update={
                    "tracker": tracker,
                    "poses": None,
                    "process": "own",
                    "osc_host": HOST,
                    "osc_port": free_udp_port(),
                    "mounting": False,
                    "invert": (),
                    "gestures": (),
                    "auto_recentre_deg_per_s": 0.0,
                    "outputs": (),
                    "record_raw": None,
                }
            ),
            "remote": settings.remote.model_copy(update={"remote_port": 0}),
            "output": settings.output.model_copy(update={"record": folder / RECORDED if virtual else None}),
        }
    )


def _check_card(settings: Settings, status: SessionStatus) -> None:
    if settings.audio.device != "virtual" and status.card.host_api == VIRTUAL_API:
        raise DeviceError("the sound card was lost while it was measured: see to its plug, and run the command again.")


def check_one_stream(trace: Rows) -> None:
    """Raise DeviceError for blocks that were played on more than one stream: what is heard then has two time lines."""
    if len(np.unique(trace["stream"])) > 1:
        raise DeviceError(
            "the sound card stopped and came again, or another one did, while it was measured: see to its plug, close "
            "other programs that use it, and run the command again."
        )


def _wait_for_poses(session: Session) -> None:
    give_up_s = time.monotonic() + _OPEN_TIMEOUT_S
    while session.engine.snapshot().poses == 0:
        if time.monotonic() > give_up_s:
            raise TrackerError("no pose of the virtual wearable came: see what `rt-render selftest` finds.")
        time.sleep(_LOOK_S)
    time.sleep(SETTLE_S)
    if abs(to_yaw_pitch_roll_deg(session.engine.snapshot().quat_world_from_head)[0]) > _AHEAD_DEG:
        session.recentre()  # such a wearable was worn before, and its ahead is remembered
        time.sleep(SETTLE_S)


def _kind(name: str, movements: list[Movement], late_s: Array, begin_s: float, trace: Rows, terms: Terms) -> Kind:
    """Return what was claimed and measured of one kind of movement."""
    of_kind = np.array([movement.kind == name for movement in movements])
    at_s = begin_s + np.array([movement.time_s for movement in movements])[of_kind]
    late_s = late_s[of_kind]
    heard_s = late_s[np.isfinite(late_s)]
    while_s = trace[(trace["begin_s"] > at_s[0] - LEAD_S) & (trace["begin_s"] < at_s[-1] + LEAD_S)]
    parts, weights = claimed_s(while_s, name, terms)
    claimed = np.sum(list(parts.values()), axis=0)
    if not len(claimed):
        raise TrackerError(_NO_POSES)
    if not len(heard_s):
        raise DeviceError(
            "the movements are not heard in what was recorded: see that the device plays, and with --input that a "
            "cable leads from its output, left to left, to the input that was named."
        )
    return Kind(
        name=name,
        n_made=len(late_s),
        n_heard=len(heard_s),
        measured=spread_of(heard_s),
        claimed=spread_of(claimed, weights),
        measured_ms=1e3 * heard_s,
        claimed_ms=1e3 * claimed,
        claimed_weights=weights,
    )
