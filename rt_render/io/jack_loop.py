"""Plays into our player in a JACK server and listens to it; a process of its own, for it runs Python in JACK's thread.

python -m rt_render.io.jack_loop PLAYER

It takes over the first two inputs of the client PLAYER, and says "connected", or a sentence about what is wrong. Into
the first input it counts frames, `COUNT_STEP` a frame, from 1 to `COUNT_TO` over and over; into the second it clicks
four times a second. At the end of its standard input it says one object of JSON: `clicks_out` and `clicks_in`, the
server's frame at which each click left and was heard in the left ear; `xruns`, of the server; `missed_periods`, in
which this client itself was not called, and `period_frames` that each has; `capture_frames` and `playback_frames`,
JACK's own latencies of the converters.
"""

import json
import sys
from typing import Any

import jack
import numpy as np

from rt_render.io.jack_child import run, say, two_inputs, two_outputs
from rt_render.io.jack_latency import capture_latency_frames, playback_latency_frames

COUNT_TO = 1 << 20
COUNT_STEP = 2.0**-30
"""Exact in float32 up to the last count, and unheard."""
CLICK = 0.25


def main(player: str) -> None:
    """Play and listen until standard input ends."""
    # two clients: one alone would be a loop, in which JACK keeps each period for the next one
    source, sink = (jack.Client(f"rt-render {name}", no_start_server=True) for name in ("source", "sink"))
    count, click = (source.outports.register(name) for name in ("count", "click"))
    ear = sink.inports.register("ear")
    size, fs_hz = source.blocksize, source.samplerate
    counts = (np.arange(COUNT_TO + size) % COUNT_TO + 1).astype(np.float32) * np.float32(COUNT_STEP)
    said: dict[str, Any] = {"clicks_out": [], "clicks_in": [], "xruns": 0, "missed_periods": 0}
    said["period_frames"] = size
    begun, before = 0, 0

    @source.set_process_callback  # type: ignore[untyped-decorator, unused-ignore]
    def play(n_frames: int) -> None:
        nonlocal begun, before
        now = source.last_frame_time
        begun = begun or now
        said["missed_periods"] += (now - before) // n_frames - 1 if before else 0
        before = now
        at = (now - begun) % COUNT_TO
        count.get_array()[:] = counts[at : at + n_frames]
        out = click.get_array()
        out[:] = 0.0
        due = -(now - begun) % (fs_hz // 4)
        if due < n_frames:
            out[due] = CLICK
            said["clicks_out"].append(now + due)

    @sink.set_process_callback  # type: ignore[untyped-decorator, unused-ignore]
    def listen(n_frames: int) -> None:
        heard = ear.get_array()
        loudest = int(np.argmax(np.abs(heard)))
        if heard[loudest] > CLICK / 4:
            said["clicks_in"].append(sink.last_frame_time + loudest)

    @source.set_xrun_callback  # type: ignore[untyped-decorator, unused-ignore]
    def xrun(delayed_us: float) -> None:
        said["xruns"] += 1

    with source, sink:
        into, out_of = two_inputs(source, player), two_outputs(source, player)
        said["capture_frames"] = capture_latency_frames(source, into[0])
        said["playback_frames"] = playback_latency_frames(source, out_of[0])
        for port, ours in zip(into, (count, click), strict=True):
            for other in source.get_all_connections(port):
                source.disconnect(other, port)
            source.connect(ours, port)
        sink.connect(out_of[0], ear)
        said["xruns"] = said["missed_periods"] = 0
        say("connected")
        sys.stdin.read()
    say(json.dumps(said))


if __name__ == "__main__":
    run(lambda: main(sys.argv[1]))
