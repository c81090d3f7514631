"""How many times faster than it plays stereo becomes a space, on one core."""

from collections.abc import Callable

from rt_render.app.panorama.measure import speed
from rt_render.engine.panorama import Panorama

FS_HZ = 48000
ORDERS = (1, 3, 5, 7)
REQUIRED_ORDER, REQUIRED_SPEED = 5, 20.0


def run(on_progress: Callable[[str], None]) -> dict[str, object]:
    """Measure the panorama at 48 kHz into some orders: seconds of sound a second of the processor."""
    by_order = {}
    for order in ORDERS:
        on_progress(f"panorama: order {order}")
        by_order[order] = round(speed(Panorama(order, FS_HZ)), 1)
    return {"panorama": {"speed_by_order": by_order, "required": {REQUIRED_ORDER: REQUIRED_SPEED}}}
