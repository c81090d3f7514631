"""What a higher order brings: how sharp a field is, and how near its ears come to the measured ones.

    python examples/what_order_brings.py [FOLDER]

Draws what_order_brings.png. A field of order N holds (N + 1)² channels; the built-in heads go up to order 7.
"""

import sys
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from rt_render.ambisonics.harmonics import real_sh_sn3d
from rt_render.app.plots import STYLE
from rt_render.hrtf.decoder import design_decoder
from rt_render.hrtf.evaluate import ear_cues, evaluate
from rt_render.hrtf.heads import kemar

FS_HZ = 48000
ORDERS = {1: "#b3395b", 3: "#c2571a", 7: "#0b6e99"}


def sharpness(order: int, azimuth_rad: np.ndarray) -> np.ndarray:
    """Return how much of a source ahead is found in each direction, as a level in dB, 0 ahead."""
    degrees = np.repeat(np.arange(order + 1), 2 * np.arange(order + 1) + 1)
    ahead = real_sh_sn3d(order, 0.0, 0.0) * (2 * degrees + 1)
    found = real_sh_sn3d(order, azimuth_rad, 0.0) @ ahead.ravel()
    return 20 * np.log10(np.maximum(np.abs(found) / found.max(), 1e-3))


def wrapped_deg(azimuth_rad: np.ndarray) -> np.ndarray:
    """Return azimuths in degrees from -180 to 180, + left."""
    return (np.degrees(azimuth_rad) + 180) % 360 - 180


def main(folder: Path) -> None:
    """Say how near each order comes to the measured head, and draw it."""
    head = kemar().resampled(FS_HZ)
    ring = np.flatnonzero(np.abs(head.elevation_rad) < 0.01)
    ring = ring[np.argsort(wrapped_deg(head.azimuth_rad[ring]))]
    measured = ear_cues(head.hrirs[ring], FS_HZ, 1024)
    azimuth_deg = wrapped_deg(head.azimuth_rad[ring])
    circle_rad = np.linspace(-np.pi, np.pi, 361)
    print("order  channels  time between the ears  level between the ears  (mean error, all directions)")
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(10, 4.6), layout="constrained")
        polar = figure.add_subplot(1, 2, 1, projection="polar")
        plain = figure.add_subplot(1, 2, 2)
        for order, colour in ORDERS.items():
            filters = design_decoder(kemar(), order).filters
            error = evaluate(filters, FS_HZ, kemar()).sphere
            print(f"{order:5}  {(order + 1) ** 2:8}  {error.itd_us:18.1f} µs  {error.ild_db:19.2f} dB")
            harmonics = real_sh_sn3d(order, head.azimuth_rad[ring], head.elevation_rad[ring])
            cues = ear_cues(np.einsum("dn,ent->det", harmonics, filters), FS_HZ, 1024)
            polar.plot(circle_rad, np.maximum(sharpness(order, circle_rad), -30), color=colour, label=f"order {order}")
            plain.plot(azimuth_deg, cues.ild_db.mean(axis=1), color=colour, label=f"order {order}")
        plain.plot(azimuth_deg, measured.ild_db.mean(axis=1), color="#22303c", linestyle=":", label="measured")
        polar.set_theta_zero_location("N")
        polar.set_ylim(-30, 0)
        polar.set_title("A source ahead, as the field holds it (dB)", fontsize=10)
        plain.set_title("Level between the ears, by direction", loc="left", fontsize=10)
        plain.set_xlabel("azimuth in degrees, + left")
        plain.set_ylabel("dB, mean over the bands")
        plain.legend()
        figure.savefig(folder / "what_order_brings.png", dpi=110, facecolor="white")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "."))
