"""Objects moved over OSC: this program's own `/source/N/...`, and ADM-OSC's `/adm/obj/N/...`. Numbers from 1."""

from collections.abc import Callable
from math import hypot, inf, log10

import numpy as np

from firmware_bridge.osc.wire import Argument
from rt_render.ambisonics.harmonics import cartesian_to_spherical, spherical_to_cartesian
from rt_render.app.remote import Remote
from rt_render.app.scene_file import MAX_DISTANCE_M, ObjectScene
from rt_render.engine.objects import Objects
from rt_render.errors import ConfigurationError

_Numbers = tuple[float, ...]
_Act = Callable[[int, _Numbers], None]
_Tell = Callable[[int], _Numbers]
_SILENT_DB = -120.0
_SLACK = 1e-4
"""Senders round: by so much of its upper end a range is exceeded, and its end is meant."""


class ObjectRemote:
    """The handlers of one scene. `register` once; then all of it runs on the remote's thread.

    An object that is moved leaves its path until `/source/N/auto 1`. An address without arguments is a question, and
    answered to the sender with the value. ADM-OSC: azimuth to the left, as here; x to the right and y to the front;
    distance 1 is the scene's `adm_distance_m`; gain is linear; w of 1 is 180 degrees wide.

    https://immersive-audio-live.github.io/ADM-OSC, version 1.0.
    """

    def __init__(self, scene: ObjectScene, objects: Objects) -> None:
        self._objects = objects
        self._adm_m = scene.adm_distance_m
        self._aed = [[one.azimuth_deg, one.elevation_deg, one.distance_m] for one in scene.object]
        self._follows = [bool(one.path) for one in scene.object]
        self._gains = [10 ** (one.gain_db / 20) for one in scene.object]
        self._muted = [False] * len(scene.object)
        self._spreads_deg = [one.spread_deg for one in scene.object]

    def register(self, remote: Remote) -> None:
        """Let a remote know all addresses."""
        own, adm, angle, up = "/source/{n}/", "/adm/obj/{n}/", (-360.0, 360.0), (-90.0, 90.0)
        metres, unit = (0.0, MAX_DISTANCE_M), (0.0, MAX_DISTANCE_M / self._adm_m)
        for prefix, distance, scale_m in ((own, metres, 1.0), (adm, unit, self._adm_m)):
            for first, name, ranges in (
                (0, "aed", (angle, up, distance)),
                (0, "azim", (angle,)),
                (1, "elev", (up,)),
                (2, "dist", (distance,)),
            ):
                self._add(remote, prefix + name, *self._polar(first, len(ranges), scale_m), *ranges)
            self._add(remote, prefix + "mute", self._mute, lambda i: (int(self._muted[i]),), (0.0, 1.0))
        self._add(remote, own + "gain", lambda i, v: self._gain(i, 10 ** (v[0] / 20)), self._gain_db, (-inf, 24.0))
        self._add(remote, own + "spread", *self._spread(1.0), (0.0, 360.0))
        self._add(remote, own + "auto", self._auto, lambda i: (int(self._follows[i]),), (0.0, 1.0))
        self._add(remote, adm + "gain", lambda i, v: self._gain(i, v[0]), lambda i: (self._gains[i],), (0.0, 16.0))
        self._add(remote, adm + "w", *self._spread(180.0), (0.0, 1.0))
        self._add(remote, adm + "widthDeg", *self._spread(1.0), (0.0, 360.0))
        for first, name in ((0, "x"), (1, "y"), (2, "z"), (0, "xy"), (0, "xyz")):
            self._add(remote, adm + name, *self._cartesian(first, len(name)), *[(-1.0, 1.0)] * len(name))
        remote.after_packet(self._objects.publish)

    def _add(self, remote: Remote, address: str, act: _Act, tell: _Tell, *ranges: tuple[float, float]) -> None:
        def handle(number: int, arguments: tuple[Argument, ...]) -> None:
            if arguments:
                act(number - 1, _numbers(arguments, ranges))
            else:
                remote.answer(address.replace("{n}", str(number)), *tell(number - 1))

        remote.add(address, handle, range(1, len(self._aed) + 1))

    def _polar(self, first: int, n: int, scale_m: float) -> tuple[_Act, _Tell]:
        scales = (1.0, 1.0, scale_m)

        def act(index: int, values: _Numbers) -> None:
            aed = self._where(index)
            for position, value in enumerate(values, start=first):
                aed[position] = value * scales[position]
            self._move(index, aed)

        def tell(index: int) -> _Numbers:
            aed = self._where(index)
            return tuple(aed[position] / scales[position] for position in range(first, first + n))

        return act, tell

    def _cartesian(self, first: int, n: int) -> tuple[_Act, _Tell]:
        def act(index: int, values: _Numbers) -> None:
            azimuth_deg, elevation_deg, _ = self._where(index)
            adm = self._adm_xyz(index)
            adm[first : first + len(values)] = values
            ours = np.array([adm[1], -adm[0], adm[2]])
            distance = hypot(*ours)
            if distance > 1e-6:  # at the very middle of the head the direction stays as it was
                azimuth, elevation = cartesian_to_spherical(ours)
                azimuth_deg, elevation_deg = float(np.rad2deg(azimuth)), float(np.rad2deg(elevation))
            self._move(index, [azimuth_deg, elevation_deg, min(distance * self._adm_m, MAX_DISTANCE_M)])

        return act, lambda index: tuple(self._adm_xyz(index)[first : first + n])

    def _adm_xyz(self, index: int) -> list[float]:
        azimuth_deg, elevation_deg, distance_m = self._where(index)
        x, y, z = (distance_m / self._adm_m * _direction(azimuth_deg, elevation_deg)).tolist()
        return [-y, x, z]

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

    def _gain_db(self, index: int) -> _Numbers:
        return (20 * log10(self._gains[index]) if self._gains[index] else _SILENT_DB,)

    def _spread(self, scale_deg: float) -> tuple[_Act, _Tell]:
        def act(index: int, values: _Numbers) -> None:
            self._spreads_deg[index] = scale_deg * values[0]
            self._objects.set_spread(index, float(np.deg2rad(self._spreads_deg[index])))

        return act, lambda index: (self._spreads_deg[index] / scale_deg,)

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

    Of three the last may be left out. What is beyond an end by rounding is that end.
    """
    least = min(2, len(ranges))
    values = tuple(float(a) for a in arguments if isinstance(a, int | float))
    if not least <= len(arguments) <= len(ranges) or len(values) != len(arguments):
        wanted = ("1 number", "2 numbers", "2 or 3 numbers")[len(ranges) - 1]
        raise ConfigurationError(f"it wants {wanted}, got {len(arguments)} arguments of which {len(values)} are.")
    return tuple(_within(value, *ends) for value, ends in zip(values, ranges, strict=False))


def _within(value: float, low: float, high: float) -> float:
    if not low - _SLACK * high <= value <= high + _SLACK * high:
        raise ConfigurationError(f"{value:g} cannot be used: allowed is {low:g} to {high:g}.")
    return min(max(value, low), high)
