"""Objects moved over OSC: this program's own `/source/N/...`, and ADM-OSC's `/adm/obj/N/...`. Numbers from 1."""

from collections.abc import Callable
from math import hypot, inf, isfinite

import numpy as np

from firmware_bridge.osc.wire import Argument
from rt_render.ambisonics.harmonics import cartesian_to_spherical, spherical_to_cartesian
from rt_render.app.remote import Remote
from rt_render.app.scene_file import MAX_DISTANCE_M, ObjectScene
from rt_render.engine.objects import Objects
from rt_render.errors import ConfigurationError

_Numbers = tuple[float, ...]
_SILENT_DB = -120.0
_ANGLE_SLACK_DEG = 0.01
"""Senders round: 90.00001 degrees are meant as 90."""


class ObjectRemote:
    """The handlers of one scene. `register` once; then all of it runs on the remote's thread.

    An object that is moved leaves its path until `/source/N/auto 1`. ADM-OSC: azimuth to the left, as here; x to the
    right and y to the front; distance 1 is the scene's `adm_distance_m`; gain is linear; w of 1 is 180 degrees wide.

    https://immersive-audio-live.github.io/ADM-OSC, version 1.0.
    """

    def __init__(self, scene: ObjectScene, objects: Objects) -> None:
        self._objects = objects
        self._adm_m = scene.adm_distance_m
        self._aed = [[one.azimuth_deg, one.elevation_deg, one.distance_m] for one in scene.object]
        self._follows = [bool(one.path) for one in scene.object]
        self._gains = [10 ** (one.gain_db / 20) for one in scene.object]
        self._muted = [False] * len(scene.object)

    def register(self, remote: Remote) -> None:
        """Let a remote know all addresses."""
        own, adm, angle = "/source/{n}/", "/adm/obj/{n}/", (-360.0, 360.0)
        up = (-90.0 - _ANGLE_SLACK_DEG, 90.0 + _ANGLE_SLACK_DEG)
        metres, one = (0.0, MAX_DISTANCE_M), (-1.0, 1.0)
        unit = (0.0, MAX_DISTANCE_M / self._adm_m)
        for prefix, distance in ((own, metres), (adm, unit)):
            scale = 1.0 if prefix == own else self._adm_m
            self._add(remote, prefix + "aed", self._polar(0, scale), angle, up, distance)
            self._add(remote, prefix + "azim", self._polar(0, scale), angle)
            self._add(remote, prefix + "elev", self._polar(1, scale), up)
            self._add(remote, prefix + "dist", self._polar(2, scale), distance)
            self._add(remote, prefix + "mute", self._mute, (0.0, 1.0))
        self._add(remote, own + "gain", lambda i, v: self._gain(i, 10 ** (v[0] / 20)), (-inf, 24.0))
        self._add(remote, own + "spread", lambda i, v: self._spread(i, v[0]), (0.0, 360.0))
        self._add(remote, own + "auto", self._auto, (0.0, 1.0))
        self._add(remote, adm + "gain", lambda i, v: self._gain(i, v[0]), (0.0, 16.0))
        self._add(remote, adm + "w", lambda i, v: self._spread(i, 180.0 * v[0]), (0.0, 1.0))
        self._add(remote, adm + "widthDeg", lambda i, v: self._spread(i, v[0]), (0.0, 360.0))
        self._add(remote, adm + "xyz", self._cartesian(0), one, one, one)
        for axis, name in enumerate(("x", "y", "z")):
            self._add(remote, adm + name, self._cartesian(axis), one)
        remote.after_packet(self._objects.publish)

    def _add(
        self, remote: Remote, address: str, act: Callable[[int, _Numbers], None], *ranges: tuple[float, float]
    ) -> None:
        def handle(number: int, arguments: tuple[Argument, ...]) -> None:
            act(number - 1, _numbers(arguments, ranges))

        remote.add(address, handle, range(1, len(self._aed) + 1))

    def _polar(self, first: int, scale_m: float) -> Callable[[int, _Numbers], None]:
        def act(index: int, values: _Numbers) -> None:
            aed = self._where(index)
            for position, value in enumerate(values, start=first):
                aed[position] = value * scale_m if position == 2 else value
            self._move(index, aed)

        return act

    def _cartesian(self, first: int) -> Callable[[int, _Numbers], None]:
        def act(index: int, values: _Numbers) -> None:
            azimuth_deg, elevation_deg, distance_m = self._where(index)
            x, y, z = distance_m / self._adm_m * _direction(azimuth_deg, elevation_deg)
            adm = [-y, x, z]
            adm[first : first + len(values)] = values
            ours = np.array([adm[1], -adm[0], adm[2]])
            distance = hypot(*ours)
            if distance > 1e-6:  # at the very middle of the head the direction stays as it was
                azimuth, elevation = cartesian_to_spherical(ours)
                azimuth_deg, elevation_deg = float(np.rad2deg(azimuth)), float(np.rad2deg(elevation))
            self._move(index, [azimuth_deg, elevation_deg, min(distance * self._adm_m, MAX_DISTANCE_M)])

        return act

    def _where(self, index: int) -> list[float]:
        if self._follows[index]:
            direction, distance_m = self._objects.where(index)
            azimuth, elevation = cartesian_to_spherical(direction)
            return [float(np.rad2deg(azimuth)), float(np.rad2deg(elevation)), distance_m]
        return list(self._aed[index])

    def _move(self, index: int, aed: list[float]) -> None:
        self._aed[index], self._follows[index] = aed, False
        self._objects.place(index, _direction(aed[0], aed[1]), aed[2])

    def _gain(self, index: int, gain: float) -> None:
        self._gains[index] = gain if gain > 10 ** (_SILENT_DB / 20) else 0.0
        self._sound(index)

    def _mute(self, index: int, values: _Numbers) -> None:
        self._muted[index] = values[0] >= 0.5
        self._sound(index)

    def _sound(self, index: int) -> None:
        self._objects.set_gain(index, 0.0 if self._muted[index] else self._gains[index])

    def _spread(self, index: int, spread_deg: float) -> None:
        self._objects.set_spread(index, float(np.deg2rad(spread_deg)))

    def _auto(self, index: int, values: _Numbers) -> None:
        if values[0] < 0.5:
            self._move(index, self._where(index))
        elif self._objects.follow_path(index):
            self._follows[index] = True
        else:
            raise ConfigurationError("this object has no path to follow; give it one in the scene file.")


def _direction(azimuth_deg: float, elevation_deg: float) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return spherical_to_cartesian(np.deg2rad(azimuth_deg), np.deg2rad(elevation_deg))


def _numbers(arguments: tuple[Argument, ...], ranges: tuple[tuple[float, float], ...]) -> _Numbers:
    """Return the arguments as numbers; raises ConfigurationError unless there is one for each range, and within it.

    Of three the last, a distance, may be left out.
    """
    least = 2 if len(ranges) == 3 else len(ranges)
    values = tuple(float(a) for a in arguments if isinstance(a, int | float))
    if not least <= len(arguments) <= len(ranges) or len(values) != len(arguments):
        wanted = "1 number" if len(ranges) == 1 else f"{least} or {len(ranges)} numbers"
        raise ConfigurationError(f"it wants {wanted}, got {len(arguments)} arguments of which {len(values)} are.")
    for value, (low, high) in zip(values, ranges, strict=False):
        if not low <= value <= high or not (isfinite(value) or value == -inf):
            raise ConfigurationError(f"{value:g} cannot be used: allowed is {low:g} to {high:g}.")
    return values
