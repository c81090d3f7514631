"""From the name of a head to filters: loads the head, folds in the headphones, designs or finds the decoder."""

from collections.abc import Callable

from rt_render.app.settings import Head
from rt_render.hrtf.decoder import Decoder, design_decoder
from rt_render.hrtf.heads import HEAD_NAMES, built_in_head
from rt_render.hrtf.hrir_set import HrirSet

Progress = Callable[[float, str], None]
"""Called with a share of the work done, 0 to 1, and what is being done. The caller's thread."""


def make_decoder(head: Head, order: int, fs_hz: int, on_progress: Progress | None = None) -> Decoder:
    """Return the decoder of a head at an order and rate, from the cache where it was made before.

    Raises InputFileError for a SOFA file or an equaliser that cannot be used.
    """
    equaliser = None
    if head.headphone_eq:
        from rt_render.io.headphone_eq_file import read_headphone_eq

        equaliser = read_headphone_eq(head.headphone_eq, fs_hz, head.taps)
    return design_decoder(load_head(head.head, fs_hz), order, head.method, head.taps, fs_hz, equaliser, on_progress)


def load_head(name: str, fs_hz: int) -> HrirSet:
    """Return a head that comes with the project, by name, or that of a SOFA file, by path."""
    if name.lower() in HEAD_NAMES:
        return built_in_head(name.lower(), fs_hz)
    from rt_render.io.sofa_file import load_head as load_sofa_head  # h5py is slow to import

    return load_sofa_head(name, fs_hz)
