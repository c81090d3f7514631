"""The one record that the control side prepares and the audio thread works on: their whole contract.

Every field is 8 bytes wide, so single reads and writes are whole. `in` fields are written by the control
side, `out` fields by the audio thread; the rest is fixed while a stream runs. Addresses are byte addresses
of float32 buffers that the engine keeps alive.
"""

import numpy as np

from rt_render.conventions import BLOCK_SIZES, MAX_ORDER
from rt_render.kernels.predict import N_PREDICTION

MAX_KNOTS = BLOCK_SIZES[-1] // 128 + 1
N_HISTOGRAM_BINS = 96
HISTOGRAM_BINS_PER_OCTAVE = 4
"""Bin b counts blocks that took 2^(b / 4) to 2^((b + 1) / 4) times 62.5 ns."""

FLAG_UNDERRUN = 1
"""The source does not keep up: the block fades out, is silent or waits for more."""
FLAG_STALE = 2
FLAG_LATE = 4
"""The block before this one was not ready at its scheduled end (virtual card)."""
FLAG_HOST_UNDERFLOW = 8
"""The sound card's host said that it had run dry before this block."""
FLAG_NON_FINITE = 16
FLAG_LIMITED = 32
FLAG_FROZEN = 64
"""The block was silent and left everything as it was; its path was not used."""
FLAG_PATH_BEGINS = 128
"""The path begins at its first knot; else it goes on from the block before."""
FLAG_CLEARED = 256
"""The first block behind a reset: delay line and ring began anew."""
FLAG_FILTERS_FADE = 512

SET_NUMBER, SET_ORDER, SET_CHUNKS, SET_FRAME = -8, -16, -24, -32
"""Where, from the address of a packed filter set, its int64 words are.

Its number and order, the chunks of lanes it needs, and the source frame from which it is to fade in.
"""

_I, _F = np.int64, np.float64
TRACE = np.dtype(
    [
        ("block", _I),  # its number
        ("stream", _I),  # the sound card's stream that plays, 0 for the virtual card and offline
        ("begin_s", _F),
        ("block_ns", _I),
        ("hear_s", _F),  # as in `STATE`
        ("pose_time_s", _F),
        ("pose_number", _I),  # in its mailbox; 0 for a timeline, and before the first pose
        ("ahead_s", _F),  # as in `STATE`
        ("flags", _I),
        ("transport", _I),
        ("order", _I),  # that was rendered: `rendered_order`
        ("frame", _I),  # source frame at the block's begin
        ("consumed", _I),  # source frames
        ("fade", _F),  # at the block's begin
        ("fade_step", _F),  # a frame; 2 for a frozen block
        ("gain_begin", _F),
        ("gain", _F),  # at the block's end
        ("limiter", _F),  # at the block's end
        ("filter_set", _I),
        ("filter_fade_frame", _I),  # at the block's end
        ("missed_slots", _I),  # in all, of the blocks before this one: slots of the virtual card that passed in silence
        ("mean_square", _F, 2),
    ],
    align=True,
)
"""What a trace row begins with; the knots of the path follow, as float64 quaternions."""

