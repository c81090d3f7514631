"""A head's colour that is the same from everywhere, taken out."""

from dataclasses import replace

import numpy as np

from rt_render.hrtf.bands import bin_frequencies_hz, gammatone_power
from rt_render.hrtf.hrir_set import HrirSet
from rt_render.hrtf.minimum_phase import convolved, minimum_phase_taps


def diffuse_field_equalised(hrirs: HrirSet) -> HrirSet:
    """Return the head with a flat diffuse-field response from 100 Hz to 16 kHz, for ordinary headphones.

    A raw measurement holds the loudspeaker and the ear canal's resonance; headphones bring a resonance of
    their own, so that both together sound thin and sharp. One minimum-phase filter, the same for both ears
    and all directions, undoes the average over the sphere, smoothed by auditory band: differences between
    ears and directions stay exactly as they are. At most 20 dB are lifted. The responses grow by 256 taps at
    48 kHz. Any thread.

    Larcher, Jot, Vandernoot 1998, "Equalization methods in binaural technology", AES 105, section 2.
    """
    n_fft = max(4096, 1 << hrirs.n_taps.bit_length())
    frequency_hz = bin_frequencies_hz(n_fft, hrirs.fs_hz)
    power = hrirs.weights @ np.mean(np.abs(np.fft.rfft(hrirs.hrirs, n_fft)) ** 2, axis=1)
    grid_hz = np.geomspace(100.0, min(16000.0, 0.45 * hrirs.fs_hz), 120)
    smooth = gammatone_power(frequency_hz, grid_hz) @ power
    gain = np.minimum(np.sqrt(smooth.mean() / smooth), 10.0)
    magnitude = np.interp(frequency_hz, grid_hz, gain)
    taps = minimum_phase_taps(magnitude, round(256 * hrirs.fs_hz / 48000))
    return replace(
        hrirs,
        name=f"{hrirs.name}, diffuse-field equalised",
        hrirs=convolved(hrirs.hrirs, taps),
    )
