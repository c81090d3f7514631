"""The engine: what a caller holds. It runs the block function and publishes changes to it."""

import ctypes
import hashlib
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from firmware_bridge.mailbox import PoseMailbox
from rt_render.conventions import n_sh
from rt_render.engine.filter_sets import FilterSets
from rt_render.engine.objects import Objects
from rt_render.engine.plan import Plan
from rt_render.engine.pose_source import PoseSource
from rt_render.engine.prepared_state import CEILING_DB, PREDICTION_CAP_MS, PreparedState, aligned
from rt_render.engine.record_ring import RecordRing
from rt_render.engine.ring import SampleRing
from rt_render.engine.snapshot import Snapshot, block_time_percentile_s, take_snapshot
from rt_render.errors import ConfigurationError
from rt_render.kernels.block import compile_process_block
from rt_render.kernels.jit import entry_address
from rt_render.kernels.predict import CONSTANT, LEARNT, OFF
from rt_render.kernels.state import EVENT, trace_dtype

PREDICTION_MODES = {"off": OFF, "constant": CONSTANT, "learnt": LEARNT}
MAX_PREDICTION_CAP_MS = 200.0
MAX_EXTRA_LATENCY_S = 2.0
N_EVENTS = 1024
"""Events that wait for `drain_events` at most."""

_PLAN_WORDS = ("order", "block_size", "fs_hz", "n_partitions", "fade_frames", "filter_fade_frames")
_PLAN_NUMBERS = ("ceiling", "release_keep")
"""What is fixed in a state and decides, with the rows of a trace, what is heard."""