EVENT_LATE_BLOCK = 1  # amount: seconds behind its scheduled end
EVENT_MISSED_SLOTS = 2  # amount: slots
EVENT_LONG_BLOCK = 3  # live; amount: seconds it took, more than it lasts
EVENT_UNDERRUN_BEGIN = 4  # amount: frames in the ring
EVENT_UNDERRUN_END = 5  # amount: frames in the ring
EVENT_STALE_BEGIN = 6  # amount: age in seconds
EVENT_STALE_END = 7  # amount: age in seconds
EVENT_NON_FINITE = 8  # the first of a row of blocks; amount: frames of it that hold such a sample
EVENT_CLOCK_JUMP = 9  # amount: seconds by which the sound card's time line moved
EVENT_HOST_UNDERFLOW = 10  # amount: how many there were by now
EVENT_NO_HOST_TIME = 11  # once a stream: its host tells no output time; amount: the seconds taken instead
EVENT_INPUT_LOST = 12  # amount: how many calls of the sound card brought no input, or not all, by now
EVENT = np.dtype([("time_s", _F), ("kind", _I), ("amount", _F), ("block", _I)], align=True)
"""Something that went wrong, or right again: monotonic time, one of the kinds above, number of the block."""
STATE = np.dtype(
    [
        # shape, fixed
        ("order", _I),
        ("n_sh", _I),
        ("block_size", _I),
        ("fs_hz", _F),
        ("chunk", _I),
        ("n_chunks", _I),
        ("n_partitions", _I),
        # sample ring: rows of n_in floats; counts of frames since the last flush
        ("ring", _I),
        ("ring_frames", _I),
        ("ring_written", _I),  # in
        ("ring_read", _I),  # out
        ("ring_end", _I),  # in: frames in all once known, else -1
        # what comes in: the field itself, n_in = n_sh, or the signals of n_in = n_objects objects
        ("n_in", _I),
        ("n_objects", _I),  # 0 where the ring carries the field
        ("taken", _I),  # a block of the ring, cleaned; `clean` itself where that is the field
        # objects, see `kernels.objects`
        ("objects", _I),  # in: address of `TARGETS`
        ("objects_seen", _I),  # out: its number, when it was last looked at
        ("object_frame", _I),  # frames since the last knot
        ("object_fresh", _I),  # 1 until the first block behind a beginning
        ("object_keep", _F),  # share of the way that is left after a knot, of each of the two smoothers
        ("object_lag_s", _F),  # by which they hold back
        ("object_reference_m", _F),  # the distance up to which nothing gets quieter
        ("object_place", _I),  # x, y, z, distance and gain as last aimed at, rows of 64 lanes
        ("object_harmonics", _I),
        ("object_target", _I),
        ("object_middle", _I),
        ("object_start", _I),
        ("object_end", _I),
        ("object_step", _I),
        ("object_air_table", _I),
        ("object_air_from", _I),
        ("object_air_to", _I),
        ("object_air_memory", _I),
        ("object_rows", _I),
        # buffers
        ("clean", _I),
        ("rows", _I),
        ("row_bytes", _I),
        ("half", _I),  # out: which of the two blocks in `rows` is the current one
        ("fdl", _I),
        ("slot_bytes", _I),  # of the delay line
        ("newest", _I),  # out
        ("spare", _I),
        ("spectrum", _I),
        ("ears", _I),
        ("ears_old", _I),
        ("twiddles", _I),
        ("twiddles_columns", _I),
        ("twiddles_16", _I),
        ("twiddles_between", _I),
        ("matrix_start", _I),  # out: the two swap
        ("matrix_end", _I),  # out
        ("matrix_step", _I),
        ("matrix_scratch", _I),
        ("matrix_tables", _I),
        ("words", _I, 2),
        # filters: packed sets, each for the first channels of up to `order`
        ("filters", _I),  # out: the set in use
        ("filters_old", _I),  # out: the set that fades away, or 0
        ("filters_next", _I),  # in: a set to take over, 0 when taken
        ("filter_fade_frame", _I),  # out
        ("filter_fade_frames", _I),
        ("rendered_order", _I),  # out: up to which the field is turned and fed to the delay line
        ("rendered_blocks", _I),  # out: how many blocks in a row, up to all that filters reach back to
        # pose
        ("mailbox", _I),  # in: address, or 0 to follow the timeline
        ("mailbox_read", _I),  # out: the mailbox that `pose` was read from
        ("timeline", _I),  # in: address of float64 rows (time_s, w, x, y, z); row 0 begins with their number
        ("pose", _F, 12),  # out: as `read_pose_rt` fills it
        ("tracking", _I),  # in: 0 off (the field stays with the head), 1 on
        ("tracking_mix", _F),  # out
        ("tracking_step", _F),
        ("has_path", _I),  # out: 1 once a block was rotated
        ("path", _F, (MAX_KNOTS, 4)),  # out: the knots of the last block, 128 frames apart
        ("path_step", _F, 4),
        ("knot", _F, 4),
        ("prediction_mode", _I),  # in: as `kernels.predict` names them
        ("prediction_cap_s", _F),  # in
        ("filter_onset_s", _F),  # in: from a block's beginning to where its filters answer
        ("ahead_s", _F),  # out: how far ahead of its pose the end of the path was predicted
        ("prediction_keep", _F),  # share of a correction that is left at the next knot
        ("prediction", _F, N_PREDICTION),  # out: what `kernels.predict` remembers
        ("stale_after_s", _F),
        ("pose_age_s", _F),  # out
        ("stale_blocks", _I),  # out
        # time line
        ("dac_s", _F),  # in, from the card's thread: when the next block's first sample is converted; 0 unknown
        ("extra_latency_s", _F),  # in: from the converter to the ears, as of wireless headphones
        ("hear_s", _F),  # out: when the block's first sample is heard, monotonic; 0 where nobody listens
        ("hear_latency_s", _F),  # out: from the block's begin to then
        ("virtual_latency_s", _F),  # in: what the virtual card adds to its schedule
        ("clock_jumps", _I),  # out
        # transport
        ("transport", _I),  # in: number of the last play, pause or reset
        ("cleared", _I),  # in: 1 behind a reset, until the block that begins anew
        ("playing", _I),  # in
        ("fresh", _I),  # in: 1 at a beginning that needs no fade
        ("starving", _I),  # out
        ("fade", _F),  # out: 0 silent .. 1
        ("fade_frames", _I),
        ("reserve_frames", _I),
        ("resume_frames", _I),
        ("frame", _I),  # out: next source frame; in while stopped
        ("tail_frames", _I),  # out: silence fed behind the end
        ("ended", _I),  # out
        ("replay", _I),  # in: address of the trace row whose block is rendered again, see `kernels.replay`; 0 live
        # output stage
        ("gain_target", _F),  # in
        ("gain", _F),  # out
        ("gain_keep", _F),
        ("ceiling", _F),
        ("release_keep", _F),
        ("limiter", _F),  # out
        ("meter_keep", _F),
        ("peak", _F, 2),  # out
        ("mean_square", _F, 2),  # out
        ("highest_peak", _F),  # out
        ("lowest_limiter", _F),  # out
        # counters, out; blocks are numbered from 1
        ("begun", _I),  # number of the block that began last
        ("frozen", _I),  # number of the last block that was silent and left everything as it was
        ("blocks", _I),  # number of the block that was finished last
        ("frames", _I),
        ("underruns", _I),
        ("non_finite", _I),
        ("limited_blocks", _I),
        ("block_ns", _I),
        ("longest_block_ns", _I),
        ("histogram", _I, N_HISTOGRAM_BINS),
        ("flags", _I),  # of the last block
        ("flags_next", _I),  # what the card's thread has to say of the next block
        ("trace", _I),  # ring of rows, or 0
        ("trace_bytes", _I),  # of a row
        ("trace_capacity", _I),
        ("trace_written", _I),
        ("trace_read", _I),  # in
        ("trace_lost", _I),
        ("events", _I),  # ring
        ("events_capacity", _I),
        ("events_written", _I),
        ("events_read", _I),  # in
        ("events_lost", _I),
        # the caller of process_block: sound card or virtual card
        ("process_block", _I),  # address of the one compiled block function
        ("owner", _I),  # the stream whose turn it is, minus it while inside, else 0: see `kernels.turn`
        ("thread_id", _I),  # out: the operating system's number of the thread that plays, 0 unknown
        ("last_call_ns", _I),  # out
        ("calls", _I),  # out
        ("card_flags", _I),  # out: count of callbacks in which the host reported an underflow
        ("host_frames_low", _I),  # out: smallest and largest host block
        ("host_frames_high", _I),
        ("device_latency_s", _F),  # out
        ("adapter", _I),  # one block of stereo frames
        ("adapter_left", _I),  # out: frames in it not yet delivered
        ("stop", _I),  # in: the virtual card's thread leaves
        ("late_blocks", _I),  # out: blocks not ready at their scheduled end
        ("missed_slots", _I),  # out: slots that passed in silence
        ("capture", _I),  # ring of stereo frames that the virtual card fills, or 0
        ("capture_frames", _I),
        ("capture_written", _I),  # out
        ("capture_read", _I),  # in
        ("capture_lost", _I),  # out
        ("capture_start_s", _F),  # out: when the virtual card converts frame 0 of the capture
        # the field, see `kernels.tap`
        ("tap", _I),  # ring of frames of n_sh floats, or 0
        ("tap_frames", _I),
        ("tap_written", _I),  # out
        ("tap_read", _I),  # in
        ("tap_lost", _I),  # out
        ("live", _I),  # 1 where the sound card's input fills the ring, see `kernels.live_input`
    ],
    align=True,
)

