"""The engine: prepares the state record, runs the block function, publishes changes to it."""

import ctypes
import hashlib
import threading
from collections.abc import Callable
from math import isqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray

from firmware_bridge.mailbox import PoseMailbox
from firmware_bridge.mailbox_kernels import load_word, store_word
from rt_render.conventions import n_sh
from rt_render.engine.plan import RESUME_RESERVES, Plan
from rt_render.engine.record_ring import RecordRing
from rt_render.engine.ring import SampleRing
from rt_render.engine.snapshot import Snapshot
from rt_render.errors import ConfigurationError
from rt_render.kernels.block import compile_process_block
from rt_render.kernels.convolve import four_step_twiddles, pack_filters, plane_floats
from rt_render.kernels.fft import twiddle_table
from rt_render.kernels.jit import entry_address
from rt_render.kernels.pose import KNOT_SPACING_FRAMES
from rt_render.kernels.predict import CONSTANT, LEARNT, OFF
from rt_render.kernels.rotate import MATRIX_FLOATS, SCRATCH_FLOATS, matrix_tables
from rt_render.kernels.state import (
    EVENT,
    HISTOGRAM_BINS_PER_OCTAVE,
    N_HISTOGRAM_BINS,
    SET_CHUNKS,
    SET_NUMBER,
    SET_ORDER,
    STATE,
    field_offset,
    trace_dtype,
)

FILTER_FADE_S = 0.02
GAIN_TIME_S = 0.03
METER_TIME_S = 0.3
LIMITER_RELEASE_S = 0.08
TRACKING_RAMP_S = 0.2
STALE_AFTER_S = 0.5
PREDICTION_MODES = {"off": OFF, "constant": CONSTANT, "learnt": LEARNT}
PREDICTION_CAP_MS = 60.0
MAX_PREDICTION_CAP_MS = 200.0
CORRECTION_S = 0.01
"""A pose that comes elsewhere than predicted bends the path with this time constant."""
MAX_EXTRA_LATENCY_S = 2.0
CEILING_DB = -1.0
BLOCK_TIME_BINS_S = tuple(62.5e-9 * 2 ** ((b + 1) / HISTOGRAM_BINS_PER_OCTAVE) for b in range(N_HISTOGRAM_BINS))
"""Where the bins of block times end."""
N_EVENTS = 1024
"""Events that wait for `drain_events` at most."""

_PLAN_WORDS = ("order", "block_size", "fs_hz", "n_partitions", "fade_frames", "filter_fade_frames")
_PLAN_NUMBERS = ("ceiling", "release_keep")
"""What is fixed in a state and decides, with the rows of a trace, what is heard."""
_ROW_PAD = 16
"""Floats behind each rotated row into which padded columns may write zeros."""


