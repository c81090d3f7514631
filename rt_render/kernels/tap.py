"""The field tap: each block as it is before the head turns it, for a file that plays the session again.

A full ring keeps what is in it and counts what is lost. Blocks that were silent and left everything as it was are
left out, as they are in the source's time.
"""

from firmware_bridge.atomics import load_acquire_i64, store_release_i64
from rt_render.kernels.jit import rt_jit
from rt_render.kernels.simd import clean, load16, store
from rt_render.kernels.state import field_offset

_TAP_WRITTEN, _TAP_READ = field_offset("tap_written"), field_offset("tap_read")


@rt_jit
def clean_field_rt(state):
    """Clean the encoded field at `state.clean` as what is read from a file is, so that a file of it brings the same."""
    for o in range(0, 4 * state.block_size * state.n_sh, 64):
        store(state.clean + o, clean(load16(state.clean + o)))


@rt_jit
def tap_rt(state, address):
    """Append the block at `state.clean` to the tap's ring, or count it lost. Audio thread."""
    written = state.tap_written
    if written + state.block_size - load_acquire_i64(address + _TAP_READ) > state.tap_frames:
        state.tap_lost += state.block_size
        return
    at = state.tap + 4 * state.n_sh * (written % state.tap_frames)
    for o in range(0, 4 * state.block_size * state.n_sh, 64):
        store(at + o, load16(state.clean + o))
    store_release_i64(address + _TAP_WRITTEN, written + state.block_size)
