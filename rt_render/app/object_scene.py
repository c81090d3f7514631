"""A scene's objects brought to where they play: their signals into a source, their places into an engine."""

from contextlib import ExitStack

import numpy as np

from rt_render.ambisonics.harmonics import spherical_to_cartesian
from rt_render.app.scene_file import ObjectScene, SceneObject, path_directions
from rt_render.engine.objects import Objects
from rt_render.errors import ConfigurationError
from rt_render.io.mono_signals import FileSignal, MonoSignal, built_in_signal
from rt_render.io.source_objects import ObjectsSource

OBJECTS_ORDER = 5
"""To which objects are encoded where no order is asked for."""


def open_objects(scene: ObjectScene, fs_hz: int, max_order: int | None) -> ObjectsSource:
    """Open the signals of a scene; raises InputFileError, and leaves no file open then. Control side.

    Raises ConfigurationError for a scene of live input, which is a card's and not opened here.
    """
    if scene.inputs:
        raise ConfigurationError(
            f"{scene.title} is a scene of live input, which is played by itself: `rt-render play` and its file alone."
        )
    signals: list[tuple[MonoSignal, int]] = []
    with ExitStack() as opened:
        for index, one in enumerate(scene.object):
            signal = _open_signal(one, index, fs_hz)
            opened.callback(signal.close)
            signals.append((signal, round(one.start_s * fs_hz)))
        opened.pop_all()
    order = OBJECTS_ORDER if max_order is None else max_order
    return ObjectsSource(signals, fs_hz, order=order, title=scene.title)


def _open_signal(one: SceneObject, index: int, fs_hz: int) -> MonoSignal:
    if one.file is not None:
        return FileSignal(one.file, one.channel, fs_hz, loop=one.loop)
    assert one.signal is not None, "the scene file was checked"
    return built_in_signal(one.signal, fs_hz, seed=index)


def lay_out(scene: ObjectScene, objects: Objects) -> None:
    """Tell an engine where the objects of a scene begin, how loud and how wide they are, and on which paths."""
    for index, one in enumerate(scene.object):
        objects.set_gain(index, 10 ** (one.gain_db / 20))
        objects.set_spread(index, np.deg2rad(one.spread_deg))
        direction = spherical_to_cartesian(np.deg2rad(one.azimuth_deg), np.deg2rad(one.elevation_deg))
        objects.place(index, direction, one.distance_m)
        if one.path:
            rows = np.array(one.path)
            objects.set_path(index, rows[:, 0], path_directions(one.path), rows[:, 3], repeats=one.path_repeats)
    objects.publish()
