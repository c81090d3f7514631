"""The one record that the control side prepares and the audio thread works on: their whole contract.

Every field is 8 bytes wide, so single reads and writes are whole. `in` fields are written by the control
side, `out` fields by the audio thread; the rest is fixed while a stream runs. Addresses are byte addresses
of float32 buffers that the engine keeps alive.
"""

import numpy as np

from rt_render.conventions import BLOCK_SIZES

MAX_KNOTS = BLOCK_SIZES[-1] // 128 + 1
N_HISTOGRAM_BINS = 96
HISTOGRAM_BINS_PER_OCTAVE = 4
"""Bin b counts blocks that took 2^(b / 4) to 2^((b + 1) / 4) times 62.5 ns."""
TRACE_COLUMNS = 10
"""A trace row: end of block (monotonic s), block time (s), quaternion at the block's end, rms left, rms
right, source frame at the block's start, frames consumed."""

_I, _F = np.int64, np.float64
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
        # sample ring: rows of n_sh floats; counts of frames since the last flush
        ("ring", _I),
        ("ring_frames", _I),
        ("ring_written", _I),  # in
        ("ring_read", _I),  # out
        ("ring_end", _I),  # in: frames in all once known, else -1
        # buffers
        ("clean", _I),
        ("rows", _I),
        ("row_bytes", _I),
        ("half", _I),  # out: which of the two blocks in `rows` is the current one
        ("fdl", _I),
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
        # filters: packed sets of one shape
        ("filters", _I),  # out: the set in use
        ("filters_old", _I),  # out: the set that fades away, or 0
        ("filters_next", _I),  # in: a set to take over, 0 when taken
        ("filter_fade_frame", _I),  # out
        ("filter_fade_frames", _I),
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
        ("stale_after_s", _F),
        ("pose_age_s", _F),  # out
        ("stale_blocks", _I),  # out
        # transport
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
        ("trace", _I),
        ("trace_rows", _I),
        ("trace_written", _I),
        # the caller of process_block: sound card or virtual card
        ("process_block", _I),  # address of the one compiled block function
        ("owner", _I),  # the stream whose turn it is, minus it while inside, else 0: see `kernels.turn`
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
    ],
    align=True,
)

LINK = np.dtype(
    [
        ("state", _I),  # address
        ("stream", _I),  # its number, from 1
        ("calls", _I),  # out: how often the sound card called, its turn or not
    ],
    align=True,
)
"""User data of one sound card stream. It outlives the stream, should the card call on."""


def field_offset(name: str) -> int:
    """Return the byte offset of a field, for atomic access by address."""
    fields = STATE.fields
    assert fields is not None
    return int(fields[name][1])
