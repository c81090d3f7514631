"""The lines of a program that runs elsewhere, of what its page is told; the same truths as in its own terminal."""

from collections.abc import Mapping
from typing import Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

from firmware_bridge.quaternion import to_yaw_pitch_roll_deg
from rt_render.app.around import RULER, bars
from rt_render.app.controls.keys import short_help
from rt_render.app.live_rows import compare_text, glitch_style, in_short, names_of_ears, visit_text
from rt_render.app.live_view import meter
from rt_render.app.words import clock, plural

N_SENTENCES = 3
Told = Mapping[str, Any]


def far_rows(state: Told, pose: Told, energy: list[float]) -> Group:
    """Return the live lines; `energy` may be empty where none has come yet."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", justify="right", no_wrap=True, min_width=8)
    table.add_column()
    table.add_row("playing", Text(_playing(state)))
    if (visit := visit_text(dict(state))) is not None:
        table.add_row("visit", Text(visit))
    if (versions := compare_text(dict(state))) is not None:
        table.add_row("compare", versions)
    if energy:
        table.add_row("around", bars(energy, _angles_deg(pose)[0]))
        table.add_row("", Text(RULER, style="dim"))
    table.add_row("head", Text(_head(pose)))
    table.add_row("tracker", Text(_tracker(state)))
    rms, peak = _levels_db(pose)
    for name, rms_db, peak_db in zip(names_of_ears(len(rms)), rms, peak, strict=True):
        table.add_row(name, meter(10.0 ** (rms_db / 20.0), 10.0 ** (peak_db / 20.0)))
    table.add_row("block", Text(f"{_disturbances(state)} · {_times(state['block'])}"))
    if state["glitches"]:
        last = state["glitches"][-1]
        likely = f"; likely: {last['cause']}" if last["cause"] else ""
        words = f"last {clock(last['time_s'])} {last['text']}{likely}"
        table.add_row("glitches", Text(words, glitch_style(last["age_s"])))
    table.add_row("latency", Text(f"card {state['card']['latency_ms']:.1f} ms · {state['card']['name']}"))
    if state["tracker"]["state"] != "none":
        table.add_row("motion", Text(_motion(state)))
    table.add_row("position", Text(_position(state)))
    for sentence in state.get("messages", [])[-N_SENTENCES:]:
        table.add_row("said", Text(str(sentence), "dim"))
    return Group(table, Text(short_help(bool(state["items"])), style="dim"))


def far_line(state: Told, pose: Told) -> str:
    """Return the same in one plain line."""
    levels = "/".join(f"{level_db:.0f}" for level_db in _levels_db(pose)[0])
    motion = f"  motion to sound {state['budget']['total']['p50']:.1f} ms" if state["budget"] else ""
    return (
        f"{_position(state)}  {state['playing_title']}  {_head(pose)}  {levels} dB  {_disturbances(state)}  "
        f"{_tracker(state)}{motion}{in_short(dict(state))}"
    )


def _playing(state: Told) -> str:
    rendered, highest = state["order"]["rendered"], state["order"]["highest"]
    order = f"order {highest}" if rendered == highest else f"order {rendered} of {highest}"
    follows = f" · next {state['next_title']}" if state["next_title"] else ""
    return f"{state['playing_title']} · {order} · {state['head']}{follows}"


def _angles_deg(pose: Told) -> tuple[float, float, float]:
    yaw_deg, pitch_deg, roll_deg = to_yaw_pitch_roll_deg(pose["q"])
    return float(yaw_deg), float(pitch_deg), float(roll_deg)


def _head(pose: Told) -> str:
    yaw, pitch, roll = (round(angle_deg) for angle_deg in _angles_deg(pose))
    return f"yaw {yaw:+4d}°  pitch {pitch:+4d}°  roll {roll:+4d}°"


def _levels_db(pose: Told) -> tuple[list[float], list[float]]:
    return pose["levels"]["rms_db"], pose["levels"]["peak_db"]


def _tracker(state: Told) -> str:
    off = "" if state["tracking"] else " (tracking off)"
    return f"{state['tracker']['text']}{off}"


def _disturbances(state: Told) -> str:
    return f"{state['block']['missed']} missed, {plural(state['block']['underruns'], 'underrun')}"


def _times(block: Told) -> str:
    return f"{block['p50_us']:.0f} µs of {block['budget_us']:.0f}, 99.9 % below {block['p999_us']:.0f}"


def _motion(state: Told) -> str:
    budget = state["budget"]
    if not budget:
        return str(state["no_budget"])
    parts = " + ".join(f"{name} {part['p50']:.1f}" for name, part in budget["parts"].items() if part["p50"] >= 0.05)
    return f"{budget['total']['p50']:.1f} ms, 95 % below {budget['total']['p95']:.1f}: {parts}"


def _position(state: Told) -> str:
    values = state["values"]
    length = "" if state["length_s"] is None else f" of {clock(state['length_s'])}"
    lap = f", lap {state['lap']}" if state["lap"] else ""
    paused = "" if values.get("playing", True) else " · paused"
    volume = "muted" if values.get("muted") else f"{values['gain_db']:+.0f} dB"
    return f"{clock(state['position_s'])}{length}{lap}{paused} · {volume}{' · limiting' if state['limiting'] else ''}"
