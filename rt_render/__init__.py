"""rt-render: an ambisonic field on headphones that stays still while the head turns.

These ten names do what the command line does; each is loaded when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rt_render.app.api import bench, check_sofa, demo, design, devices, doctor, play, render
    from rt_render.engine.engine import Engine
    from rt_render.errors import RenderError

__version__ = "0.1.0"
__all__ = [
    "Engine",
    "RenderError",
    "bench",
    "check_sofa",
    "demo",
    "design",
    "devices",
    "doctor",
    "play",
    "render",
]

_ELSEWHERE = {"Engine": "rt_render.engine.engine", "RenderError": "rt_render.errors"}


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module 'rt_render' has no attribute {name!r}")
    return getattr(import_module(_ELSEWHERE.get(name, "rt_render.app.api")), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
