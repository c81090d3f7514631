"""Make rt_render/hrtf/data/kemar_decoders.npz: the default head's decoders at 48 kHz, 256 taps, orders 1 to 7.

Usage: python tools/make_decoders.py        (again after every change to the design or the head)
"""

from pathlib import Path

import numpy as np

from rt_render.conventions import LEFT, MAX_ORDER
from rt_render.hrtf.decoder import design_decoder
from rt_render.hrtf.heads import kemar

TARGET = Path(__file__).parents[1] / "rt_render/hrtf/data/kemar_decoders.npz"


def main() -> None:
    decoders = [design_decoder(kemar(), order, use_cache=False) for order in range(1, MAX_ORDER + 1)]
    if not all(decoder.mirror_symmetric for decoder in decoders):
        raise SystemExit("the default head is no longer mirror-symmetric: keep both ears")
    filters = {decoder.content_hash: decoder.filters[LEFT] for decoder in decoders}
    np.savez_compressed(TARGET, allow_pickle=False, **filters)
    print(f"{TARGET.name}: orders 1 to {MAX_ORDER}, {TARGET.stat().st_size} bytes")


if __name__ == "__main__":
    main()
