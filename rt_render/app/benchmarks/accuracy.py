"""How near the rendered ears come to the measured head: the decoder as the engine really plays it."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from rt_render.engine.engine import Engine
from rt_render.engine.plan import Plan
from rt_render.hrtf.decoder import design_decoder
from rt_render.hrtf.evaluate import evaluate
from rt_render.hrtf.heads import kemar

FS_HZ = 48000
REQUIRED = {
    1: {"ild_db": 2.6, "lsd_erb_db": 3.15},
    3: {"itd_us": 14.5, "ild_db": 1.65, "lsd_erb_db": 1.65},
    5: {"itd_us": 10.5, "ild_db": 1.55, "lsd_erb_db": 1.5},
    7: {"itd_us": 5.5, "ild_db": 1.06, "lsd_erb_db": 1.1},
}
_LEVEL = 0.25


def rendered_filters(filters: NDArray[np.floating], order: int, block_size: int = 128) -> NDArray[np.float64]:
    """Return the impulse responses (2, n_sh, n_taps) of an engine that was given these filters, head ahead."""
    n_sh, n_taps = filters.shape[1:]
    engine = Engine(Plan(order, block_size, FS_HZ, n_taps, ring_s=20), filters)
    spacing = -(-(n_taps + 1) // block_size) * block_size
    field = np.zeros((n_sh * spacing, engine.ring.n_channels), np.float32)
    for channel in range(n_sh):
        field[channel * spacing, channel] = _LEVEL
    engine.ring.write(field)
    engine.ring.set_end()
    out = np.zeros((len(field) // block_size, block_size, 2), np.float32)
    for block in out:
        engine.process(block)
    responses = out.reshape(n_sh, spacing, 2)[:, :n_taps]
    return responses.transpose(2, 0, 1).astype(np.float64) / _LEVEL


def run(on_progress: Callable[[str], None]) -> dict[str, object]:
    """Evaluate the default head's decoders of orders 1 to 7 over all its measured directions."""
    head = kemar()
    rows = []
    for order in range(1, 8):
        on_progress(f"accuracy: order {order}")
        filters = design_decoder(head, order, fs_hz=FS_HZ).filters
        result = evaluate(rendered_filters(filters, order), FS_HZ, head).sphere
        rows.append(
            {
                "order": order,
                "itd_us": round(result.itd_us, 2),
                "itd_env_us": round(result.itd_env_us, 2),
                "ild_db": round(result.ild_db, 3),
                "lsd_lin_db": round(result.lsd_lin_db, 3),
                "lsd_erb_db": round(result.lsd_erb_db, 3),
                "required": REQUIRED.get(order),
            }
        )
    return {"accuracy": rows}
