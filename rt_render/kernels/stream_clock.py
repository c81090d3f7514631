"""When a sound card converts what it asks for: PortAudio's jittering times, as an even line of host time.

The line is `start_s + frames / fs`: the time at which frame 0 of the stream is converted, followed slowly. What
lies far off is followed no faster; only if it stays there has the card's time line moved.
"""

import numpy as np
from numba.np.numpy_support import carray

from rt_render.kernels.clock import monotonic_ns_rt
from rt_render.kernels.jit import rt_jit
from rt_render.kernels.simd import as_pointer
from rt_render.kernels.state import LINK

FOLLOW_S = 0.5
"""Time constant: a card 100 ppm off is followed 0.05 ms late."""
JUMP_S = 0.0015
"""Distance from the line that is more than jitter, if it lasts on one side for `JUMP_AFTER_S` and `JUMP_CALLS`."""
JUMP_AFTER_S, JUMP_CALLS = 0.1, 16
MAX_LATENCY_S = 10.0
"""What a host tells beyond is a mistake; wireless loudspeakers have some seconds."""

_WORDS = LINK.fields["words"][1]  # type: ignore[index]


@rt_jit
def _call_latency_rt(link, link_address, times):
    """Note when the sound card called, the seconds from then to the converter, and whether its host knows them."""
    called_s = monotonic_ns_rt(link_address + _WORDS) * 1e-9
    link.call_latency_s = link.latency_s
    if times != 0:
        # PaStreamCallbackTimeInfo: input time, time now, time at which the first frame reaches the converter
        stream = carray(as_pointer(times), (3,), np.float64)
        now_s, dac_s = stream[1], stream[2]
        if 0.0 < dac_s - now_s < MAX_LATENCY_S:
            link.call_latency_s = dac_s - now_s
            if now_s == link.stream_time_s and dac_s != link.stream_dac_s and link.looks > 0:
                called_s = link.called_s  # one more block of the same host buffer: its time was taken at the first
            link.stream_time_s, link.stream_dac_s, link.called_s = now_s, dac_s, called_s
            return
    link.called_s = called_s
    if link.no_time == 0:
        link.no_time = 1


@rt_jit
def follow_line_rt(link, dac_s, n_frames, ran_dry, fs_hz):
    """Return by the line when the first of the next `n_frames` is converted, `dac_s` being what the host tells.

    `ran_dry`: nothing was converted for a while, so that the line begins anew. Modifies `link`. Audio thread.
    """
    before_s = link.frames / fs_hz
    start_s = dac_s - before_s
    off_s = start_s - link.start_s
    link.looks = 1 if ran_dry else link.looks + 1
    if link.looks == 1:
        link.start_s, link.aside_frames = start_s, 0
    else:
        side = 1 if off_s > JUMP_S else (-1 if off_s < -JUMP_S else 0)
        if side * link.aside_frames <= 0:
            link.aside_frames = 0
        link.aside_frames += side * n_frames
        if abs(link.aside_frames) > max(JUMP_AFTER_S * fs_hz, JUMP_CALLS * n_frames):
            link.jump_s += off_s
            link.start_s = start_s
            link.looks, link.aside_frames = 1, 0
        else:
            share = max(1.0 / link.looks, min(1.0, n_frames / (FOLLOW_S * fs_hz)))
            link.start_s += share * max(-JUMP_S, min(JUMP_S, off_s))
    link.frames += n_frames
    return link.start_s + before_s


@rt_jit
def dac_time_rt(link, link_address, times, n_frames, ran_dry, fs_hz):
    """Return the monotonic time at which the first of the next `n_frames` of a stream is converted. Audio thread.

    `times`: address of PortAudio's, or 0. Modifies the stream's record (`LINK`) only, so that a stream whose turn
    it is not may keep its line.
    """
    _call_latency_rt(link, link_address, times)
    return follow_line_rt(link, link.called_s + link.call_latency_s, n_frames, ran_dry, fs_hz)
