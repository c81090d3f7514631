"""Listens to what PortAudio plays into a JACK server; a process of its own, for it runs Python in JACK's thread.

python -m rt_render.io.jack_ears FILE.npz SECONDS PLAYER

It connects itself to the client that is called PLAYER and says "listening", or a sentence about what is wrong. At the
end of its standard input it writes `ears` (n, 2) float32, zeros where it missed a period, `lost_frames`, `fs_hz`, and
of each period its first frame, `frames`, and the monotonic time at which it came, `seen_s`; JACK's own latency from
then to the converter is `latency_s`.
"""

import sys
import time

import jack
import numpy as np
from numpy.typing import NDArray

from rt_render.io.jack_child import RefusedError, run, say, two_outputs
from rt_render.io.jack_latency import playback_latency_frames


def main(file: str, seconds: float, player: str) -> None:
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
        played = two_outputs(client, player)
        latency_frames = playback_latency_frames(client, played[0])
        if latency_frames is None:
            raise RefusedError(
                f"{played[0].name} leads to no output of the sound card in JACK: connect it there, or measure through "
                "a cable with --input."
            )
        latency_s = latency_frames / fs_hz
        for source, ear in zip(played, ears, strict=True):
            client.connect(source, ear)
        say("listening")
        sys.stdin.read()
    n = n_heard
    at = frames_since_first(frames[:n])
    heard = np.zeros((int(at[-1]) + size if n else 0, 2), np.float32)
    for block, first in zip(blocks[:n], at, strict=True):
        heard[first : first + size] = block
    told = {"fs_hz": fs_hz, "latency_s": latency_s, "lost_frames": len(heard) - n * size}
    np.savez(file, ears=heard, frames=at, seen_s=times_s[:n], **told)


def frames_since_first(frames: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return how many frames behind the first of them JACK's `frames` (n,) are: its counter has 32 bits and wraps."""
    return np.cumsum(np.diff(frames, prepend=frames[:1]) & 0xFFFFFFFF)


if __name__ == "__main__":
    run(lambda: main(sys.argv[1], float(sys.argv[2]), sys.argv[3]))
