"""The public functions: what the command line does, for programs. All run on the caller's thread.

`on_message` gets sentences for people (from several threads while sound plays), `on_progress` a share of the
work, 0 to 1, and its name. Single settings ("choices") are keywords, named as in a configuration file.
Everything a person can mend is raised as a RenderError.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from firmware_bridge.errors import BridgeError
from rt_render.app.settings import Choices
from rt_render.app.settings_file import as_path, files_read, load_settings
from rt_render.conventions import MAX_ORDER
from rt_render.errors import ConfigurationError, TrackerError

if TYPE_CHECKING:
    from rt_render.app.decoding import Progress
    from rt_render.app.demonstration import DemoFiles
    from rt_render.app.latency.result import Latency
    from rt_render.app.rendered import Rendered
    from rt_render.app.selftest.result import SelfTest
    from rt_render.app.session import Session, SessionStatus
    from rt_render.hrtf.decoder import Decoder
    from rt_render.hrtf.verdict import Verdict
    from rt_render.io.machine import Finding
    from rt_render.io.sound_card import DeviceInfo

Say = Callable[[str], None]
Watch = Callable[["Session"], bool]
"""Called some twenty times a second while a session plays; False ends it."""

_DEFAULT_ORDER = 3
_HEAD_FILES = ("head", "headphone_eq")
_RENDERED_FILES = ("input", "layout", *_HEAD_FILES, "poses")


def _nobody(text: str) -> None:
    pass


@contextmanager
def _bridge_errors_as_ours() -> Iterator[None]:
    try:
        yield
    except BridgeError as error:
        raise TrackerError(str(error)) from error


def play(
    input: str | Path | Sequence[str | Path] | None = None,
    /,
    *,
    config: str | Path | None = None,
    seconds: float | None = None,
    on_message: Say = _nobody,
    on_progress: "Progress | None" = None,
    watch: Watch | None = None,
    **choices: Unpack[Choices],
) -> "SessionStatus":
    """Play a file or the scene live with the head's pose until it ends, or `watch` says so; tell how it went.

    `input`: a path, "scene", "live", or several paths, a playlist (None: as the set-up says); `config`: a set-up in
    TOML; `seconds`: at most so long, 0.1 or more. Choices, with what holds where neither they nor the set-up say:
    device="auto", fs_hz=48000, block_size="auto", gain_db="auto", ceiling_db=-1.0, head="kemar", order="auto",
    method="auto", taps=256, headphone_eq=None, convention="ambix", layout="auto", lfe_db=0.0, panorama=False,
    panorama_width_deg=60.0, panorama_height=0.5, loop=False, crossfade_s=0.0, loudness_lufs=-23.0,
    input_device="auto", input_channels="auto", tracker="osc", osc_host="127.0.0.1", osc_port=9000,
    osc_dialect=None, fusion="vqf", mounting=True, invert=(), yaw_only=True, gestures=(),
    auto_recentre_deg_per_s=0.0, hold_s=1.0, ease_s=2.0, outputs=(), record_raw=None, process="own",
    prediction="learnt", prediction_cap_ms=60.0, extra_latency_ms=0.0, degrade=False, poses=None, record=None,
    field=None, log=None, force=False, remote_host="127.0.0.1", remote_port="auto", remote_token=None, web=False,
    web_host="127.0.0.1", web_port=8765, web_token="", web_visitors=False, web_names=(),
    compare=('tracked', 'untracked', 'stereo'), compare_blind=False, compare_log=None. Raises RenderError.
    """
    from rt_render.app.early_checks import (
        check_field_file,
        check_live_alone,
        check_log_file,
        check_panorama,
        check_seconds,
        check_sound_file,
        find_card,
    )
    from rt_render.app.idle_choices import tell_idle
    from rt_render.app.parts import block_note
    from rt_render.app.session import Session, run_session
    from rt_render.app.web.web_page import WebPage

    if seconds is not None:
        check_seconds(seconds)
    with _bridge_errors_as_ours():
        settings = load_settings(config, _with_input(choices, input), find_files=(*_RENDERED_FILES, "tracker"))
        record, audio = settings.output.record, settings.audio
        check_live_alone(settings)
        check_panorama(settings)
        if record:
            check_sound_file(record, settings, _config_file(config))
        check_log_file(settings, _config_file(config))
        check_field_file(settings, record, _config_file(config))
        tell_idle(settings, choices, on_message)
        card = find_card(audio.device, record, on_message)
        settings = settings.model_copy(update={"audio": audio.model_copy(update={"device": card})})
        note = block_note(audio.block_size, audio.fs_hz)
        if note:
            on_message(note)
        with WebPage(settings.web, on_message) as page:
            session = Session(settings, seconds=seconds, on_message=on_message, on_progress=on_progress)
            page.show(session)
            return run_session(session, watch)


def demo(
    *,
    seconds: float = 10.0,
    out: str | Path = "demo.wav",
    force: bool = False,
    device: str | int = "auto",
    on_message: Say = _nobody,
    on_progress: "Progress | None" = None,
    watch: Watch | None = None,
) -> "DemoFiles":
    """Play the scene to a simulated head, live, and write what was played, a picture and a report of it.

    `seconds`: 0.5 to 600. The files are `out` (.wav), and beside it .png and .md; none is overwritten without
    `force`. An interrupt (Ctrl-C) while it sounds finishes them too, and `interrupted` is set. Raises RenderError.
    """
    from rt_render.app.demonstration import demonstrate

    with _bridge_errors_as_ours():
        return demonstrate(
            as_path(out, "out"),
            seconds=seconds,
            force=force,
            device=device,
            on_message=on_message,
            on_progress=on_progress,
            watch=watch,
        )


def render(
    input: str | Path | Sequence[str | Path] | None,
    output: str | Path,
    /,
    *,
    config: str | Path | None = None,
    seconds: float | None = None,
    on_message: Say = _nobody,
    on_progress: "Progress | None" = None,
    **choices: Unpack[Choices],
) -> "Rendered":
    """Render a file, a playlist or the scene to a stereo file, faster than real time, the head moving as `poses` says.

    Equal to what the virtual card plays, bit for bit, at the same block size. Several paths are a playlist.
    `seconds`: at most so long, 0.1 or more; the scene needs it, and so does what loops. With the log of a live
    session as `poses` that session is heard again, sample for sample, and all but `force` is as it was then; `input`
    may be None where the log knows the file. Choices, with what holds where neither they nor the set-up say:
    fs_hz=48000, block_size="auto" (128), gain_db="auto", ceiling_db=-1.0, head="kemar", order="auto", method="auto",
    taps=256, headphone_eq=None, convention="ambix", layout="auto", lfe_db=0.0, panorama=False,
    panorama_width_deg=60.0, panorama_height=0.5, loop=False, crossfade_s=0.0, loudness_lufs=-23.0, poses=None,
    field=None, force=False. Returns the engine's counters, and of a log whether it is heard again; raises
    RenderError.
    """
    from rt_render.app.early_checks import (
        check_field_file,
        check_not_live,
        check_panorama,
        check_replay,
        check_seconds,
        check_sound_file,
    )
    from rt_render.app.idle_choices import tell_idle
    from rt_render.app.offline import render_to_file
    from rt_render.app.rendered import Rendered
    from rt_render.io.pose_log_file import is_pose_log

    if seconds is not None:
        check_seconds(seconds)
    with _bridge_errors_as_ours():
        settings = load_settings(config, _with_input(choices, input), find_files=_RENDERED_FILES)
        path = as_path(output, "output")
        check_sound_file(path, settings, _config_file(config))
        check_field_file(settings, path, _config_file(config))
        log = settings.tracking.poses
        if log and is_pose_log(log):
            from rt_render.app.replay import replay_to_file

            check_replay(log, {**_with_input(choices, input), "seconds": seconds})
            source = None if not input else settings.source.input
            return replay_to_file(
                log, path, input=source, force=settings.output.force, on_message=on_message, on_progress=on_progress
            )
        if not input and "input" not in settings.source.model_fields_set:
            raise ConfigurationError('nothing to render: name a sound file, or "scene" with seconds.')
        check_not_live(settings)
        check_panorama(settings)
        tell_idle(settings, choices, on_message)
        return Rendered(render_to_file(settings, path, seconds=seconds, on_message=on_message, on_progress=on_progress))


def design(
    output: str | Path,
    /,
    *,
    config: str | Path | None = None,
    on_message: Say = _nobody,
    on_progress: "Progress | None" = None,
    **choices: Unpack[Choices],
) -> "Decoder":
    """Design a decoder and write it as .npz: `filters` (2, n_sh, n_taps) float32 for ACN/SN3D, and `fs_hz`.

    Choices, with what holds where neither they nor the set-up say: order=3, head="kemar", method="auto", taps=256,
    fs_hz=48000, headphone_eq=None, force=False. Raises RenderError.
    """
    from rt_render.app.decoding import make_decoder
    from rt_render.app.output_names import refuse_overwrite
    from rt_render.hrtf.decoder import export_decoder

    if choices.get("order") == "auto":
        raise ConfigurationError(
            f'order = "auto" is the order of what is played, and a decoder alone has none: choose 0 to {MAX_ORDER}.'
        )
    settings = load_settings(config, choices, find_files=_HEAD_FILES)
    heads = {key: path for key, path in files_read(settings).items() if key in _HEAD_FILES}
    order = _DEFAULT_ORDER if settings.head.order == "auto" else settings.head.order
    path = as_path(output, "output")
    if path.suffix.lower() != ".npz":
        raise ConfigurationError(f"{path} cannot be written: give it a name that ends in .npz.")
    refuse_overwrite([path], settings.output.force, [*heads.values(), *_config_file(config)])
    decoder = make_decoder(settings.head, order, settings.audio.fs_hz, on_progress, on_message)
    export_decoder(decoder, path)
    return decoder


def devices() -> "list[DeviceInfo]":
    """Return the sound cards there are, also those that only record; raises DeviceError without PortAudio."""
    from rt_render.io.sound_card import list_devices

    return list_devices(inputs=True)


def check_sofa(file: str | Path, *, plot: str | Path | None = None, fs_hz: int = 48000) -> "Verdict":
    """Return what a SOFA file would sound like at a rate, as a verdict, and draw it where `plot` says ."""
    from rt_render.app.output_names import refuse_overwrite
    from rt_render.hrtf.verdict import judge_head
    from rt_render.io.sofa_file import read_sofa

    path, picture = as_path(file, "file"), as_path(plot, "plot") if plot is not None else None
    fs_hz = load_settings(None, {"fs_hz": fs_hz}).audio.fs_hz
    if picture:
        refuse_overwrite([picture], True, [path])
    head = read_sofa(path)
    verdict = judge_head(head, fs_hz)
    if picture:
        from rt_render.io.verdict_plot import plot_verdict

        plot_verdict(head, verdict, picture)
    return verdict


def selftest(
    *,
    config: str | Path | None = None,
    picture: str | Path | None = None,
    on_message: Say = _nobody,
    on_progress: "Progress | None" = None,
    **choices: Unpack[Choices],
) -> "SelfTest":
    """Play a known field through every link of the chain, and through all of it live, and judge what both ears hear.

    `picture`: the PNG to write. Choices: order=3, head="kemar", method="auto", taps=256, fs_hz=48000,
    block_size="auto", tracker="osc", osc_dialect=None, fusion="vqf", invert=(). Raises RenderError.
    """
    from rt_render.app.output_names import refuse_overwrite
    from rt_render.app.selftest.run import self_test

    with _bridge_errors_as_ours():
        settings = load_settings(config, choices, find_files=_HEAD_FILES)
        path = as_path(picture, "picture") if picture is not None else None
        if path:
            refuse_overwrite([path], True, [*files_read(settings).values(), *_config_file(config)])
        result = self_test(settings, on_message=on_message, on_progress=on_progress or (lambda share, text: None))
    if path:
        from rt_render.app.selftest.picture import draw_self_test

        draw_self_test(result, path)
    return result


def latency(
    *,
    steps: int = 200,
    rate_hz: float = 200.0,
    cable: int | str | None = None,
    out: str | Path | None = None,
    config: str | Path | None = None,
    on_message: Say = _nobody,
    on_progress: "Progress | None" = None,
    **choices: Unpack[Choices],
) -> "Latency":
    """Measure how long it takes from a movement to its sound, live, beside what the program itself claims.

    `steps`: 10 to 10000; `rate_hz`: of the wearable, 10 to 1000; `cable`: the input that a cable leads to from a
    sound card; `out`: a page to write (.md), its picture (.png) beside it. Choices: device="auto", fs_hz=48000,
    block_size="auto", order=3, head="kemar", prediction="off" (whatever the set-up has; "constant" or "learnt"),
    prediction_cap_ms=60.0. Raises RenderError.
    """
    from rt_render.app.latency.asked import check, measured_settings
    from rt_render.app.latency.measure import measure_latency

    check(steps, rate_hz)
    with _bridge_errors_as_ours():
        chosen: Choices = {"prediction": "off", **choices}
        settings = measured_settings(load_settings(config, chosen, find_files=_HEAD_FILES), on_message)
        page = as_path(out, "out") if out is not None else None
        if page:
            from rt_render.app.output_names import refuse_overwrite

            refuse_overwrite([page, page.with_suffix(".png")], True, [*files_read(settings).values()])
        found = measure_latency(
            settings, n_steps=steps, rate_hz=rate_hz, cable=cable, on_message=on_message, on_progress=on_progress
        )
    if page:
        from rt_render.app.latency.picture import draw_latency
        from rt_render.app.latency.words import write_page

        draw_latency(found, page.with_suffix(".png"))
        write_page(found, page, page.with_suffix(".png"))
    return found


def doctor() -> "list[Finding]":
    """Return what was found on this machine, each with its fix."""
    from rt_render.io.machine import examine

    return examine()


def bench(
    parts: Sequence[str] = (),
    *,
    seconds: float | None = None,
    recordings: Sequence[str | Path] = (),
    page: str | Path | None = None,
    picture: str | Path | None = None,
    force: bool = False,
    minutes: float | None = None,
    order: int | None = None,
    days: float | None = None,
    on_progress: Say = _nobody,
) -> dict[str, Any]:
    """Measure this machine: all figures but the soak, or those of some parts, such as "speed", "tracker" or "soak".

    `seconds`: how long the tracker is measured, 20 by default; `recordings`: files of motion with its truth, to be
    predicted beside the simulated heads; `page`: a page of the prediction's figures to write (.md), its picture (.png)
    beside it, over what is there with `force`; `picture`: of an object's jump, to write (.png) likewise; `minutes` and
    `order` of the soak, 60 and 5 by default, or of the duplex run, 10, or of the booth's soak, 60, or so many `days`.
    Raises RenderError.
    """
    from rt_render.app.benchmarks import run

    files = [as_path(recording, "recordings") for recording in recordings]
    wanted = None if page is None else as_path(page, "page")
    if wanted is not None:
        from rt_render.app.output_names import refuse_overwrite

        if parts and "prediction" not in parts:
            raise ConfigurationError("a page tells of the prediction: name this part too, or leave out the page.")
        refuse_overwrite([wanted, wanted.with_suffix(".png")], force, files)
    drawn = None if picture is None else as_path(picture, "picture")
    if drawn is not None:
        from rt_render.app.output_names import refuse_overwrite

        if parts and "objects" not in parts:
            raise ConfigurationError("a picture tells of objects: name this part too, or leave out the picture.")
        refuse_overwrite([drawn], force, files)
    with _bridge_errors_as_ours():
        found = run(
            list(parts), on_progress, seconds=seconds, recordings=files, minutes=minutes, order=order, days=days
        )
    if wanted is not None:
        from rt_render.app.benchmarks.prediction_page import write_prediction_page
        from rt_render.app.benchmarks.prediction_picture import draw_prediction

        draw_prediction(found, wanted.with_suffix(".png"))
        write_prediction_page(found, wanted, wanted.with_suffix(".png"))
    if drawn is not None:
        from rt_render.app.benchmarks.objects_picture import draw_jump

        draw_jump(found, drawn)
    return found


def _with_input(choices: Choices, input: str | Path | Sequence[str | Path] | None) -> dict[str, object]:
    if not input:
        return {**choices}
    if isinstance(input, str | Path):
        return {**choices, "input": input}
    first, *further = input
    return {**choices, "input": first, **({"further": [str(path) for path in further]} if further else {})}


def _config_file(config: str | Path | None) -> list[Path]:
    return [] if config is None else [as_path(config, "config")]