class Engine:
    """A field of one order in, two ears out, block by block. Without a sound card:

        import numpy as np
        from rt_render.engine.engine import Engine
        from rt_render.engine.plan import Plan
        filters = np.load("decoder.npz")["filters"]  # rt-render design -o decoder.npz --order 1
        engine = Engine(Plan(order=1, block_size=128), filters)
        engine.ring.write(np.zeros((4800, 4), np.float32))  # the field, ACN/SN3D
        engine.ring.set_end()
        ears = np.empty((128, 2), np.float32)
        while not engine.ended:
            engine.process(ears)  # the next block

    Construct on the control side: all memory is taken here and the block function is compiled or loaded.
    `process` and the native callbacks that use `address` are the audio thread's; everything else is the
    control side's and may be called while audio runs, unless it says otherwise.
    """

    def __init__(
        self,
        plan: Plan,
        filters: ArrayLike,
        *,
        gain_db: float = 0.0,
        ceiling_db: float = CEILING_DB,
        trace_rows: int = 0,
    ) -> None:
        """Prepare an engine for filters (2, n_sh, n_taps): ears left, right; ACN/SN3D; float."""
        self.plan = plan
        self._state = PreparedState(plan, ceiling_db)
        self._s = self._state.record
        self.address = self._state.address
        self._block = compile_process_block()
        self._call = ctypes.CFUNCTYPE(None, ctypes.c_int64, ctypes.c_int64)(entry_address(self._block))
        self.ring = SampleRing(self.address, self._state.ring, plan.block_size)
        self._filters = FilterSets(plan, self._state, filters)
        self._pose = PoseSource(self._state)
        self.objects = Objects(plan, self._state)
        self.set_gain_db(gain_db)
        self._s["gain"] = self._s["gain_target"]
        self._capture = RecordRing(self.address, "capture", np.zeros((0, 2), np.float32))
        self._tap = RecordRing(self.address, "tap", np.zeros((0, plan.n_sh), np.float32))
        self._trace = RecordRing(self.address, "trace", np.zeros(trace_rows, trace_dtype(plan.block_size)))
        self._events = RecordRing(self.address, "events", np.zeros(N_EVENTS, EVENT))
        if trace_rows:
            self._s["trace"], self._s["trace_capacity"] = self._trace.records.ctypes.data, trace_rows
            self._s["trace_bytes"] = self._trace.records.itemsize
        self._s["events"], self._s["events_capacity"] = self._events.records.ctypes.data, N_EVENTS
        self._s["process_block"] = entry_address(self._block)
        self._s["playing"] = self._s["fresh"] = 1
        self._paused_at = -1

    # audio side

    def process(self, out: NDArray[np.float32]) -> None:
        """Render the next block into `out` (block_size, 2) float32, C-contiguous; the interpreter lock is free.

        Audio thread, or offline: only one thread at a time.
        """
        if out.shape != (self.plan.block_size, 2) or out.dtype != np.float32 or not out.flags.c_contiguous:
            raise ValueError(f"out must be ({self.plan.block_size}, 2) float32 and contiguous")
        self._call(self.address, out.ctypes.data)

    # control side

    def publish_filters(self, filters: ArrayLike, *, around_frame: int = 0) -> None:
        """Swap in another filter set (2, n_sh, n_taps), faded over 20 ms from the same delay line.

        A set of fewer channels, those of a lower order, costs less time from its fade's end on. One of a higher order
        than is rendered is faded in once the delay line holds that order. Sets published faster than they fade
        replace each other; the last one is always reached, also in the place of one that waits for its frame.
        `around_frame`: the frame of the source at which the fade is half over, to the nearest block; a set waits until
        its fade begins, and fades at once where that frame is past.
        """
        self._filters.publish(filters, around_frame)

    def tell_filters(self, tell: Callable[[int, NDArray[np.float64]], None]) -> None:
        """Let every set that is published from now on be told: its number in the trace and its taps.

        `tell` is called by the thread that publishes, before the set can sound; the engine's first set is number 1.
        """
        self._filters.tell(tell)

    @property
    def plan_hash(self) -> str:
        """A hash of all that is fixed and decides what is heard, to twelve digits: the same on every machine."""
        told = [f"{name}={float(self._s[name]):.12g}" for name in (*_PLAN_WORDS, *_PLAN_NUMBERS)]
        return hashlib.sha256(" ".join(told).encode()).hexdigest()[:16]

    def follow_mailbox(self, mailbox: PoseMailbox) -> None:
        """Take the head's pose from a mailbox from the next block on."""
        self._pose.follow_mailbox(mailbox)

    def follow_timeline(self, times_s: ArrayLike, quats_world_from_head: ArrayLike) -> None:
        """Take the pose from rows of source time (n,) and quaternion (n, 4), scalar first, from the next block on.

        Between rows the head turns at constant angular velocity; before the first and behind the last it holds.
        Raises ValueError for times that do not rise, and for numbers that are no rotations.
        """
        self._pose.follow_timeline(times_s, quats_world_from_head)

    def set_tracking(self, on: bool) -> None:
        """Switch head tracking on or off; the field eases over 0.2 s."""
        self._state.publish("tracking", int(on))

    def set_prediction(self, mode: str, cap_ms: float = PREDICTION_CAP_MS) -> None:
        """Render for where the head will be when the sound is heard, from the next block on.

        `mode`: "off"; "constant" angular velocity; "learnt", with as much of the acceleration as has held lately.
        `cap_ms`, 0 (off) to 200, and one interval between poses are the furthest that is looked ahead of a pose. Poses
        without a turning rate are not predicted, nor are timelines. Raises ConfigurationError for values outside.
        """
        if mode not in PREDICTION_MODES:
            raise ConfigurationError(f"there is no prediction '{mode}': choose one of {', '.join(PREDICTION_MODES)}.")
        if not 0.0 <= cap_ms <= MAX_PREDICTION_CAP_MS:
            raise ConfigurationError(
                f"a prediction of up to {cap_ms} ms cannot be used: choose 0 to {MAX_PREDICTION_CAP_MS:.0f} ms."
            )
        self._s["prediction_cap_s"] = 1e-3 * cap_ms
        self._state.publish("prediction_mode", PREDICTION_MODES[mode])

    def set_extra_latency(self, seconds: float) -> None:
        """Say how much later than it is converted the sound is heard, as with wireless headphones: 0 to 2 s."""
        if not 0.0 <= seconds <= MAX_EXTRA_LATENCY_S:
            raise ConfigurationError(
                f"an extra latency of {seconds} s cannot be used: choose 0 to {MAX_EXTRA_LATENCY_S:g} s."
            )
        self._s["extra_latency_s"] = seconds

    @property
    def extra_latency_s(self) -> float:
        """How much later than it is converted the sound is heard."""
        return float(self._s["extra_latency_s"])

    def set_filter_onset(self, seconds: float) -> None:
        """Say how long after a block's beginning its filters answer, so that prediction reaches so far: 0 or more."""
        self._s["filter_onset_s"] = seconds

    def set_gain_db(self, gain_db: float) -> None:
        """Set the output gain in dB, ramped; -inf mutes. Up to +24 dB."""
        if not gain_db <= 24.0:
            raise ConfigurationError(f"a gain of {gain_db} dB cannot be used: choose -inf to 24 dB.")
        self._s["gain_target"] = 10.0 ** (gain_db / 20.0)

    def play(self) -> None:
        """Play on, faded in over 5 ms (at a fresh beginning: at once)."""
        self._paused_at = -1
        self._number_transport()
        self._state.publish("playing", 1)

    def pause(self) -> None:
        """Fade out over 5 ms and hold the position and the delay line; `snapshot().silent` tells when it is done."""
        self._number_transport()
        self._state.publish("playing", 0)
        self._paused_at = self._state.load("begun")

    def _number_transport(self) -> None:
        self._state.publish("transport", self._state.load("transport") + 1)

    @property
    def _frozen(self) -> bool:
        # a frozen block that began after the pause: all blocks after it are frozen too
        return self._paused_at >= 0 and self._state.load("frozen") > self._paused_at

    def reset(self, frame: int = 0) -> None:
        """Forget all sound, and go on at a source frame; frame 0 begins without a fade, others fade in.

        Only after a pause, once `snapshot().silent`, or while no audio thread runs. Also empties the ring.
        """
        s = self._s
        s["fade"], s["limiter"] = 0.0, 1.0
        s["frame"], s["fresh"], s["cleared"] = frame, int(frame == 0), 1
        s["rendered_blocks"] = self.plan.n_partitions + 1
        s["object_fresh"], s["object_frame"] = 1, 0
        self._number_transport()
        for name in ("half", "newest", "has_path", "starving", "tail_frames", "ended", "adapter_left"):
            s[name] = 0
        self._state.rows[:] = 0.0
        self._state.fdl[:] = 0.0
        self.ring.flush()

    def take_live_input(self) -> None:
        """Let the ring be filled by a sound card's input, block by block: it fades in, and needs no reserve.

        Before anything sounds; `ring.write` is not for the caller from then on.
        """
        s = self._s
        s["live"], s["fresh"], s["fade"] = 1, 0, 0.0
        s["reserve_frames"] = s["resume_frames"] = self.plan.block_size

    def forget_input(self) -> None:
        """Empty the ring and the block adapter. Only while nobody runs the block function."""
        self.ring.flush()
        self._s["adapter_left"] = 0

    def snapshot(self) -> Snapshot:
        """Read counters, meters and the pose."""
        self._filters.free()
        self._pose.free()
        self.objects.free()
        return take_snapshot(self._s, self._frozen)

    @property
    def ended(self) -> bool:
        """Whether the source has ended and the filters have rung out."""
        return bool(self._s["ended"])

    @property
    def thread_id(self) -> int:
        """The operating system's number of the thread that played last; 0 before the first, and where it has none."""
        return self._state.load("thread_id")

    @property
    def events_lost(self) -> int:
        """Events that found no room for `drain_events`."""
        return self._events.lost

    @property
    def last_block_s(self) -> float:
        """Time the last block took, in seconds, as the block function measured it."""
        return int(self._s["block_ns"]) * 1e-9

    def set_frame(self, frame: int) -> None:
        """Set the source frame of the next block, by which a timeline is read. Only between blocks."""
        self._s["frame"] = frame

    def block_time_percentile_s(self, percent: float) -> float:
        """Return the block time that a percentage of blocks stayed below, to a quarter octave; 0 before the first."""
        return block_time_percentile_s(self._s, percent)

    def memory(self) -> list[tuple[int, int]]:
        """Return address and size in bytes of the engine's buffers as they are now, to be locked in memory.

        Filter sets and timelines published later are fresh memory, brought in as they are written.
        """
        rings = [ring.records for ring in (self._capture, self._tap, self._trace, self._events)]
        buffers = [*self._state.memory, *self._filters.packed.values(), *rings]
        return [(int(buffer.ctypes.data), buffer.nbytes) for buffer in buffers if buffer.nbytes]

    def prepare_capture(self, seconds: float) -> None:
        """Make room for what a virtual card plays: a ring that `read_capture` drains. Before it starts."""
        n_frames = -(-round(seconds * self.plan.fs_hz) // self.plan.block_size) * self.plan.block_size
        frames = aligned(2 * n_frames).reshape(n_frames, 2)
        self._capture = RecordRing(self.address, "capture", frames)
        self._s["capture"], self._s["capture_frames"] = frames.ctypes.data, n_frames

    @property
    def capture_frames(self) -> int:
        """Capacity of the capture ring; 0 without one."""
        return len(self._capture.records)

    @property
    def capture_start_s(self) -> float:
        """Monotonic time at which the virtual card converted frame 0 of the capture, were it all one run.

        Frame k of all that was captured since the engine was made is converted k / fs later, as far as the
        card's last start and the last capture that was lost lie behind. 0 before the virtual card first started.
        """
        return float(self._s["capture_start_s"])

    def read_capture(self) -> NDArray[np.float32]:
        """Take out the captured frames (n, 2) that are there now. Control side, one thread."""
        return self._capture.drain()

    def prepare_tap(self, seconds: float) -> None:
        """Make room for the field of each block, as it is before the head turns it. Before anything sounds."""
        n_frames = -(-round(seconds * self.plan.fs_hz) // self.plan.block_size) * self.plan.block_size
        frames = aligned(n_frames * self.plan.n_sh).reshape(n_frames, self.plan.n_sh)
        self._tap = RecordRing(self.address, "tap", frames)
        self._s["tap"], self._s["tap_frames"] = frames.ctypes.data, n_frames

    def read_tap(self) -> NDArray[np.float32]:
        """Take out the field (n, n_sh), ACN/SN3D, of the blocks since the last time; cleaned, objects encoded.

        Blocks that were silent and left everything as it was are not among them. `tap_lost` counts what found no room.
        Control side, one thread.
        """
        return self._tap.drain()

    @property
    def tap_lost(self) -> int:
        """Frames of the field that found no room for `read_tap`."""
        return self._tap.lost

    def drain_trace(self) -> NDArray[np.void]:
        """Take out the rows of the blocks since the last time, oldest first; fields as `kernels.state.trace_dtype`.

        Of an engine made with `trace_rows`, which is how many may wait; `snapshot().trace_lost` counts those that
        found no room. Control side, one thread.
        """
        return self._trace.drain()

    def drain_events(self) -> NDArray[np.void]:
        """Take out what went wrong, or right again, since the last time; fields as `kernels.state.EVENT` says.

        1024 may wait; `snapshot().events_lost` counts those that found no room. Control side, one thread.
        """
        return self._events.drain()

    def last_field(self) -> NDArray[np.float32]:
        """Return the last block's field as the head sees it, (block_size, n_sh) ACN/SN3D.

        Offline it is exact; while another thread renders it may be half a block old and half new. Zeros above the
        rendered order.
        """
        field = self._state.rows[1 - int(self._s["half"]), :, : self.plan.n_sh].copy()
        field[:, n_sh(int(self._s["rendered_order"])) :] = 0.0
        return field
