"""The demo: the built-in scene to a simulated head, live; a recording, a picture and a report of it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rt_render.app.decoding import Progress
from rt_render.app.early_checks import card_rate_hz, check_seconds, find_card
from rt_render.app.output_names import refuse_overwrite
from rt_render.app.session import Session, run_session
from rt_render.app.session_status import SessionStatus
from rt_render.app.settings_file import load_settings
from rt_render.app.words import summary
from rt_render.errors import ConfigurationError

_MIN_S, _MAX_S = 0.5, 600.0


@dataclass(frozen=True, slots=True)
class DemoFiles:
    """What a demo has written, how it went in one sentence and in figures, whether it was interrupted."""

    wav: Path
    picture: Path
    report: Path
    summary: str
    interrupted: bool
    status: SessionStatus


def demonstrate(
    wav: Path,
    *,
    seconds: float,
    force: bool,
    device: str | int,
    on_message: Callable[[str], None],
    on_progress: Progress | None,
    watch: Callable[[Session], bool] | None,
) -> DemoFiles:
    """Play for some seconds and write the WAV file, and .png and .md beside it; see `api.demo`.

    An interrupt ends the sound, and all files are of what was played until then; one before the sound passes on.
    """
    check_seconds(seconds, _MIN_S, _MAX_S)
    if wav.suffix.lower() != ".wav":
        raise ConfigurationError(f"{wav} cannot be written: give it a name that ends in .wav.")
    picture, report = wav.with_suffix(".png"), wav.with_suffix(".md")
    refuse_overwrite([wav, picture, report], force)
    card = find_card(load_settings(None, {"device": device}).audio.device, wav, on_message)
    choices = {"device": card, "fs_hz": card_rate_hz(card), "tracker": "simulated", "record": wav, "force": force}
    settings = load_settings(None, choices)
    session = Session(
        settings,
        seconds=seconds,
        on_message=on_message,
        on_progress=on_progress,
    )
    trace = [session.engine.drain_trace()]  # none yet, of the right type
    session.feed.add(trace.append)

    status: SessionStatus | None = None

    def look(session: Session) -> bool:
        nonlocal status
        status = session.status()
        return watch is None or watch(session)

    interrupted = False
    try:
        status = run_session(session, look)
    except KeyboardInterrupt:
        if status is None:
            raise
        interrupted = True
    status = session.ended_with(status)
    from rt_render.app.plots import draw_story  # matplotlib is slow to import: not before the sound
    from rt_render.app.report import write_report
    from rt_render.app.story import tell_story

    story = tell_story(session, status, np.concatenate(trace))
    draw_story(story, picture)
    write_report(story, report, wav, picture)
    return DemoFiles(wav, picture, report, summary(status), interrupted, status)
