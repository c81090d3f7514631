"""What a person sees while sound plays: a few calm lines on a terminal, or a plain line now and then."""

import time
from math import log10

from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from firmware_bridge.commands.live_screen import LiveScreen
from firmware_bridge.quaternion import to_yaw_pitch_roll_deg
from rt_render.app.around import RULER, around
from rt_render.app.block_times import disturbances, sparkline
from rt_render.app.budget_words import motion_line
from rt_render.app.controls.keys import handle_keys, long_help, short_help
from rt_render.app.ear_levels import ear_levels
from rt_render.app.live_rows import State, compare_text, glitch_style, in_short, is_blind, names_of_ears, visit_text
from rt_render.app.session import Session
from rt_render.app.session_status import SessionStatus
from rt_render.app.web.surroundings import Surroundings
from rt_render.app.words import card_latency, clock, counted, input_latency

_PLAIN_EVERY_S = 2.0
_METER_CELLS, _METER_FLOOR_DB = 40, -60.0


class LiveView(LiveScreen):
    """Shows a session each time it is called, and passes keys on; a `watch` for `api.play` and `api.demo`.

    `last` is the latest status, None before the first. Used as a context; one thread, `say` from any.
    """

    def __init__(self, console: Console, *, quiet: bool = False) -> None:
        super().__init__(console, quiet=quiet)
        self.last: SessionStatus | None = None
        self._next_line_s = 0.0
        self._surroundings: Surroundings | None = None

    def __call__(self, session: Session) -> bool:
        """Show the session; False when the person wants to quit."""
        self.last = status = session.status()
        if self._console.is_terminal and not self._quiet:
            self._surroundings = self._surroundings or session.surroundings()
            self._draw(view_of(session, status, around(self._surroundings)))
        elif not self._quiet and time.monotonic() >= self._next_line_s:
            self._next_line_s = time.monotonic() + _PLAIN_EVERY_S
            self._console.print(plain_line(status, session.desk.state()), soft_wrap=True, highlight=False)
        return handle_keys(self._keys.pressed(), session, self._help)

    def _help(self) -> None:
        self._console.print(Text(long_help(), style="dim"))


def view_of(session: Session, status: SessionStatus, energy: Text | None = None) -> Group:
    """Return the live lines of a session; `energy`: where its sound comes from."""
    engine, plan, state = status.engine, session.engine.plan, session.desk.state()
    budget_s = plan.block_size / plan.fs_hz
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", justify="right", no_wrap=True, min_width=8)
    table.add_column()
    table.add_row(
        "playing", Text(f"{session.source.title} · {_order(engine.order, plan.order)} · {session.decoder.head}")
    )
    if (visit := visit_text(state)) is not None:
        table.add_row("visit", Text(visit))
    if (versions := compare_text(state)) is not None:
        table.add_row("compare", versions)
    if energy is not None:
        table.add_row("around", energy)
        table.add_row("", Text(RULER, style="dim"))
    table.add_row("head", Text(pose_text(status)))
    table.add_row("tracker", Text(tracker_text(status)))
    rms, peak = ear_levels(engine, is_blind(state))
    for name, *levels in zip(names_of_ears(len(rms)), rms, peak, strict=True):
        table.add_row(name, meter(*levels))
    times = f"{1e6 * engine.block_s:.0f} µs of {1e6 * budget_s:.0f}, 99.9 % below {1e6 * engine.block_p999_s:.0f}"
    table.add_row("block", Text(f"{disturbances(engine)} · {times}"))
    table.add_row("times", Text(sparkline(engine.block_times)))
    last = status.glitches.last
    if last is not None:
        words = f"{counted(status.glitches)}; last {last.in_words()}"
        table.add_row("glitches", Text(words, glitch_style(status.glitches.age_s(last, time.monotonic()))))
    table.add_row("latency", Text(latency_text(status, budget_s)))
    if status.card.live is not None:
        table.add_row("input", Text(input_latency(status.card.live)))
    if status.tracker is not None and status.tracker.state != "none":
        table.add_row("motion", Text(motion_line(status)))
    if status.playlist:
        table.add_row("item", Text(status.playlist.text))
    table.add_row("position", Text(position_text(status)))
    return Group(table, Text(short_help(status.playlist is not None), style="dim"))


def _order(rendered: int, highest: int) -> str:
    return f"order {highest}" if rendered == highest else f"order {rendered} of {highest}"


def plain_line(status: SessionStatus, state: State) -> str:
    """Return a session's status, and the desk's state, in one line."""
    engine = status.engine
    levels = "/".join(f"{_db(level):.0f}" for level in ear_levels(engine, is_blind(state))[0])
    item = f"{status.playlist.text}  " if status.playlist else ""
    return (
        f"{item}{position_text(status)}  {pose_text(status)}  {levels} dB  block {1e6 * engine.block_s:.0f} µs  "
        f"missed {engine.late_blocks}  underruns {engine.underruns}  {tracker_text(status)}{_to_sound(status)}"
        f"{in_short(state)}"
    )


def _to_sound(status: SessionStatus) -> str:
    return "" if status.budget is None else f"  motion to sound {status.budget.total.p50_ms:.1f} ms"


def pose_text(status: SessionStatus) -> str:
    """Return the head's angles: yaw + left, pitch + up, roll + right ear down."""
    yaw, pitch, roll = (round(float(a)) for a in to_yaw_pitch_roll_deg(status.head))
    return f"yaw {yaw:+4d}°  pitch {pitch:+4d}°  roll {roll:+4d}°"


def tracker_text(status: SessionStatus) -> str:
    """Return how the tracker does."""
    text = status.tracker.text if status.tracker else "poses from a file"
    return text if status.tracking else f"{text} (tracking off)"


def latency_text(status: SessionStatus, budget_s: float) -> str:
    """Return the latency from the engine to the converter: a block's, and the card's with its block adapter."""
    return f"block {1e3 * budget_s:.1f} ms, card {card_latency(status.card)} · {status.card.name}"


def position_text(status: SessionStatus) -> str:
    """Return where the source is, and what the transport and the volume do."""
    length = "" if status.length_s is None else f" of {clock(status.length_s)}"
    lap = f", lap {status.lap}" if status.lap else ""
    state = "" if status.playing else " · paused"
    volume = "muted" if status.muted else f"{status.gain_db:+.0f} dB"
    held = " · limiting" if status.engine.limiter_lin < 0.999 else ""
    return f"{clock(status.position_s)}{length}{lap}{state} · {volume}{held}"


def meter(rms_lin: float, peak_lin: float) -> Text:
    """Return a level bar: rms as its length, the peak as a mark, and the peak in dB."""

    def cells(level_lin: float) -> int:
        share = 1.0 - _db(level_lin) / _METER_FLOOR_DB
        return round(_METER_CELLS * min(1.0, max(0.0, share)))

    filled, mark = cells(rms_lin), max(cells(peak_lin), cells(rms_lin))
    bar = "█" * filled + "─" * (_METER_CELLS - filled)
    text = Text(bar, style="cyan")
    if 0 < mark <= _METER_CELLS:
        text = Text.assemble((bar[: mark - 1], "cyan"), ("│", "bold"), (bar[mark:], "cyan"))
    text.append(f" {_db(peak_lin):4.0f} dB", style="dim")
    return text


def _db(level_lin: float) -> float:
    return 20.0 * log10(max(level_lin, 10 ** (_METER_FLOOR_DB / 20)))
