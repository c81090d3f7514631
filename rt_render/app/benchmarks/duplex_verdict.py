"""What of a count's breaks JACK explains: whole periods, no more than it or the player missed."""

from collections.abc import Iterator
from dataclasses import dataclass

from rt_render.app.benchmarks.counted import Counted


@dataclass(frozen=True, slots=True)
class Verdict:
    """`whole`: no frame is missing or comes twice but with periods that were missed; `no_drift`: nor in sum.

    `unexplained`: what cannot be laid to them, in words.
    """

    whole: bool
    no_drift: bool
    unexplained: list[str]


def judge(counted: Counted, period_frames: int, missed_periods: int) -> Verdict:
    """Hold a count against the periods that JACK's clients missed in the same time, of so many frames each."""
    allowed_frames = missed_periods * period_frames
    unexplained = list(_odd_breaks(counted, period_frames))
    n_breaks = len(counted.jumps) + len(counted.silences)
    if n_breaks > missed_periods:
        unexplained.append(f"breaks at {n_breaks} places, and {missed_periods} periods were missed")
    silent_frames = sum(n for _, n in counted.silences)
    if silent_frames > allowed_frames:
        unexplained.append(f"{silent_frames} frames of silence, and the missed periods have {allowed_frames}")
    if not counted.n_frames:
        unexplained.append("no frame came through")
    whole = not unexplained
    drifts = abs(counted.drift_frames) > allowed_frames or counted.drift_frames % period_frames != 0
    if drifts:
        unexplained.append(f"a drift of {counted.drift_frames} frames, and the missed periods have {allowed_frames}")
    return Verdict(whole, counted.n_frames > 0 and not drifts, unexplained)


def _odd_breaks(counted: Counted, period_frames: int) -> Iterator[str]:
    """Breaks that are no whole number of periods; a silence that still lasts may be of any length."""
    for at, n in counted.jumps:
        if n % period_frames:
            yield f"{abs(n)} frames {'lost' if n > 0 else 'come twice'} at frame {at}"
    for at, n in counted.silences:
        if n % period_frames and at + n < counted.n_frames:
            yield f"{n} frames of silence at frame {at}"
