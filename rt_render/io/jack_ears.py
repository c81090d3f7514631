"""Listens to what PortAudio plays into a JACK server; a process of its own, for it runs Python in JACK's thread.

python -m rt_render.io.jack_ears FILE.npz SECONDS

It connects itself to the player, says "listening", and at the end of its standard input writes `ears` (n, 2) float32,
zeros where it missed a period, `fs_hz`, and of each period its first frame, `frames`, and the monotonic time at which
it came, `seen_s`; JACK's own latency from then to the converter is `latency_s`.
"""

import ctypes
import sys
import time
from ctypes.util import find_library
from typing import Any

import jack
import numpy as np

PLAYER = "PortAudio.*"
_PLAYBACK_LATENCY = 1


class _LatencyRange(ctypes.Structure):
    _fields_ = [("min", ctypes.c_uint32), ("max", ctypes.c_uint32)]


def main(file: str, seconds: float) -> None:
    """Listen until standard input ends, for so long at most."""
    client = jack.Client("rt-render ears", no_start_server=True)
    ears = [client.inports.register(name) for name in ("left", "right")]
    size, fs_hz = client.blocksize, client.samplerate  # not known behind its end
    n_blocks = int(seconds * fs_hz / size)
    blocks = np.zeros((n_blocks, size, 2), np.float32)
    frames, times_s = np.zeros(n_blocks, np.int64), np.zeros(n_blocks)
    n_heard = 0

    @client.set_process_callback  # type: ignore[untyped-decorator, unused-ignore]
    def process(n_frames: int) -> None:
        nonlocal n_heard
        if n_heard < n_blocks:
            for ear, port in enumerate(ears):
                blocks[n_heard, :, ear] = port.get_array()
            frames[n_heard], times_s[n_heard] = client.last_frame_time, time.monotonic()
            n_heard += 1

    with client:
        played = client.get_ports(PLAYER, is_output=True, is_audio=True)
        for source, ear in zip(played, ears, strict=False):
            client.connect(source, ear)
        latency_s = _playback_latency_frames(client) / fs_hz
        sys.stdout.write("listening\n" if len(played) >= 2 else "nobody plays\n")
        sys.stdout.flush()
        sys.stdin.read()
    n = n_heard
    at = (frames[:n] - frames[0]).astype(np.int64)
    heard = np.zeros((int(at[-1]) + size if n else 0, 2), np.float32)
    for block, first in zip(blocks[:n], at, strict=True):
        heard[first : first + size] = block
    np.savez(file, ears=heard, fs_hz=fs_hz, frames=at, seen_s=times_s[:n], latency_s=latency_s)


def _playback_latency_frames(client: Any) -> int:
    """Return how long a frame takes from its period's begin to the converter; the binding does not tell."""
    terminals = client.get_ports(is_audio=True, is_input=True, is_physical=True)
    name = find_library("jack")
    if not terminals or name is None:
        return 0
    found = _LatencyRange()
    port = ctypes.c_void_p(int(jack._ffi.cast("uintptr_t", terminals[0]._ptr)))
    ctypes.CDLL(name).jack_port_get_latency_range(port, _PLAYBACK_LATENCY, ctypes.byref(found))
    return int(found.max)


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))
