"""A session told on one page of Markdown."""

from pathlib import Path

from rt_render import __version__
from rt_render.app.block_times import block_times_markdown
from rt_render.app.budget_words import budget_markdown, device_advice
from rt_render.app.glitch_words import glitches_markdown
from rt_render.app.story import Story
from rt_render.app.words import card_latency, decibels, limiting, plural
from rt_render.errors import RenderError

_LISTEN = """\
Put on headphones and play the WAV file. The music stands still in the room while the simulated head looks
around: when the head turns to the left, everything moves to the right of it. Listen for

- the plucked string, straight ahead of the room: it leaves the middle and comes back as the head does;
- the shaker at the left and the wood at the right: they change in level and colour, not only in balance;
- the warm pad that circles the room once in 24 s, and the glass that climbs over the head;
- wind and water, which come from everywhere and do not turn with the head.
"""

_NEXT = """\
- `rt-render play` — the same scene on your sound card; send your head's pose as OSC to 127.0.0.1:9000
  (`/ypr 30 10 5` looks 30° to the left and 10° down).
- `rt-render play FILE.wav` — an ambisonic recording of your own (ambiX: ACN, SN3D).
- `rt-render play --tracker simulated` — the same head motion, live.
- `rt-render doctor` — what this machine grants, and how to get more of it.
- `rt-render bench` — the figures of this machine.
"""


def write_report(story: Story, path: Path, wav: Path | None, picture: Path) -> None:
    """Write the report beside its WAV file (None: nothing was kept) and picture; raises RenderError."""
    try:
        path.write_text(report_text(story, wav, picture), encoding="utf-8")
    except OSError as error:
        raise RenderError(f"{path} cannot be written: {error.strerror}; choose another place.") from None


def report_text(story: Story, wav: Path | None, picture: Path) -> str:
    """Return the report as Markdown."""
    engine, card = story.status.engine, story.status.card
    budget_ms = 1e3 * story.budget_s
    in_time = "every block was ready in time" if not engine.late_blocks else "not every block was ready in time"
    peak, advice = decibels(engine.highest_peak), device_advice(story.budget, card.block_size, card.host_api)
    rows = [
        ("Sound", f"{story.title}, {engine.frame / story.fs_hz:.1f} s, ambisonic order {story.order}"),
        ("Head", f"{story.head}; {story.method} decoder, {story.n_taps} taps"),
        ("Pose", f"{story.tracker}, {plural(engine.poses, 'pose')} read"),
        ("Played on", card.text),
        ("Machine", story.machine),
        ("Version", f"rt-render {__version__}"),
    ]
    figures = [
        ("Missed blocks", f"{engine.late_blocks} of {engine.blocks} ({in_time})"),
        ("Underruns of the source", f"{engine.underruns}"),
        ("Blocks with a stale pose", f"{engine.stale_blocks}"),
        ("Jumps of the card's clock", f"{engine.clock_jumps}"),
        (
            "Block time",
            f"median {1e6 * engine.block_p50_s:.0f} µs, 99.9 % below {1e6 * engine.block_p999_s:.0f} µs, "
            f"longest {1e6 * engine.longest_block_s:.0f} µs; the budget is {1e6 * story.budget_s:.0f} µs",
        ),
        ("Latency of the algorithm", f"0 frames beyond the block of {story.block_size} frames ({budget_ms:.1f} ms)"),
        ("Latency of the card", card_latency(card)),
        ("Highest peak", f"{peak}; {limiting(engine)}"),
        ("Frames that were not finite", f"{engine.non_finite}"),
    ]
    heard = f"`{wav.name}` is what both ears got (stereo, 32-bit float, {story.fs_hz} Hz).\n\n" if wav else ""
    return (
        f"# {story.title}: {engine.frame / story.fs_hz:.0f} s with a turning head\n\n"
        f"{heard}![The head's motion, the level at both ears, and block times]({picture.name})\n\n"
        f"## What was rendered\n\n{_table(rows)}\n## How it went\n\n{_table(figures)}\n"
        f"{block_times_markdown(engine.block_times)}"
        f"{glitches_markdown(story.status.glitches)}"
        f"{budget_markdown(story.budget, advice)}"
        f"## What to listen for\n\n{_LISTEN}\n## Next\n\n{_NEXT}"
    )


def _table(rows: list[tuple[str, str]]) -> str:
    return "| | |\n| --- | --- |\n" + "".join(f"| {name} | {text} |\n" for name, text in rows)
