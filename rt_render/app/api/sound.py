"""What sounds: `play`, `demo` and `render`."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

from rt_render.app.api.calls import HEAD_FILES, Say, bridge_errors_as_ours, config_file, nobody
from rt_render.app.settings import Choices
from rt_render.app.settings_file import as_path, load_settings
from rt_render.errors import ConfigurationError

if TYPE_CHECKING:
    from rt_render.app.decoding import Progress
    from rt_render.app.demonstration import DemoFiles
    from rt_render.app.rendered import Rendered
    from rt_render.app.session import Session
    from rt_render.app.session_status import SessionStatus

Watch = Callable[["Session"], bool]
"""Called some twenty times a second while a session plays; False ends it."""

_RENDERED_FILES = ("input", "layout", *HEAD_FILES, "poses")


def play(
    input: str | Path | Sequence[str | Path] | None = None,
    /,
    *,
    config: str | Path | None = None,
    seconds: float | None = None,
    on_message: Say = nobody,
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
    with bridge_errors_as_ours():
        settings = load_settings(config, _with_input(choices, input), find_files=(*_RENDERED_FILES, "tracker"))
        record, audio = settings.output.record, settings.audio
        check_live_alone(settings)
        check_panorama(settings)
        if record:
            check_sound_file(record, settings, config_file(config))
        check_log_file(settings, config_file(config))
        check_field_file(settings, record, config_file(config))
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
    on_message: Say = nobody,
    on_progress: "Progress | None" = None,
    watch: Watch | None = None,
) -> "DemoFiles":
    """Play the scene to a simulated head, live, and write what was played, a picture and a report of it.

    `seconds`: 0.5 to 600. The files are `out` (.wav), and beside it .png and .md; none is overwritten without
    `force`. An interrupt (Ctrl-C) while it sounds finishes them too, and `interrupted` is set. Raises RenderError.
    """
    from rt_render.app.demonstration import demonstrate

    with bridge_errors_as_ours():
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
    on_message: Say = nobody,
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
    with bridge_errors_as_ours():
        settings = load_settings(config, _with_input(choices, input), find_files=_RENDERED_FILES)
        path = as_path(output, "output")
        check_sound_file(path, settings, config_file(config))
        check_field_file(settings, path, config_file(config))
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


def _with_input(choices: Choices, input: str | Path | Sequence[str | Path] | None) -> dict[str, object]:
    if not input:
        return {**choices}
    if isinstance(input, str | Path):
        return {**choices, "input": input}
    first, *further = input
    return {**choices, "input": first, **({"further": [str(path) for path in further]} if further else {})}
