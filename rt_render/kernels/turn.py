"""Whose turn it is: one word says which stream may run the block function, and whether it does so now.

The word `owner` of the state is 0 (nobody), a stream's number (it may play), or minus that number (it plays
this very block). It changes only by compare-and-exchange, so that two callers can never be inside together,
however late a lost sound card calls again.
"""

from numba import njit

from firmware_bridge.atomics import exchange_if_equal_i64, store_release_i64
from rt_render.kernels.jit import rt_jit
from rt_render.kernels.state import field_offset

_OWNER = field_offset("owner")


@rt_jit
def enter_rt(address, stream):
    """Return 1 if it is this stream's turn, and mark it as inside; else 0. Audio thread."""
    return exchange_if_equal_i64(address + _OWNER, stream, -stream)


@rt_jit
def leave_rt(address, stream):
    """Give way behind a block that `enter_rt` allowed. Audio thread."""
    store_release_i64(address + _OWNER, stream)


@njit(nogil=True, error_model="numpy", boundscheck=False, cache=True)
def _exchange(word, expected, value):
    # cached on disk under this file alone: it must not know where in the state the word lies
    return exchange_if_equal_i64(word, expected, value)


def pass_turn(address: int, from_stream: int, to_stream: int) -> int:
    """Pass the turn from one stream to another (0: nobody); return 0 if it was not there to pass. Control side."""
    return int(_exchange(address + _OWNER, from_stream, to_stream))
