"""What objects cost beside the decoder, and how clean they jump."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.signal.windows import blackmanharris

from firmware_bridge.mailbox_kernels import store_word
from rt_render.app.benchmarks.speed import asymmetric_filters, time_blocks
from rt_render.conventions import n_sh
from rt_render.engine.engine import Engine
from rt_render.engine.plan import Plan
from rt_render.kernels.state import field_offset

FS_HZ, BLOCK_FRAMES, ORDER = 48000, 128, 7
REQUIRED_RATIO = 3.0
"""Of what 64 moving objects cost over what the decoder's block takes without them."""
_ROUNDS, _CALLS = 6, 400
_TONE_HZ, _JUMP_ORDER, _WINDOW_FRAMES = 1000.0, 3, 16384
_BAND_HZ = 300.0
"""Beside the tone, the hearing's own band hides what a jump must spread; further away a click is heard."""
_POINTS = 240


def run(on_progress: Callable[[str], None]) -> dict[str, object]:
    """Time moving objects in turns with the same engine without objects; compare a jump with an abrupt switch."""
    on_progress("objects: what they cost at order 7")
    filters = asymmetric_filters(ORDER, 256)
    field = _engine(0, filters)
    rows = []
    for n_objects in (1, 16, 64):
        moving = _engine(n_objects, filters)
        times: list[list[NDArray[np.float64]]] = [[], []]
        for _ in range(_ROUNDS):
            for engine, kept in zip((field, moving), times, strict=True):
                time_blocks(engine, 20)
                kept.append(time_blocks(engine, _CALLS))
        decoder_us, whole_us = (1e6 * float(np.median(np.concatenate(kept))) for kept in times)
        rows.append(
            {
                "n_objects": n_objects,
                "decoder_us": round(decoder_us, 2),
                "whole_us": round(whole_us, 2),
                "ratio": round((whole_us - decoder_us) / decoder_us, 3),
            }
        )
    on_progress("objects: a jump of 90 degrees")
    return {"objects": {"speed": rows, "required_ratio": REQUIRED_RATIO, "jump": _jump()}}


def _engine(n_objects: int, filters: NDArray[np.float64]) -> Engine:
    """Return an engine that plays noise endlessly, all of its objects on the way round the head."""
    engine = Engine(Plan(ORDER, BLOCK_FRAMES, FS_HZ, filters.shape[2], ring_s=0.5, n_objects=n_objects), filters)
    noise = 0.01 * np.random.default_rng(3).standard_normal((engine.ring.free_frames(), engine.ring.n_channels))
    engine.ring.write(noise.astype(np.float32))
    store_word(engine.address + field_offset("ring_written"), 1 << 60)  # read over and over
    times_s = np.linspace(0.0, 10.0, 101)
    for index in range(n_objects):
        angle = 2 * np.pi * (index / n_objects + times_s / 10.0 * (1 + index % 3))
        around = np.stack([np.cos(angle), np.sin(angle), 0.5 * np.sin(angle + index)], axis=1)
        engine.objects.set_path(index, times_s, around, 2 + np.sin(angle), repeats=True)
    engine.objects.publish()
    return engine


def _jump() -> dict[str, object]:
    """Return the spectrum of a field in which a tone jumps from the front to the left, and of an abrupt switch."""
    phase = 2 * np.pi * _TONE_HZ * np.arange(2 * _WINDOW_FRAMES) / FS_HZ
    tone = (0.5 * np.sin(phase)).astype(np.float32)
    engine = Engine(Plan(_JUMP_ORDER, BLOCK_FRAMES, FS_HZ, 1, n_objects=1), np.zeros((2, n_sh(_JUMP_ORDER), 1)))
    engine.ring.write(tone[:, None])
    out, fields = np.zeros((BLOCK_FRAMES, 2), np.float32), []
    # where the tone is at its highest
    jump = int(np.argmax(tone[_WINDOW_FRAMES - 400 : _WINDOW_FRAMES])) + _WINDOW_FRAMES - 400
    for block in range((2 * _WINDOW_FRAMES) // BLOCK_FRAMES - 8):
        if block == jump // BLOCK_FRAMES:
            engine.objects.place(0, [0.0, 1.0, 0.0], 1.0)
            engine.objects.publish()
        engine.process(out)
        fields.append(engine.last_field())
    glided = np.concatenate(fields).astype(np.float64)
    before, after = (glided[at] / tone[at] for at in (jump - 2400, jump + 9600))
    abrupt = tone[: len(glided), None] * np.where(np.arange(len(glided))[:, None] < jump, before, after)
    f_hz = np.fft.rfftfreq(_WINDOW_FRAMES, 1 / FS_HZ)
    window = blackmanharris(_WINDOW_FRAMES)[:, None]
    spectra = {}
    for name, field in (("glide", glided), ("abrupt", abrupt)):
        part = field[jump - _WINDOW_FRAMES // 2 : jump + _WINDOW_FRAMES // 2]
        spectra[name] = np.sum(np.abs(np.fft.rfft(part * window, axis=0)) ** 2, axis=1)
    far = np.abs(f_hz - _TONE_HZ) > _BAND_HZ
    edges = np.geomspace(30.0, FS_HZ / 2, _POINTS + 1)
    bins = np.digitize(f_hz, edges) - 1
    inside = [k for k in range(_POINTS) if (bins == k).any()]
    result: dict[str, object] = {
        "band_hz": _BAND_HZ,
        "f_hz": [round(float(np.sqrt(edges[k] * edges[k + 1])), 1) for k in inside],
    }
    for name, power in spectra.items():
        result[f"{name}_outside_db"] = round(float(10 * np.log10(power[far].sum() / power.sum())), 1)
        level_db = 10 * np.log10(power / spectra["abrupt"].max() + 1e-20)
        result[f"{name}_db"] = [round(float(level_db[bins == k].max()), 1) for k in inside]
    return result
