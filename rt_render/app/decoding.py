"""From the name of a head to filters: loads the head, folds in the headphones, designs or finds the decoder."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rt_render.app.settings import Head
from rt_render.hrtf.decoder import Decoder, design_decoder
from rt_render.hrtf.heads import HEAD_NAMES, built_in_head
from rt_render.hrtf.hrir_set import HrirSet

Progress = Callable[[float, str], None]
"""Called with a share of the work done, 0 to 1, and what is being done. The caller's thread."""
Say = Callable[[str], None]

_AUDIBLE_DB = 0.5


def make_decoder(
    head: Head, order: int, fs_hz: int, on_progress: Progress | None = None, on_message: Say | None = None
) -> Decoder:
    """Return the decoder of a head at an order and rate, from the cache where it was made before.

    `on_message` is told, a sentence each, what is odd about a head from a file, what of an equaliser does not
    fit into the taps, and by how much the head plays softer than others. Raises InputFileError for a SOFA
    file or an equaliser that cannot be used.
    """
    say = on_message or (lambda text: None)
    hrirs = load_head(head.head, fs_hz, say)
    equaliser = _load_equaliser(head.headphone_eq, head.taps, fs_hz, say) if head.headphone_eq else None
    decoder = design_decoder(hrirs, order, head.method, head.taps, fs_hz, equaliser, on_progress)
    if decoder.attenuation_db:
        say(f"{decoder.head} is played {decoder.attenuation_db:.1f} dB softer, so that it cannot clip")
    return decoder


def load_head(name: str, fs_hz: int, say: Say) -> HrirSet:
    """Return a head that comes with the project, by name, or that of a SOFA file, by path, with its notes said."""
    if name.lower() in HEAD_NAMES:
        return built_in_head(name.lower(), fs_hz)
    from rt_render.io.sofa_file import load_head as load_sofa_head  # h5py is slow to import

    hrirs, verdict = load_sofa_head(name, fs_hz)
    for note in verdict.notes:
        say(f"{Path(name).name}: {note}")
    return hrirs


def _load_equaliser(path: Path, n_taps: int, fs_hz: int, say: Say) -> NDArray[np.float64]:
    """What of the equaliser fits into the taps."""
    from rt_render.hrtf.headphone_eq import shortening_error
    from rt_render.io.headphone_eq_file import read_headphone_eq

    whole = read_headphone_eq(path, fs_hz)
    change_db, at_hz = shortening_error(whole, n_taps, fs_hz)
    if abs(change_db) > _AUDIBLE_DB:
        say(
            f"{path.name}: cut to {n_taps} taps, this equaliser changes by {change_db:+.1f} dB at {at_hz:.0f} Hz; "
            "more taps keep more of it"
        )
    return whole[:, :n_taps]
