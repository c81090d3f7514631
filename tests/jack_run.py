"""Play through PortAudio into a real JACK server and look at what arrives; kill the server and look again.

By hand: `python tests/jack_run.py --seconds 30 --kills 20`; the numbers come as one JSON object. A process of
its own for each run: libraries read their server's name once, and a hang ends with it.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np
from jack_server import FS_HZ, PERIOD, JackServer

from rt_render.engine.engine import Engine
from rt_render.engine.live_input import LiveInput
from rt_render.engine.plan import Plan
from rt_render.io.card_keeper import CardKeeper
from rt_render.io.sound_card import SoundCard

ORDER, N_TAPS = 3, 256


def make_engine(order: int = ORDER, ring_s: float = 2.0, trace_rows: int = 0) -> Engine:
    """An engine with filters that have no symmetry at all."""
    plan = Plan(order, PERIOD, FS_HZ, N_TAPS, ring_s=ring_s)
    filters = np.random.default_rng(1).standard_normal((2, plan.n_sh, N_TAPS))
    return Engine(plan, 0.005 * filters * np.exp(-np.arange(N_TAPS) / 60.0), trace_rows=trace_rows)


def turn_head(engine: Engine, seconds: float) -> None:
    """Turn the head about a wandering axis by a table of source time."""
    times = np.linspace(0.0, seconds, int(20 * seconds) + 2)
    rng = np.random.default_rng(2)
    turns = np.cumsum(rng.normal(0.0, 0.15, (len(times), 4)), axis=0) + np.array([1.0, 0.0, 0.0, 0.0])
    engine.follow_timeline(times, turns / np.linalg.norm(turns, axis=1, keepdims=True))


def make_field(seconds: float, n_sh: int) -> np.ndarray:
    """Noise that differs in every channel, so that no two blocks are alike."""
    levels = 0.1 + 0.1 * np.random.default_rng(3).random(n_sh)
    noise = np.random.default_rng(4).standard_normal((int(seconds * FS_HZ), n_sh), np.float32)
    return (noise * levels).astype(np.float32)


def render_offline(engine: Engine) -> np.ndarray:
    """Play an engine to its end without a clock: blocks (n, PERIOD, 2)."""
    blocks = []
    while not engine.snapshot().ended:
        out = np.empty((PERIOD, 2), np.float32)
        engine.process(out)
        blocks.append(out)
    return np.array(blocks)


def hold_interpreter_lock(stop: threading.Event) -> None:
    """Keep the interpreter lock for about 0.2 s at a time, burning: one power of a large number is one call."""
    while not stop.is_set():
        _ = 3**600_000
        time.sleep(0.01)


def record(seconds: float, hold_lock: bool = False) -> dict[str, object]:
    """Record `seconds` of a turning field through JACK and compare it to the offline run, block by block."""
    n_rows = 2 * int((seconds + 20.0) * FS_HZ / PERIOD)
    engines = [make_engine(ring_s=seconds + 1.0, trace_rows=n_rows) for _ in range(2)]
    for engine in engines:
        turn_head(engine, seconds)
        engine.ring.write(make_field(seconds, engine.plan.n_sh))
        engine.ring.set_end()
    expected = render_offline(engines[1])
    player = engines[0]
    player.pause()
    with tempfile.TemporaryDirectory() as folder, JackServer() as server:
        os.environ.update(server.environment)
        file = Path(folder) / "recorded.npz"
        with SoundCard(player), _Recorder(file, server.name, seconds + 20.0) as tell:
            tell("connect")
            stop = threading.Event()
            player.play()
            if hold_lock:
                threading.Thread(target=hold_interpreter_lock, args=(stop,)).start()
            while not player.snapshot().ended:
                time.sleep(0.05)
            stop.set()
            time.sleep(0.2)
            tell("stop")
        with np.load(file) as recorded:
            report = compare(recorded["blocks"], recorded["frames"], int(recorded["xruns"]), expected)
            return report | heard(recorded["blocks"], recorded["times"], expected, player.drain_trace())


class _Recorder:
    def __init__(self, file: Path, server: str, seconds: float) -> None:
        script = Path(__file__).with_name("jack_recorder.py")
        self._process = subprocess.Popen(
            [sys.executable, str(script), str(file), server, str(seconds)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self._answer()

    def _answer(self) -> None:
        assert self._process.stdout is not None
        if not self._process.stdout.readline():
            raise RuntimeError("the recorder has ended before its time")

    def _tell(self, word: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(word + "\n")
        self._process.stdin.flush()
        self._answer()

    def __enter__(self):
        return self._tell

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()


def compare(blocks: np.ndarray, frames: np.ndarray, xruns: int, expected: np.ndarray) -> dict[str, object]:
    """Walk through the recording: every block is the next expected one, or part of a gap, or foreign.

    A gap is a silent or repeated block, a block left out, or a period the recorder was not called for.
    """
    sounding = np.flatnonzero(np.any(blocks, axis=(1, 2)))
    if not len(sounding):
        return {"seconds": 0.0, "equal_blocks": 0, "gaps": 0, "foreign_blocks": 0, "xruns": xruns}
    start = sounding[0]
    blocks, frames = blocks[start:], frames[start:]
    following, equal, gaps, foreign = 0, 0, 0, 0
    for i, block in enumerate(blocks):
        if following == len(expected):
            break
        if i:
            gaps += int(frames[i] - frames[i - 1]) // PERIOD - 1
        near = range(following, min(following + 64, len(expected)))
        found = next((k for k in near if np.array_equal(block, expected[k])), None)
        if found is not None:
            gaps += found - following
            following = found + 1
            equal += 1
        elif not block.any() or np.array_equal(block, expected[following - 1]):
            gaps += 1
        else:
            foreign += 1
    return {
        "seconds": len(expected) * PERIOD / FS_HZ,
        "blocks": len(expected),
        "equal_blocks": equal,
        "gaps": gaps,
        "foreign_blocks": foreign,
        "xruns": xruns,
    }


def heard(blocks: np.ndarray, times_s: np.ndarray, expected: np.ndarray, rows: np.ndarray) -> dict[str, object]:
    """Compare when blocks say that they are heard with when the recorder got them, a period ahead of the converter.

    In synchronous mode JACK's playback ports tell a period of latency.
    """
    numbers = {block.tobytes(): k for k, block in enumerate(expected) if block.any()}
    said_s = {int(row["frame"]) // PERIOD: float(row["hear_s"]) for row in rows if row["consumed"]}
    found = [(numbers.get(block.tobytes()), time_s) for block, time_s in zip(blocks, times_s, strict=True)]
    late_ms = [1e3 * (said_s[k] - time_s - PERIOD / FS_HZ) for k, time_s in found if k is not None]
    return {"said_late_ms": [round(float(p), 3) for p in np.percentile(late_ms, [5, 50, 95])] if late_ms else []}


def kill_repeatedly(n_kills: int, live: bool = False) -> dict[str, object]:
    """Kill and restart the server under a playing engine; note how often it plays again, and its position.

    `live`: what sounds is the server's input, led straight in.
    """
    engine = make_engine(order=1)
    taken = LiveInput(engine, np.eye(2, engine.plan.n_sh)) if live else None
    noise = make_field(0.1, engine.plan.n_sh)
    messages: list[str] = []
    position, jumps_back, returns, moved = 0, 0, 0, 0

    def play_for(seconds: float, until=lambda: False) -> bool:
        nonlocal position, jumps_back
        end_s = time.monotonic() + seconds
        while time.monotonic() < end_s:
            while not live and engine.ring.free_frames() >= len(noise):
                engine.ring.write(noise)
            frame = engine.snapshot().frame
            jumps_back += frame < position
            position = frame
            if until():
                return True
            time.sleep(0.01)
        return False

    server = JackServer()
    os.environ.update(server.environment)
    server.start()
    keeper = CardKeeper(engine, on_message=messages.append, live=taken)
    keeper.start()
    on_jack_first = "JACK" in keeper.status().host_api
    try:
        for _ in range(n_kills):
            play_for(0.3)
            server.kill()
            lost = play_for(5.0, lambda: keeper.status().host_api == "rt-render")
            before = position
            play_for(0.3)
            server.start()
            returns += lost and play_for(15.0, lambda: keeper.status().host_api != "rt-render")
            calls = engine.snapshot().calls
            play_for(0.2)
            moved += position > before and engine.snapshot().calls > calls
    finally:
        keeper.stop()
        server.stop()
    return {
        "kills": n_kills,
        "began_on_jack": on_jack_first,
        "losses": sum("has stopped answering" in text for text in messages),
        "returns": returns,
        "played_on": moved,
        "jumps_back": jumps_back,
        "frames": position,
        "live": asdict(taken.status()) if taken else None,
        "messages": messages,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=0.0, help="recorded and compared, at most 55")
    parser.add_argument("--kills", type=int, default=0, help="times that the server is killed and restarted")
    parser.add_argument("--live", action="store_true", help="what sounds while the server is killed is its input")
    parser.add_argument("--hold-lock", action="store_true", help="keep the interpreter lock while recording")
    options = parser.parse_args()
    report: dict[str, object] = {}
    if options.seconds:
        report["recorded"] = record(options.seconds, options.hold_lock)
    if options.kills:
        report["killed"] = kill_repeatedly(options.kills, options.live)
    print(json.dumps(report))


if __name__ == "__main__":
    main()
