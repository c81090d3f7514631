"""Test signals as scenes: one thing, from straight ahead."""

import numpy as np

from rt_render.scene.parts import Bed, Note, Scene, Voice
from rt_render.scene.sounds import noise_loop

_LOOP_S = 5.0


def front_noise(fs_hz: int) -> Scene:
    """Return pink noise from the front, RMS −26 dBFS."""
    loop = noise_loop(fs_hz, int(_LOOP_S * fs_hz), seed=1, low_hz=40.0, high_hz=18000.0, slope=1.0)
    return Scene("pink noise from the front", beds=[Bed(loop, [(0.0, 0.0)], lambda time_s: np.array([0.05]))])


def clicks(fs_hz: int) -> Scene:
    """Return a click of one sample at half scale from the front, every second from frame 0 on."""
    click = np.ones(1, np.float32)
    voice = Voice([click], lambda bar: [Note(0.0, 0, 0.5)], 1.0, lambda time_s: (0.0, 0.0))
    return Scene("clicks from the front", voices=[voice])
