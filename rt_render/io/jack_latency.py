"""What JACK says of the way between a port and the converter that it is connected to; its binding does not tell."""

import ctypes
from ctypes.util import find_library
from typing import Any

import jack

_CAPTURE_LATENCY, _PLAYBACK_LATENCY = 0, 1


class _LatencyRange(ctypes.Structure):
    _fields_ = [("min", ctypes.c_uint32), ("max", ctypes.c_uint32)]


def capture_latency_frames(client: Any, port: Any) -> int | None:
    """Return how long a frame took from the converter to the port's period; None where no converter leads to it."""
    return _latency_frames(client, port, _CAPTURE_LATENCY)


def playback_latency_frames(client: Any, port: Any) -> int | None:
    """Return how long a frame takes from the port's period to the converter; None where it leads to none."""
    return _latency_frames(client, port, _PLAYBACK_LATENCY)


def _latency_frames(client: Any, port: Any, way: int) -> int | None:
    terminals = [other for other in client.get_all_connections(port) if other.is_physical]
    name = find_library("jack")
    if not terminals or name is None:
        return None
    found = _LatencyRange()
    address = ctypes.c_void_p(int(jack._ffi.cast("uintptr_t", terminals[0]._ptr)))
    ctypes.CDLL(name).jack_port_get_latency_range(address, way, ctypes.byref(found))
    return int(found.max)
