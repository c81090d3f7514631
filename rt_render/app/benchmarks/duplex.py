"""Live input through JACK: frames that are counted on their way in, and clicks that come round."""

import importlib.util
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Timer
from typing import Any

import numpy as np

from rt_render.app.benchmarks.counted import Counted
from rt_render.app.benchmarks.duplex_verdict import judge
from rt_render.app.early_checks import card_rate_hz
from rt_render.engine.engine import Engine
from rt_render.engine.live_input import LiveInput
from rt_render.engine.plan import Plan
from rt_render.errors import ConfigurationError, DeviceError
from rt_render.io.portaudio import JACK, jack_client_name, list_devices
from rt_render.io.sound_card import CardStatus, SoundCard

MIN_MINUTES, MAX_MINUTES = 0.05, 1440.0
_MAX_TOLD = 100
_TAP_S, _LOOK_S, _TIMEOUT_S = 4.0, 0.05, 15.0
_NO_SERVER = "no JACK server runs: start one, such as `jackd -r -d dummy -r 48000 -p 128`, and run the command again."


def run(on_progress: Callable[[str], None], minutes: float = 10.0, block_size: int = 128) -> dict[str, object]:
    """Send counted frames in for some minutes and compare what the field tap gets; measure the round trip by clicks.

    `block_size`: of the engine; JACK calls with its own period. Raises ConfigurationError, and
    DeviceError without a JACK server.
    """
    if not MIN_MINUTES <= minutes <= MAX_MINUTES:
        raise ConfigurationError(
            f"minutes = {minutes} cannot be used: allowed is a number, {MIN_MINUTES} to {MAX_MINUTES:g}."
        )
    if importlib.util.find_spec("jack") is None:
        raise DeviceError("one more library is needed: install it with `pip install 'rt-render[jack]'`.")
    device = next((d.index for d in list_devices(with_rates=False) if JACK in d.host_api and d.n_channels > 1), None)
    if device is None:
        raise DeviceError(_NO_SERVER)
    engine, live = _engine(block_size, card_rate_hz(device))
    counted = Counted()
    on_progress(f"duplex: {minutes:.3g} minutes through JACK, blocks of {block_size} frames")
    with SoundCard(engine, device, live=live) as card, _loop() as finish:
        engine.read_tap()
        end_s = time.monotonic() + 60.0 * minutes
        while time.monotonic() < end_s:
            time.sleep(_LOOK_S)
            counted.take(engine.read_tap()[:, 1])
        status = card.status()
        told = finish()
    return {"duplex": _figures(engine, status, counted, told, minutes)}


def _engine(block_size: int, fs_hz: int) -> tuple[Engine, LiveInput]:
    """An engine that counts in one channel and lets both ears hear the other as it is."""
    plan = Plan(1, block_size, fs_hz, 1)
    ears = np.zeros((2, plan.n_sh, 1))
    ears[:, 0] = 1.0
    engine = Engine(plan, ears)
    engine.prepare_tap(_TAP_S)
    matrix = np.zeros((2, plan.n_sh))
    matrix[0, 1] = matrix[1, 0] = 1.0
    return engine, LiveInput(engine, matrix)


@contextmanager
def _loop() -> Iterator[Callable[[], dict[str, Any]]]:
    """A JACK client that plays into ours and listens to it; what ends it and returns what it found."""
    player = jack_client_name()
    if player is None:
        raise DeviceError("PortAudio does not say under which name it plays in JACK, so nothing can be led to it.")
    with subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-m", "rt_render.io.jack_loop", player],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        too_long = Timer(_TIMEOUT_S, process.kill)
        too_long.start()
        said = process.stdout.readline().strip()
        too_long.cancel()

        def finish() -> dict[str, Any]:
            try:
                return dict(json.loads(process.communicate(timeout=_TIMEOUT_S)[0]))
            except (subprocess.TimeoutExpired, ValueError):
                raise DeviceError("JACK's other client ended before its time: see whether the server runs.") from None

        try:
            if said != "connected":
                raise DeviceError(said or _NO_SERVER)
            yield finish
        finally:
            process.kill()


def _figures(
    engine: Engine, status: CardStatus, counted: Counted, told: dict[str, Any], minutes: float
) -> dict[str, Any]:
    live = status.live
    assert live is not None
    fs_hz, out = engine.plan.fs_hz, np.array(told["clicks_out"], np.int64)
    ways = [int(heard - out[out <= heard][-1]) for heard in told["clicks_in"] if (out <= heard).any()]
    inside = int(np.median(ways)) if ways else None
    converters = told["capture_frames"] + told["playback_frames"] if told["capture_frames"] is not None else None
    measured = None if inside is None or converters is None else inside + converters
    claimed = None if live.input_to_ears_s is None else round(live.input_to_ears_s * fs_hz, 2)
    verdict = judge(counted, told["period_frames"], told["xruns"] + told["missed_periods"])
    ok = {
        "equal": measured is not None and claimed is not None and abs(measured - claimed) < 1.0,
        "whole": verdict.whole and engine.tap_lost == 0,
        "no_drift": verdict.no_drift,
    }
    return {
        "minutes": minutes,
        "fs_hz": fs_hz,
        "host_frames": list(status.host_frames),
        "block_size": engine.plan.block_size,
        "frames": counted.n_frames,
        "jumps": counted.jumps[:_MAX_TOLD],
        "silences": counted.silences[:_MAX_TOLD],
        "n_breaks": len(counted.jumps) + len(counted.silences),
        "drift_frames": counted.drift_frames,
        "unexplained": verdict.unexplained[:_MAX_TOLD],
        "period_frames": told["period_frames"],
        "xruns": told["xruns"],
        "missed_periods": told["missed_periods"],
        "lost_calls": live.lost_calls,
        "padded_frames": live.padded_frames,
        "tap_lost": engine.tap_lost,
        "clicks": len(ways),
        "round_trip_frames": measured,
        "round_trip_spread_frames": max(ways) - min(ways) if ways else None,
        "claimed_frames": claimed,
        "inside_frames": inside,
        "converters_frames": converters,
        **ok,
        "ok": all(ok.values()),
    }
