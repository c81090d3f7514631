"""What is found out about this machine, and on it: `devices`, `doctor`, `selftest`, `latency` and `bench`."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from rt_render.app.api.calls import HEAD_FILES, Say, bridge_errors_as_ours, config_file, nobody
from rt_render.app.settings import Choices
from rt_render.app.settings_file import as_path, files_read, load_settings
from rt_render.errors import ConfigurationError

if TYPE_CHECKING:
    from rt_render.app.decoding import Progress
    from rt_render.app.latency.result import Latency
    from rt_render.app.selftest.result import SelfTest
    from rt_render.io.machine import Finding
    from rt_render.io.sound_card import DeviceInfo


def devices() -> "list[DeviceInfo]":
    """Return the sound cards there are, also those that only record; raises DeviceError without PortAudio."""
    from rt_render.io.sound_card import list_devices

    return list_devices(inputs=True)


def doctor() -> "list[Finding]":
    """Return what was found on this machine, each with its fix."""
    from rt_render.io.machine import examine

    return examine()


def selftest(
    *,
    config: str | Path | None = None,
    picture: str | Path | None = None,
    on_message: Say = nobody,
    on_progress: "Progress | None" = None,
    **choices: Unpack[Choices],
) -> "SelfTest":
    """Play a known field through every link of the chain, and through all of it live, and judge what both ears hear.

    `picture`: the PNG to write. Choices: order=3, head="kemar", method="auto", taps=256, fs_hz=48000,
    block_size="auto", tracker="osc", osc_dialect=None, fusion="vqf", invert=(). Raises RenderError.
    """
    from rt_render.app.output_names import refuse_overwrite
    from rt_render.app.selftest.run import self_test

    with bridge_errors_as_ours():
        settings = load_settings(config, choices, find_files=HEAD_FILES)
        path = as_path(picture, "picture") if picture is not None else None
        if path:
            refuse_overwrite([path], True, [*files_read(settings).values(), *config_file(config)])
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
    on_message: Say = nobody,
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
    with bridge_errors_as_ours():
        chosen: Choices = {"prediction": "off", **choices}
        settings = measured_settings(load_settings(config, chosen, find_files=HEAD_FILES), on_message)
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
    on_progress: Say = nobody,
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
    with bridge_errors_as_ours():
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
