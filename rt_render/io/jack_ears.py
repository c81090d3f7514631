"""Listens to what PortAudio plays into a JACK server; a process of its own, for it runs Python in JACK's thread.

python -m rt_render.io.jack_ears FILE.npz SECONDS PLAYER

It connects itself to the client that is called PLAYER and says "listening", or a sentence about what is wrong. At the
end of its standard input it writes `ears` (n, 2) float32, zeros where it missed a period, `lost_frames`, `fs_hz`, and
of each period its first frame, `frames`, and the monotonic time at which it came, `seen_s`; JACK's own latency from
then to the converter is `latency_s`.
"""

import sys
import time
from contextlib import suppress
from typing import Any

import jack
import numpy as np
from numpy.typing import NDArray

from rt_render.io.jack_latency import playback_latency_frames


class _CannotListenError(Exception):
    """What is wrong, in a sentence."""


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
        played = _ports_of(client, player)
        latency_frames = playback_latency_frames(client, played[0])
        if latency_frames is None:
            raise _CannotListenError(
                f"{played[0].name} leads to no output of the sound card in JACK: connect it there, or measure through "
                "a cable with --input."
            )
        latency_s = latency_frames / fs_hz
        for source, ear in zip(played, ears, strict=True):
            client.connect(source, ear)
        _say("listening")
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


def _ports_of(client: Any, player: str) -> list[Any]:
    """Return the two ports that a client plays from; others that play are not listened to."""
    ports = [port for port in client.get_ports(is_output=True, is_audio=True) if port.name.startswith(f"{player}:")]
    if len(ports) != 2:
        raise _CannotListenError(
            f"the JACK client {player!r} should play from two ports and has {len(ports)}: let nothing else play from "
            "this program, and run the command again."
        )
    return ports


def _say(line: str) -> None:
    with suppress(BrokenPipeError):
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    try:
        main(sys.argv[1], float(sys.argv[2]), sys.argv[3])
    except _CannotListenError as refusal:
        _say(str(refusal))
        sys.exit(1)
    except jack.JackError as refusal:
        _say(f"JACK lets nobody listen ({str(refusal).rstrip('.')}): see whether its server runs, and run it again.")
        sys.exit(1)
