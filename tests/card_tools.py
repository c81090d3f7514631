"""The sound card's native callback as PortAudio calls it."""

import ctypes

from rt_render.kernels.cards import compile_sound_card

_CALLBACK = compile_sound_card()
call_card = ctypes.CFUNCTYPE(
    ctypes.c_int,
    ctypes.c_void_p,
    ctypes.c_void_p,
    ctypes.c_ulong,
    ctypes.c_void_p,
    ctypes.c_ulong,
    ctypes.c_void_p,
)(_CALLBACK.address)
"""(input, output, n_frames, times, flags, link's address) -> 0."""
