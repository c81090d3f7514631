"""The public functions: what the command line does, for programs. All run on the caller's thread.

`on_message` gets sentences for people (from several threads while sound plays), `on_progress` a share of the
work, 0 to 1, and its name. Single settings are keywords, named as in a configuration file. Everything a
person can mend is raised as a RenderError, or as a BridgeError where it is about the head tracker.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from rt_render.app.settings import Choices
from rt_render.app.settings_file import load_settings

if TYPE_CHECKING:
    from rt_render.app.decoding import Progress
    from rt_render.app.demonstration import DemoFiles
    from rt_render.app.session import Session, SessionStatus
    from rt_render.engine.engine import Snapshot
    from rt_render.hrtf.decoder import Decoder
    from rt_render.hrtf.verdict import Verdict
    from rt_render.io.machine import Finding
    from rt_render.io.sound_card import DeviceInfo

Say = Callable[[str], None]
Watch = Callable[["Session"], bool]
"""Called some twenty times a second while a session plays; False ends it."""

_DEFAULT_ORDER = 3


def _nobody(text: str) -> None:
    pass


def play(
    input: str | Path | None = None,
    /,
    *,
    config: Path | None = None,
    seconds: float | None = None,
    on_message: Say = _nobody,
    on_progress: "Progress | None" = None,
    watch: Watch | None = None,
    **choices: Unpack[Choices],
) -> "SessionStatus":
    """Play a file or the scene live with the head's pose until it ends, or `watch` says so; tell how it went."""
    from rt_render.app.session import Session, run_session

    settings = load_settings(config, _with_input(choices, input))
    session = Session(settings, seconds=seconds, on_message=on_message, on_progress=on_progress)
    return run_session(session, watch)


def demo(
    *,
    seconds: float = 10.0,
    out: Path = Path("demo.wav"),
    force: bool = False,
    device: str | int = "auto",
    on_message: Say = _nobody,
    on_progress: "Progress | None" = None,
    watch: Watch | None = None,
) -> "DemoFiles":
    """Play the scene to a simulated head, live, and write what was played, a picture and a report of it.

    The files are `out`, and beside it .png and .md; none is overwritten without `force`.
    """
    from rt_render.app.demonstration import demonstrate

    return demonstrate(
        Path(out),
        seconds=seconds,
        force=force,
        device=device,
        on_message=on_message,
        on_progress=on_progress,
        watch=watch,
    )


def render(
    input: str | Path,
    output: Path,
    /,
    *,
    config: Path | None = None,
    seconds: float | None = None,
    on_message: Say = _nobody,
    on_progress: "Progress | None" = None,
    **choices: Unpack[Choices],
) -> "Snapshot":
    """Render a file or the scene to a stereo file, faster than real time, the head moving as `poses` says.

    Equal to what the virtual card plays, bit for bit, at the same block size. Returns the engine's counters.
    """
    from rt_render.app.offline import render_to_file

    settings = load_settings(config, _with_input(choices, input))
    return render_to_file(settings, Path(output), seconds=seconds, on_message=on_message, on_progress=on_progress)


def design(
    output: Path,
    /,
    *,
    config: Path | None = None,
    on_progress: "Progress | None" = None,
    **choices: Unpack[Choices],
) -> "Decoder":
    """Design a decoder and write it as .npz: `filters` (2, n_sh, n_taps) float32 for ACN/SN3D, and `fs_hz`.

    The order is 3 where none is chosen.
    """
    from rt_render.app.decoding import make_decoder
    from rt_render.app.output_names import refuse_overwrite
    from rt_render.hrtf.decoder import export_decoder

    settings = load_settings(config, choices)
    order = _DEFAULT_ORDER if settings.head.order == "auto" else settings.head.order
    refuse_overwrite([Path(output)], settings.output.force)
    decoder = make_decoder(settings.head, order, settings.audio.fs_hz, on_progress)
    export_decoder(decoder, Path(output))
    return decoder


def devices() -> "list[DeviceInfo]":
    """Return the sound cards there are; raises DeviceError without PortAudio."""
    from rt_render.io.sound_card import list_devices

    return list_devices()


def check_sofa(file: Path, *, plot: Path | None = None, fs_hz: int = 48000) -> "Verdict":
    """Return what a SOFA file would sound like, as a verdict, and draw it where `plot` says."""
    from rt_render.hrtf.verdict import judge_head
    from rt_render.io.sofa_file import read_sofa

    head = read_sofa(file)
    verdict = judge_head(head, fs_hz)
    if plot:
        from rt_render.io.verdict_plot import plot_verdict

        plot_verdict(head, verdict, plot)
    return verdict


def doctor() -> "list[Finding]":
    """Return what was found on this machine, each with its fix."""
    from rt_render.io.machine import examine

    return examine()


def bench(parts: Sequence[str] = (), *, on_progress: Say = _nobody) -> dict[str, Any]:
    """Measure this machine: all figures, or those of some parts, such as "speed" or "lock-immunity"."""
    from rt_render.app.benchmarks import run

    return run(list(parts), on_progress)


def _with_input(choices: Choices, input: str | Path | None) -> dict[str, object]:
    return {**choices} if input is None else {**choices, "input": str(input)}
