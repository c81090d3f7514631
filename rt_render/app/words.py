"""Numbers as people read them."""

from math import log10
from typing import TYPE_CHECKING

from rt_render.app.budget_words import budget_line

if TYPE_CHECKING:
    from rt_render.app.glitches import Glitches
    from rt_render.app.session_status import SessionStatus
    from rt_render.engine.live_input import LiveStatus
    from rt_render.engine.snapshot import Snapshot
    from rt_render.io.sound_card import CardStatus

VIRTUAL_API = "rt-render"
"""What the virtual card says instead of a host API."""
_SILENCE_LIN = 1e-6
_NOUNS = {
    "late_block": "late block",
    "long_block": "long block",
    "host_underflow": "host underflow",
    "underrun": "underrun",
    "stale_pose": "tracker silence",
    "non_finite": "non-finite stretch",
    "clock_jump": "clock jump",
    "input_lost": "loss of input",
}


def decibels(level_lin: float) -> str:
    """Return a linear level as dB full scale, or that there is silence."""
    return "silence" if level_lin < _SILENCE_LIN else f"{20 * log10(level_lin):.1f} dBFS"


def plural(count: int, noun: str) -> str:
    """Return a count with its noun, such as "1 block" or "3 blocks"."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def clock(seconds: float) -> str:
    """Return a time as minutes and seconds, such as 1:02.5."""
    tenths = int(seconds * 10 + 0.5)
    return f"{tenths // 600}:{tenths // 10 % 60:02d}.{tenths % 10}"


def limiting(engine: "Snapshot") -> str:
    """Return what the limiter did."""
    if not engine.limited_blocks:
        return "the limiter had nothing to do"
    most_db = -20 * log10(max(engine.lowest_limiter_lin, 1e-9))
    return f"the limiter held back {plural(engine.limited_blocks, 'block')}, by {most_db:.1f} dB at most"


def cleaned(engine: "Snapshot") -> str:
    """Return what was wrong with the samples that came in, as the end of a sentence; "" for nothing."""
    count = engine.non_finite
    return f"; {plural(count, 'frame')} of the source {'was' if count == 1 else 'were'} not finite" if count else ""


def input_latency(live: "LiveStatus") -> str:
    """Return how long live input takes to the ears, and what of it was lost; "" before the first call."""
    if live.input_to_ears_s is None:
        return ""
    text = f"{1e3 * live.input_to_ears_s:.1f} ms to the ears"
    if live.lost_calls:
        text += f", {plural(live.lost_calls, 'disturbed call')}"
    missing = live.padded_frames + live.lost_frames
    return f"{text}, {plural(missing, 'frame')} lost or filled with silence" if missing else text


def card_latency(card: "CardStatus") -> str:
    """Return how long a sample is on its way from the engine to the converter, the block adapter included."""
    if card.host_api == VIRTUAL_API:
        return "none (virtual)"
    return f"{1e3 * (card.latency_s + card.adapter_latency_s):.1f} ms"


def counted(glitches: "Glitches") -> str:
    """Return how often what went wrong, such as "3 late blocks, 1 underrun"; "none" where all was well."""
    return ", ".join(plural(n, _NOUNS[kind]) for kind, n in glitches.counts.items() if n) or "none"


def summary(status: "SessionStatus") -> str:
    """Return one line about how a session went."""
    engine = status.engine
    missed = "no block missed" if not engine.late_blocks else f"{plural(engine.late_blocks, 'block')} missed"
    return (
        f"{clock(status.played_s)} played, {missed} of {engine.blocks}, "
        f"{plural(engine.underruns, 'underrun')}, longest block {1e3 * engine.longest_block_s:.2f} ms, "
        f"highest peak {decibels(engine.highest_peak)}; {limiting(engine)}{cleaned(engine)}."
        f"{_from_input(status)}{_left_out(status)}{_to_sound(status)}{_went_wrong(status)}"
    )


def _left_out(status: "SessionStatus") -> str:
    playlist = status.playlist
    return f" {plural(playlist.n_broken, 'item')} left out." if playlist and playlist.n_broken else ""


def _from_input(status: "SessionStatus") -> str:
    live = status.card.live
    return f" Live input: {input_latency(live)}." if live and live.input_to_ears_s is not None else ""


def _to_sound(status: "SessionStatus") -> str:
    return "" if status.budget is None else f" Motion to sound: {budget_line(status.budget)}."


def _went_wrong(status: "SessionStatus") -> str:
    last = status.glitches.last
    return "" if last is None else f" Went wrong: {counted(status.glitches)}; last {last.in_words()}."
