"""What ears are made of: `design` and `check_sofa`."""

from pathlib import Path
from typing import TYPE_CHECKING, Unpack

from rt_render.app.api.calls import HEAD_FILES, Say, config_file, nobody
from rt_render.app.settings import Choices
from rt_render.app.settings_file import as_path, files_read, load_settings
from rt_render.conventions import MAX_ORDER
from rt_render.errors import ConfigurationError

if TYPE_CHECKING:
    from rt_render.app.decoding import Progress
    from rt_render.hrtf.decoder import Decoder
    from rt_render.hrtf.verdict import Verdict

_DEFAULT_ORDER = 3


def design(
    output: str | Path,
    /,
    *,
    config: str | Path | None = None,
    on_message: Say = nobody,
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
    settings = load_settings(config, choices, find_files=HEAD_FILES)
    heads = {key: path for key, path in files_read(settings).items() if key in HEAD_FILES}
    order = _DEFAULT_ORDER if settings.head.order == "auto" else settings.head.order
    path = as_path(output, "output")
    if path.suffix.lower() != ".npz":
        raise ConfigurationError(f"{path} cannot be written: give it a name that ends in .npz.")
    refuse_overwrite([path], settings.output.force, [*heads.values(), *config_file(config)])
    decoder = make_decoder(settings.head, order, settings.audio.fs_hz, on_progress, on_message)
    export_decoder(decoder, path)
    return decoder


def check_sofa(file: str | Path, *, plot: str | Path | None = None, fs_hz: int = 48000) -> "Verdict":
    """Return what a SOFA file would sound like at a rate, as a verdict, and draw it where `plot` says."""
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
