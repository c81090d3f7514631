"""The figures this project is judged by, measured on this machine."""

from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path

from rt_render.errors import ConfigurationError

PARTS = {
    "speed": "speed",
    "lock-immunity": "lock_immunity",
    "latency": "latency",
    "rotation": "rotation",
    "accuracy": "accuracy",
    "layouts": "layouts",
    "objects": "objects",
    "start": "start",
    "tracker": "tracker",
    "prediction": "prediction",
    "panorama": "panorama",
    "soak": "soak",
    "duplex": "duplex",
    "page": "page",
    "booth-soak": "booth_soak",
}
"""Names of the parts and their modules, in the order in which they run."""
ONLY_BY_NAME = ("soak", "duplex", "page", "booth-soak")
"""Parts that take long, or need a JACK server or a library more."""


def run(
    parts: Sequence[str] = (),
    on_progress: Callable[[str], None] = lambda text: None,
    *,
    seconds: float | None = None,
    recordings: Sequence[Path] = (),
    minutes: float | None = None,
    order: int | None = None,
    days: float | None = None,
) -> dict[str, object]:
    """Run the named parts, or all but soak, duplex, page and booth-soak; return their figures as one object.

    `seconds`: how long the tracker is measured, in each of its two ways; `recordings`: heads' motion to predict,
    beside the simulated ones (`.hdf5` of BROAD, `.csv` or `.npz` of `firmware-bridge`); `minutes`, `order`: of the
    soak, 60 at order 5 by default, of the duplex run, 10, and of the booth's soak, 60, or so many `days`. Raises
    ConfigurationError for an unknown part or a length outside what is
    allowed. Control side; takes a few minutes for all.
    """
    if seconds is not None and not 1.0 <= seconds <= 3600.0:
        raise ConfigurationError(f"seconds = {seconds} cannot be used: allowed is a number, 1 to 3600.")
    for part in parts:
        if part not in PARTS:
            raise ConfigurationError(f"there is no benchmark '{part}': choose one of {', '.join(PARTS)}.")
    wanted = parts or [name for name in PARTS if name not in ONLY_BY_NAME]
    options: dict[str, dict[str, object]] = {
        "tracker": {"seconds": seconds},
        "prediction": {"recordings": recordings},
        "soak": {"minutes": minutes, "order": order},
        "duplex": {"minutes": minutes},
        "booth-soak": {"minutes": minutes, "days": days},
    }
    results: dict[str, object] = {}
    for name, module in PARTS.items():
        if name in wanted:
            given = {key: value for key, value in options.get(name, {}).items() if value is not None}
            results |= import_module(f"rt_render.app.benchmarks.{module}").run(on_progress, **given)
    return results


def report(results: dict[str, object]) -> str:
    """Return the figures as text for people."""
    from rt_render.app.benchmarks.words import in_words

    return in_words(results)
