"""The engine in an audio loop of your own: no sound card, no files, no threads.

    python examples/own_audio_loop.py [FOLDER]

A voice of pulses walks once around the head, the head turns against it, and own_audio_loop.wav is what both ears get.
"""

import sys
from pathlib import Path

import numpy as np
import soundfile

from firmware_bridge.quaternion import from_yaw_pitch_roll_deg
from rt_render.ambisonics.encoding import encode_plane_wave
from rt_render.engine.engine import Engine
from rt_render.engine.plan import Plan
from rt_render.hrtf.decoder import design_decoder
from rt_render.hrtf.heads import built_in_head

FS_HZ, ORDER, BLOCK_SIZE, SECONDS = 48000, 3, 128, 4


def walking_voice() -> np.ndarray:
    """Return the field (n_frames, 16) float32 of pulses that go once around, starting ahead and over the left."""
    times_s = np.arange(FS_HZ * SECONDS) / FS_HZ
    pulses = np.sin(2 * np.pi * 440 * times_s) * np.exp(-12 * (times_s % 0.25))
    return encode_plane_wave(0.3 * pulses, ORDER, 2 * np.pi * times_s / SECONDS, 0.0).astype(np.float32)


def main(folder: Path) -> None:
    """Render block by block, as an audio callback would."""
    decoder = design_decoder(built_in_head("kemar", FS_HZ), ORDER)
    engine = Engine(Plan(ORDER, BLOCK_SIZE, FS_HZ, n_taps=decoder.n_taps), decoder.filters, gain_db=20.0)
    yaw_deg = np.array([0.0, -45.0, 0.0])  # to the right and back
    engine.follow_timeline([0.0, SECONDS / 2, SECONDS], from_yaw_pitch_roll_deg(yaw_deg, 0 * yaw_deg, 0 * yaw_deg))

    field, written, heard = walking_voice(), 0, []
    while not engine.ended:
        n = min(BLOCK_SIZE, len(field) - written)
        engine.ring.write(field[written : written + n])  # what your source has at this moment
        written += n
        if written == len(field):
            engine.ring.set_end()
        while engine.ring.fill_frames >= engine.plan.reserve_frames or (written == len(field) and not engine.ended):
            ears = np.empty((BLOCK_SIZE, 2), np.float32)
            engine.process(ears)  # the whole work of an audio callback
            heard.append(ears)
    soundfile.write(folder / "own_audio_loop.wav", np.concatenate(heard), FS_HZ, subtype="FLOAT")
    state, budget_us = engine.snapshot(), 1e6 * BLOCK_SIZE / FS_HZ
    print(f"{state.blocks} blocks of {BLOCK_SIZE} frames, {1e6 * state.block_p50_s:.1f} µs each in the median,")
    print(f"of the {budget_us:.0f} µs that a block lasts; highest peak {20 * np.log10(state.highest_peak):.1f} dBFS")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "."))