MAX_OBJECTS = 64
AIR_STEPS = 82
"""Entries of the table of the air: to 1 km."""
TARGETS = np.dtype(
    [
        ("number", _I),  # of the publication, from 1
        ("tracks", _I, MAX_OBJECTS),  # addresses of paths that are followed, 0 for none
        ("x", np.float32, MAX_OBJECTS),
        ("y", np.float32, MAX_OBJECTS),
        ("z", np.float32, MAX_OBJECTS),
        ("distance", np.float32, MAX_OBJECTS),  # metres
        ("gain", np.float32, MAX_OBJECTS),
        ("weights", np.float32, (MAX_ORDER + 1, MAX_OBJECTS)),  # of each degree, by the spread
    ],
    align=True,
)
"""Where the objects shall be; published whole. A path is rows of five float64: first their number, the seconds after
which it begins again or 0, and nothing; then time_s, x, y, z, distance."""

LINK = np.dtype(
    [
        ("state", _I),  # address
        ("stream", _I),  # its number, from 1
        ("calls", _I),  # out: how often the sound card called, its turn or not
        ("thread_id", _I),  # out: of the thread that calls, taken at its first call
        ("input", _I),  # address of `kernels.live_input.INPUT`, or 0
        # its time line, see `kernels.stream_clock`
        ("latency_s", _F),  # in: as PortAudio told it when the stream was opened
        ("words", _I, 2),
        ("stream_time_s", _F),
        ("stream_dac_s", _F),
        ("called_s", _F),
        ("call_latency_s", _F),  # out: from the last call to the converter
        ("frames", _I),
        ("start_s", _F),  # out: when frame 0 is converted, monotonic
        ("looks", _I),
        ("aside_frames", _I),
        ("jump_s", _F),
        ("no_time", _I),
    ],
    align=True,
)
"""User data of one sound card stream. It outlives the stream, should the card call on."""


def trace_dtype(block_size: int) -> np.dtype[np.void]:
    """Return a trace row's type for blocks of this size: `TRACE`, and `knots` (n, 4) from its begin to its end."""
    knots = (max(1, block_size // 128) + 1, 4)
    return np.dtype([*((name, TRACE[name]) for name in TRACE.names or ()), ("knots", _F, knots)])


def field_offset(name: str) -> int:
    """Return the byte offset of a field, for atomic access by address."""
    fields = STATE.fields
    assert fields is not None
    return int(fields[name][1])