class Engine:
    """A field of one order in, two ears out, block by block. Without a sound card:

        import numpy as np
        from rt_render import Engine
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
        self._state = _aligned(STATE.itemsize // 4 + 1).view(np.uint8)[: STATE.itemsize].view(STATE)
        self._s = self._state[0]
        self.address = int(self._state.ctypes.data)
        self._block = compile_process_block()
        self._call = ctypes.CFUNCTYPE(None, ctypes.c_int64, ctypes.c_int64)(entry_address(self._block))
        self._buffers: list[NDArray[np.generic]] = []
        self._filter_sets: dict[int, NDArray[np.float32]] = {}
        self._n_filter_sets = 0
        self._tell_filters: Callable[[int, NDArray[np.float64]], None] = lambda number, filters: None
        self._unused_filters: dict[int, int] = {}
        self._lock = threading.Lock()
        """Of the control side's threads, among themselves: one publishes while another looks."""
        self._pose_source: object = None
        self._retired: list[tuple[int, object]] = []
        self._paused_at = -1
        ring = self._prepare_buffers()
        self.ring = SampleRing(self.address, ring, plan.block_size)
        self._prepare_levels(ceiling_db)
        self.set_gain_db(gain_db)
        self._s["gain"] = self._s["gain_target"]
        self._capture = RecordRing(self.address, "capture", np.zeros((0, 2), np.float32))
        self._trace = RecordRing(self.address, "trace", np.zeros(trace_rows, trace_dtype(plan.block_size)))
        self._events = RecordRing(self.address, "events", np.zeros(N_EVENTS, EVENT))
        if trace_rows:
            self._s["trace"], self._s["trace_capacity"] = self._trace.records.ctypes.data, trace_rows
            self._s["trace_bytes"] = self._trace.records.itemsize
        self._s["events"], self._s["events_capacity"] = self._events.records.ctypes.data, N_EVENTS
        self._s["filters"] = first = self._pack(filters)
        self._s["rendered_order"] = load_word(first + SET_ORDER)
        self._s["rendered_blocks"] = plan.n_partitions + 1  # silence is there of any order
        self.follow_timeline([0.0], [[1.0, 0.0, 0.0, 0.0]])
        self._s["tracking"], self._s["tracking_mix"] = 1, 1.0
        self._s["process_block"] = entry_address(self._block)
        self._s["playing"] = self._s["fresh"] = 1

    # preparation

    def _take(self, n_floats: int) -> int:
        return self._keep(_aligned(n_floats))

    def _keep(self, array: NDArray[np.generic]) -> int:
        self._buffers.append(array)
        return int(array.ctypes.data)

    def _prepare_buffers(self) -> NDArray[np.float32]:
        plan, s = self.plan, self._s
        n, lanes = 2 * plan.block_size, plan.chunk * plan.n_chunks
        row_floats = 2 * lanes + _ROW_PAD
        ring = _aligned(plan.ring_frames * plan.n_sh).reshape(plan.ring_frames, plan.n_sh)
        for name in (
            "order",
            "n_sh",
            "block_size",
            "fs_hz",
            "chunk",
            "n_chunks",
            "n_partitions",
            "ring_frames",
        ):
            s[name] = getattr(plan, name)
        s["ring"] = self._keep(ring)
        s["ring_end"] = -1
        s["clean"] = self._take(plan.block_size * plan.n_sh)
        s["row_bytes"] = 4 * row_floats
        self._rows = _aligned(2 * plan.block_size * row_floats).reshape(2, plan.block_size, row_floats)
        slot_floats = plan.n_chunks * 2 * plane_floats(n, plan.chunk)
        self._fdl = _aligned(plan.n_partitions * slot_floats)
        s["slot_bytes"] = 4 * slot_floats
        s["rows"], s["fdl"] = self._keep(self._rows), self._keep(self._fdl)
        s["spare"] = self._take(max(4 * n * plan.chunk, 6 * n))
        s["spectrum"] = self._take(2 * (n + 16))
        s["ears"], s["ears_old"] = self._take(2 * n), self._take(2 * n)
        s["twiddles"] = self._constant(twiddle_table(n))
        s["twiddles_columns"] = self._constant(twiddle_table(n // 16))
        s["twiddles_16"] = self._constant(twiddle_table(16))
        s["twiddles_between"] = self._constant(four_step_twiddles(n))
        for name in ("matrix_start", "matrix_end", "matrix_step"):
            s[name] = self._take(MATRIX_FLOATS)
        s["matrix_scratch"] = self._take(SCRATCH_FLOATS)
        s["matrix_tables"] = self._constant(matrix_tables())
        s["adapter"] = self._take(2 * plan.block_size)
        return ring

    def _constant(self, values: NDArray[np.float32]) -> int:
        buffer = _aligned(values.size)
        buffer[:] = values.reshape(-1)
        return self._keep(buffer)

    def _prepare_levels(self, ceiling_db: float) -> None:
        plan, s = self.plan, self._s
        if not -40.0 <= ceiling_db <= 0.0:
            raise ConfigurationError(f"a limiter ceiling of {ceiling_db} dBFS cannot be used: choose -40 to 0.")
        block_s = plan.block_size / plan.fs_hz
        # just below the ceiling, so that rounding to float32 cannot pass it
        s["ceiling"] = np.nextafter(np.float32(10 ** (ceiling_db / 20)), np.float32(0))
        s["gain_keep"] = np.exp(-block_s / GAIN_TIME_S)
        s["meter_keep"] = np.exp(-block_s / METER_TIME_S)
        s["release_keep"] = np.exp(-1 / (LIMITER_RELEASE_S * plan.fs_hz))
        s["limiter"] = s["lowest_limiter"] = 1.0
        s["fade_frames"] = plan.fade_frames
        s["reserve_frames"], s["resume_frames"] = plan.reserve_frames, RESUME_RESERVES * plan.reserve_frames
        s["filter_fade_frames"] = round(FILTER_FADE_S * plan.fs_hz)
        s["tracking_step"] = block_s / TRACKING_RAMP_S
        s["stale_after_s"] = STALE_AFTER_S
        s["prediction_keep"] = np.exp(-min(plan.block_size, KNOT_SPACING_FRAMES) / plan.fs_hz / CORRECTION_S)
        s["prediction_cap_s"] = 1e-3 * PREDICTION_CAP_MS

    def _pack(self, filters: ArrayLike) -> int:
        plan = self.plan
        filters = np.asarray(filters, np.float64)
        if filters.ndim != 3 or filters.shape[0] != 2 or filters.shape[1] > plan.n_sh or not filters.size:
            raise ConfigurationError(
                f"filters of shape {filters.shape} do not fit an engine of order {plan.order}: "
                f"expected (2 ears, up to {plan.n_sh} channels, taps)."
            )
        if filters.shape[2] > plan.n_partitions * plan.block_size:
            raise ConfigurationError(
                f"filters of {filters.shape[2]} taps do not fit an engine planned for {plan.n_taps}."
            )
        if not np.isfinite(filters).all():
            raise ConfigurationError("the filters hold numbers that are not finite: design them anew.")
        packed = pack_filters(filters, plan.block_size, plan.n_partitions, plan.chunk)
        # the end of a cache line before the set says what it is
        buffer = _aligned(packed.size + 16)
        buffer[16:] = packed.reshape(-1)
        self._n_filter_sets += 1
        words = buffer[:16].view(np.int64)
        words[SET_NUMBER // 8] = self._n_filter_sets
        words[SET_ORDER // 8] = isqrt(filters.shape[1] - 1)
        words[SET_CHUNKS // 8] = packed.shape[2]
        address = int(buffer[16:].ctypes.data)
        self._filter_sets[address] = buffer
        self._tell_filters(self._n_filter_sets, filters)
        return address

    # audio side

    def process(self, out: NDArray[np.float32]) -> None:
        """Render the next block into `out` (block_size, 2) float32, C-contiguous; the interpreter lock is free.

        Audio thread, or offline: only one thread at a time.
        """
        if out.shape != (self.plan.block_size, 2) or out.dtype != np.float32 or not out.flags.c_contiguous:
            raise ValueError(f"out must be ({self.plan.block_size}, 2) float32 and contiguous")
        self._call(self.address, out.ctypes.data)

    # control side

    def publish_filters(self, filters: ArrayLike) -> None:
        """Swap in another filter set (2, n_sh, n_taps), faded over 20 ms from the same delay line.

        A set of fewer channels, those of a lower order, costs less time from its fade's end on. One of a higher order
        than is rendered is faded in once the delay line holds that order. Sets published faster than they fade
        replace each other; the last one is always reached.
        """
        with self._lock:
            self._publish("filters_next", self._pack(filters))
            self._free()

    def tell_filters(self, tell: Callable[[int, NDArray[np.float64]], None]) -> None:
        """Let every set that is published from now on be told: its number in the trace and its taps.

        `tell` is called by the thread that publishes, before the set can sound; the engine's first set is number 1.
        """
        self._tell_filters = tell

    @property
    def plan_hash(self) -> str:
        """A hash of all that is fixed and decides what is heard, to twelve digits: the same on every machine."""
        told = [f"{name}={float(self._s[name]):.12g}" for name in (*_PLAN_WORDS, *_PLAN_NUMBERS)]
        return hashlib.sha256(" ".join(told).encode()).hexdigest()[:16]

    def _free(self) -> None:
        """Free what the audio thread can no longer reach: what was out of sight before its last block began."""
        finished = self._word("blocks")
        self._retired = [(begun, kept) for begun, kept in self._retired if begun > finished]
        in_sight = {self._word(name) for name in ("filters_next", "filters", "filters_old")}
        for address in list(self._filter_sets):
            if address in in_sight:
                self._unused_filters.pop(address, None)
            elif self._unused_filters.setdefault(address, self._word("begun")) <= finished:
                # a block that was under way when the set went out of sight may have taken it into use: look again
                del self._filter_sets[address], self._unused_filters[address]

    def follow_mailbox(self, mailbox: PoseMailbox) -> None:
        """Take the head's pose from a mailbox from the next block on."""
        self._publish("mailbox", mailbox.address)
        self._retire_pose_source(mailbox)

    def follow_timeline(self, times_s: ArrayLike, quats_world_from_head: ArrayLike) -> None:
        """Take the pose from rows of source time (n,) and quaternion (n, 4), scalar first, from the next block on.

        Between rows the head turns at constant angular velocity; before the first and behind the last it holds.
        Raises ValueError for times that do not rise, and for numbers that are no rotations.
        """
        times, quats = np.asarray(times_s, np.float64), np.asarray(quats_world_from_head, np.float64)
        if times.ndim != 1 or quats.shape != (len(times), 4) or not len(times) or not np.all(np.diff(times) > 0):
            raise ValueError("a timeline needs rising times (n,) and quaternions (n, 4)")
        norms = np.linalg.norm(quats, axis=1, keepdims=True)
        if not np.isfinite(times).all() or not np.isfinite(norms).all() or norms.min() < 1e-6:
            raise ValueError("a timeline needs finite times, and quaternions that are finite and not zero")
        table = np.zeros((len(times) + 1, 5))
        table[0, 0] = len(times)
        table[1:, 0] = times
        table[1:, 1:] = quats / norms
        self._publish("timeline", table.ctypes.data)
        self._publish("mailbox", 0)
        self._retire_pose_source(table)

    def _retire_pose_source(self, successor: object) -> None:
        # a block that is under way may still read from the one before
        with self._lock:
            self._retired.append((self._word("begun"), self._pose_source))
            self._pose_source = successor
            self._free()

    def _word(self, name: str) -> int:
        return int(load_word(self.address + field_offset(name)))

    def _publish(self, name: str, value: int) -> None:
        store_word(self.address + field_offset(name), value)

    def set_tracking(self, on: bool) -> None:
        """Switch head tracking on or off; the field eases over 0.2 s."""
        self._publish("tracking", int(on))

    def set_prediction(self, mode: str, cap_ms: float = PREDICTION_CAP_MS) -> None:
        """Render for where the head will be when the sound is heard, from the next block on.

        `mode`: "off"; "constant" angular velocity; "learnt", with as much of the acceleration as has held lately.
        `cap_ms` limits how far ahead. Poses without a turning rate are not predicted, nor are timelines. Raises
        ConfigurationError for values outside.
        """
        if mode not in PREDICTION_MODES:
            raise ConfigurationError(f"there is no prediction '{mode}': choose one of {', '.join(PREDICTION_MODES)}.")
        if not 0.0 <= cap_ms <= MAX_PREDICTION_CAP_MS:
            raise ConfigurationError(
                f"a prediction of up to {cap_ms} ms cannot be used: choose 0 to {MAX_PREDICTION_CAP_MS:.0f} ms."
            )
        self._s["prediction_cap_s"] = 1e-3 * cap_ms
        self._publish("prediction_mode", PREDICTION_MODES[mode])

    def set_extra_latency(self, seconds: float) -> None:
        """Say how much later than it is converted the sound is heard, as with wireless headphones: 0 to 2 s."""
        if not 0.0 <= seconds <= MAX_EXTRA_LATENCY_S:
            raise ConfigurationError(
                f"an extra latency of {seconds} s cannot be used: choose 0 to {MAX_EXTRA_LATENCY_S:g} s."
            )
        self._s["extra_latency_s"] = seconds

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
        self._publish("playing", 1)

    def pause(self) -> None:
        """Fade out over 5 ms and hold the position and the delay line; `snapshot().silent` tells when it is done."""
        self._number_transport()
        self._publish("playing", 0)
        self._paused_at = self._word("begun")

    def _number_transport(self) -> None:
        self._publish("transport", self._word("transport") + 1)

    @property
    def _frozen(self) -> bool:
        # a frozen block that began after the pause: all blocks after it are frozen too
        return self._paused_at >= 0 and self._word("frozen") > self._paused_at

    def reset(self, frame: int = 0) -> None:
        """Forget all sound, and go on at a source frame; frame 0 begins without a fade, others fade in.

        Only after a pause, once `snapshot().silent`, or while no audio thread runs. Also empties the ring.
        """
        s = self._s
        s["fade"], s["limiter"] = 0.0, 1.0
        s["frame"], s["fresh"], s["cleared"] = frame, int(frame == 0), 1
        s["rendered_blocks"] = self.plan.n_partitions + 1
        self._number_transport()
        for name in ("half", "newest", "has_path", "starving", "tail_frames", "ended", "adapter_left"):
            s[name] = 0
        self._rows[:] = 0.0
        self._fdl[:] = 0.0
        self.ring.flush()

    def snapshot(self) -> Snapshot:
        """Read counters, meters and the pose."""
        with self._lock:
            self._free()
        s = self._s
        last_knot = max(1, self.plan.block_size // 128)
        return Snapshot(
            frame=int(s["frame"]),
            frames=int(s["frames"]),
            blocks=int(s["blocks"]),
            order=int(s["rendered_order"]),
            ended=self.ended,
            silent=self._frozen,
            underruns=int(s["underruns"]),
            late_blocks=int(s["late_blocks"] + s["card_flags"]),
            missed_slots=int(s["missed_slots"]),
            host_underflows=int(s["card_flags"]),
            clock_jumps=int(s["clock_jumps"]),
            capture_lost=self._capture.lost,
            trace_lost=self._trace.lost,
            events_lost=self._events.lost,
            last_call_s=int(s["last_call_ns"]) * 1e-9,
            calls=int(s["calls"]),
            stale_blocks=int(s["stale_blocks"]),
            non_finite=int(s["non_finite"]),
            limited_blocks=int(s["limited_blocks"]),
            torn_reads=int(s["pose"][11]),
            poses=int(s["pose"][10]),
            pose_age_s=float(s["pose_age_s"]),
            quat_world_from_head=tuple(float(v) for v in s["path"][last_knot]),  # type: ignore[arg-type]
            tracking_mix=float(s["tracking_mix"]),
            peak=(float(s["peak"][0]), float(s["peak"][1])),
            rms=(float(s["mean_square"][0]) ** 0.5, float(s["mean_square"][1]) ** 0.5),
            highest_peak=float(s["highest_peak"]),
            gain_lin=float(s["gain"]),
            limiter_lin=float(s["limiter"]),
            lowest_limiter_lin=float(s["lowest_limiter"]),
            block_s=int(s["block_ns"]) * 1e-9,
            longest_block_s=int(s["longest_block_ns"]) * 1e-9,
            block_p50_s=self.block_time_percentile_s(50.0),
            block_p999_s=self.block_time_percentile_s(99.9),
            budget_s=self.plan.block_size / self.plan.fs_hz,
            block_times=tuple(zip(BLOCK_TIME_BINS_S, s["histogram"].tolist(), strict=True)),
            device_latency_s=float(s["device_latency_s"]),
            hear_latency_s=float(s["hear_latency_s"]),
        )

    @property
    def ended(self) -> bool:
        """Whether the source has ended and the filters have rung out."""
        return bool(self._s["ended"])

    @property
    def thread_id(self) -> int:
        """The operating system's number of the thread that played last; 0 before the first, and where it has none."""
        return self._word("thread_id")

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
        counts = np.cumsum(self._s["histogram"])
        if counts[-1] == 0:
            return 0.0
        index = int(np.searchsorted(counts, counts[-1] * percent / 100.0))
        return min(BLOCK_TIME_BINS_S[min(index, N_HISTOGRAM_BINS - 1)], int(self._s["longest_block_ns"]) * 1e-9)

    def memory(self) -> list[tuple[int, int]]:
        """Return address and size in bytes of the engine's buffers as they are now, to be locked in memory.

        Filter sets and timelines published later are fresh memory, brought in as they are written.
        """
        rings = [ring.records for ring in (self._capture, self._trace, self._events)]
        buffers = [*self._buffers, *self._filter_sets.values(), *rings]
        regions = [(int(buffer.ctypes.data), buffer.nbytes) for buffer in buffers if buffer.nbytes]
        return [(self.address, STATE.itemsize), *regions]

    def prepare_capture(self, seconds: float) -> None:
        """Make room for what a virtual card plays: a ring that `read_capture` drains. Before it starts."""
        n_frames = -(-round(seconds * self.plan.fs_hz) // self.plan.block_size) * self.plan.block_size
        frames = _aligned(2 * n_frames).reshape(n_frames, 2)
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
        field = self._rows[1 - int(self._s["half"]), :, : self.plan.n_sh].copy()
        field[:, n_sh(int(self._s["rendered_order"])) :] = 0.0
        return field


def _aligned(n_floats: int) -> NDArray[np.float32]:
    """Return zeros that begin on a cache line and have a line to spare."""
    raw = np.zeros(n_floats + 32, np.float32)
    start = (-raw.ctypes.data // 4) % 16
    return raw[start : start + n_floats]
