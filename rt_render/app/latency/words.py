"""A measurement of motion to sound in words: a few lines, a page, an object for programs."""

from dataclasses import asdict
from pathlib import Path

from rt_render import __version__
from rt_render.app.budget import Spread
from rt_render.app.budget_words import budget_markdown
from rt_render.app.latency.movements import STEP, STEPS_A_TURN
from rt_render.app.latency.result import AGREE_MS, AGREE_SHARE, ENOUGH, Kind, Latency
from rt_render.app.words import plural
from rt_render.errors import RenderError


def lines(latency: Latency) -> list[str]:
    """Return what was found, a sentence each: the kinds of movement, the limit, what is to be known, the verdict."""
    found = [_kind_text(kind, latency.prediction) for kind in latency.kinds]
    if latency.limit_ms is not None:
        found.append(_limit_text(latency))
    found.append(f"Heard: {latency.recorded}.")
    if latency.believed:
        found.append(f"Not measured but believed: {latency.believed_ms:.2f} ms, {latency.believed}.")
    if latency.advice:
        found.append(f"Too slow: {latency.advice}.")
    if latency.lost_frames:
        found.append(f"The recording lacks {plural(latency.lost_frames, 'frame')}, at known places.")
    if latency.disturbed != "none":
        found.append(f"Went wrong meanwhile: {latency.disturbed}.")
    return [*found, verdict(latency)]


def verdict(latency: Latency) -> str:
    """Return whether the program's own account can be believed."""
    few = [plural(kind.n_made, kind.name) for kind in latency.kinds if kind.agrees is None]
    too_few = f"{' and '.join(few)} are too few to tell: ask for more --steps, {ENOUGH * STEPS_A_TURN} or more."
    if latency.agrees is None:
        return too_few
    if latency.agrees:
        agreed = f"Claimed and measured agree, within {AGREE_MS:g} ms or {100 * AGREE_SHARE:g} %."
        return f"{agreed} {too_few}" if few else agreed
    kind = next(kind for kind in latency.kinds if kind.agrees is False)
    if not kind.is_found:
        return (
            f"Only {kind.n_heard} of {kind.n_made} {kind.name}s were heard: run it again on a quieter machine, and see "
            "that nothing else plays."
        )
    off_ms = kind.measured.p50_ms - kind.claimed.p50_ms
    if off_ms > 0.0 and latency.believed:
        remedy = f"if a second run finds the same, tell the renderer with `--extra-latency-ms {off_ms:.0f}`."
    else:
        remedy = "run it again on a quieter machine, with more --steps."
    return (
        f"Claimed and measured disagree by {off_ms:+.1f} ms for {kind.name}s: what the live view tells of this device "
        f"is wrong by that; {remedy}"
    )


def as_json_object(latency: Latency) -> dict[str, object]:
    """Return all of it as plain numbers, lists and words.

    `claimed_p50_ms` and `measured_p50_ms` are those of the kind `claimed_of`; `parts` and `total` those of a step.
    """
    return {
        "claimed_of": latency.kinds[0].name,
        "claimed_p50_ms": latency.claimed_p50_ms,
        "measured_p50_ms": latency.measured_p50_ms,
        "agree": latency.agrees,
        "limit_ms": latency.limit_ms,
        "within_limit": None if latency.limit_ms is None else latency.within_limit,
        **asdict(latency.budget),
        "movements": {
            kind.name: {
                "made": kind.n_made,
                "heard": kind.n_heard,
                "claimed": asdict(kind.claimed),
                "measured": asdict(kind.measured),
                "agree": kind.agrees,
            }
            for kind in latency.kinds
        },
        **{name: getattr(latency, name) for name in _TOLD},
        "version": __version__,
    }


_TOLD = (
    *("prediction", "rate_hz", "fs_hz", "block_size", "order", "head", "onset_ms", "device", "wearable", "recorded"),
    *("believed_ms", "believed", "lost_frames", "late_blocks", "disturbed", "advice", "machine"),
)


def write_page(latency: Latency, path: Path, picture: Path) -> None:
    """Write a page of Markdown beside its picture; raises RenderError."""
    rows = "".join(
        f"| {kind.name}s | {kind.n_heard} of {kind.n_made} | {_cells(kind.claimed)} | {_cells(kind.measured)} |\n"
        for kind in latency.kinds
    )
    text = (
        f"# Motion to sound: {latency.measured_p50_ms:z.1f} ms measured, {latency.claimed_p50_ms:z.1f} ms claimed\n\n"
        f"{' '.join(lines(latency))}\n\n"
        f"![Claimed and measured, and the parts]({picture.name})\n\n"
        f"Worn: {latency.wearable}. Played on: {latency.device}. "
        f"Order {latency.order}, {latency.head}, prediction {latency.prediction}.\n\n"
        "| | heard | claimed: median, 95 % below, worst (ms) | measured (ms) |\n| --- | --- | --- | --- |\n"
        f"{rows}\n{budget_markdown(latency.budget, latency.advice)}"
        "How it was measured: a process of its own plays a wearable whose head steps and turns at moments that only it "
        "decides; the bridge, the renderer and the device run live; a sound from the front is recorded behind the "
        "device, and the moment at which the level between the ears has gone half of its way is compared with the "
        f"moment of the movement.\n\n{latency.machine}; rt-render {__version__}.\n"
    )
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise RenderError(f"{path} cannot be written: {error.strerror}; choose another place.") from None


def _kind_text(kind: Kind, prediction: str) -> str:
    what = "Steps, which nobody can foresee" if kind.name == STEP else "Steady turns"
    predicted = ", with prediction" if prediction != "off" else ""
    return (
        f"{what}{predicted}: heard {kind.measured.p50_ms:z.2f} ms after the movement in the median, 95 % within "
        f"{kind.measured.p95_ms:z.2f} ms ({kind.n_heard} of {kind.n_made} found); the program's own account says "
        f"{kind.claimed.p50_ms:z.2f} ms."
    )


def _limit_text(latency: Latency) -> str:
    terms = "half a sensor interval, two blocks, the filters' onset and 2 ms"
    if latency.within_limit:
        return f"The median is within its limit on the virtual card, {latency.limit_ms:.2f} ms: {terms}."
    return (
        f"The median is above its limit on the virtual card, {latency.limit_ms:.2f} ms: {terms}. Run it again on a "
        "quieter machine, with 200 steps or more; `rt-render doctor` tells what holds this one up."
    )


def _cells(spread: Spread) -> str:
    return f"{spread.p50_ms:z.2f}, {spread.p95_ms:z.2f}, {spread.worst_ms:z.2f}"
