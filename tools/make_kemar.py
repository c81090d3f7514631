"""Make rt_render/hrtf/data/kemar.npz out of the MIT KEMAR measurement that the package `slab` carries.

Usage: python tools/make_kemar.py        (needs the extra `dev`)

MIT measured KEMAR's left ear ("normal pinna"); the right ear of the set is its mirror image. The left ear
alone is kept, as the 16-bit numbers of the original, so nothing is lost and nothing is stored twice.
"""

import bz2
import pickle
from pathlib import Path

import numpy as np
import slab

TARGET = Path(__file__).parents[1] / "rt_render/hrtf/data/kemar.npz"


def main() -> None:
    archive = Path(slab.__file__).parent / "data/mit_kemar_normal_pinna.bz2"
    measured = pickle.loads(bz2.decompress(archive.read_bytes()))  # noqa: S301 - from the installed package
    hrirs = np.stack([np.asarray(fir.data) for fir in measured.data]) * 32768.0
    azimuth_deg, elevation_deg, _ = np.asarray(measured.sources, np.float64).T

    left = np.rint(hrirs[:, :, 0]).astype(np.int16)
    if not np.array_equal(left, hrirs[:, :, 0]):
        raise SystemExit("the data is no longer 16-bit: keep it in another form")
    ring = [tuple(np.round(pair, 6)) for pair in zip(azimuth_deg % 360, elevation_deg, strict=True)]
    image = [ring.index(tuple(np.round(((-azimuth) % 360, elevation), 6))) for azimuth, elevation in ring]
    if not np.array_equal(hrirs[:, :, 1], hrirs[image, :, 0]):
        raise SystemExit("the data is no longer mirror-symmetric: keep both ears")

    np.savez_compressed(
        TARGET,
        left_int16=left,
        azimuth_deg=azimuth_deg,
        elevation_deg=elevation_deg,
        fs_hz=np.float64(44100.0),
        distance_m=np.float64(1.4),
    )
    print(f"{TARGET.name}: {len(left)} directions, {left.shape[1]} taps, {TARGET.stat().st_size} bytes")


if __name__ == "__main__":
    main()
