"""Stereo and surround files as a source: each channel is a loudspeaker that stands in the field."""

import numpy as np
from numpy.typing import NDArray

from rt_render.ambisonics.layouts import Layout
from rt_render.io.audio_file import AudioFileReader
from rt_render.io.source_file import FileSource

LAYOUT_ORDER = 7
"""Measured over all layouts' directions against KEMAR (`rt-render bench layouts`), the level between the ears is
wrong by 1.6, 1.1 and 0.8 dB at orders 3, 5 and 7, and order 7 costs half a percent of a processor more than 3."""


class LayoutFileSource(FileSource):
    """A `Source` that streams an open file of one channel per speaker and encodes it into ambiX of an order.

    `layout` has as many speakers as the file has channels; `how`: what says so, half a sentence for the notes;
    `lfe_db`: gain of low-frequency channels, which come from everywhere; `loop`: start again without a gap, endless.
    Reader thread.
    """

    def __init__(
        self,
        reader: AudioFileReader,
        layout: Layout,
        fs_hz: int,
        *,
        how: str,
        order: int = LAYOUT_ORDER,
        lfe_db: float = 0.0,
        loop: bool = False,
    ) -> None:
        matrix = layout.encoding_matrix(order, lfe_db).astype(np.float32)

        def to_field(frames: NDArray[np.float32]) -> NDArray[np.floating]:
            # Not `@`: BLAS adds in an order that depends on how many frames there are.
            return np.asarray(np.einsum("kc,cn->kn", frames, matrix))

        super().__init__(
            reader,
            fs_hz,
            order=order,
            n_channels=len(layout.speakers),
            to_field=to_field,
            notes=_notes(layout, how, order, lfe_db),
            loop=loop,
        )


def _notes(layout: Layout, how: str, order: int, lfe_db: float) -> list[str]:
    n = len(layout.speakers)
    notes = [f"{n} channel{'s' if n > 1 else ''} → {layout.name}, {how}: {layout.in_words()}; encoded at order {order}"]
    if any(speaker.lfe for speaker in layout.speakers):
        hint = "" if lfe_db else "; cinemas play it at +10 dB (--lfe-db 10)"
        notes.append(f"the LFE channel is played at {lfe_db:+g} dB, from everywhere and as it is{hint}")
    return notes
