"""rt-render: an ambisonic field on headphones that stays still while the head turns.

These ten functions are the commands of the command line; each is loaded when it is first used. What a person can mend
they raise as `rt_render.errors.RenderError`; `rt_render.engine.engine.Engine` is for audio loops of one's own.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rt_render.app.api import bench, check_sofa, demo, design, devices, doctor, latency, play, render, selftest

__version__ = "0.1.0"
__all__ = [
    "bench",
    "check_sofa",
    "demo",
    "design",
    "devices",
    "doctor",
    "latency",
    "play",
    "render",
    "selftest",
]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module 'rt_render' has no attribute {name!r}")
    return getattr(import_module("rt_render.app.api"), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
