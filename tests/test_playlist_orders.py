"""Each item of a playlist is decoded at its own order, from where it prevails: the filters change at that frame."""

import numpy as np
import pytest
from playlist_tools import noise, playlist_of, write

from rt_render.app.offline import rendered
from rt_render.app.parts import make_parts
from rt_render.app.playlist.timeline import Place, Timeline

N_FFT = 65536


@pytest.fixture(autouse=True)
def _cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))


def test_what_overlaps_prevails_from_the_middle_on_and_what_comes_next_is_told_ahead():
    timeline = Timeline()
    timeline.put(Place(1000, 1, fade_frames=400))
    timeline.put(Place(5000, 2))
    assert [timeline.prevailing(frame, 0).index for frame in (0, 1000, 1199, 1200, 4999, 5000)] == [0, 0, 0, 1, 1, 2]
    assert [timeline.prevailing(frame, 300).index for frame in (0, 899, 900, 1200, 4699, 4700)] == [0, 0, 1, 1, 1, 2]
    timeline.end_with(timeline.at(1100))
    assert timeline.prevailing(1000, 0).index == 1 and timeline.prevailing(9999, 0).index == 1


def through(field, filters):
    spectrum = np.fft.rfft(field[:, : filters.shape[1]], N_FFT, axis=0)
    return np.stack([np.fft.irfft((spectrum * np.fft.rfft(ear, N_FFT).T).sum(1), N_FFT) for ear in filters], 1)


@pytest.mark.parametrize("crossfade_s", [0.0, 0.2])
@pytest.mark.parametrize("orders", [(3, 1), (1, 3)])
@pytest.mark.parametrize("degrade", [False, True])
def test_the_filters_change_around_the_joint_and_around_the_middle_of_an_overlap(
    tmp_path, crossfade_s, orders, degrade
):
    files = [write(tmp_path / f"{order}.wav", noise(0.5, (order + 1) ** 2, 0.02)) for order in orders]
    choices = {"loudness_lufs": "off", "crossfade_s": crossfade_s, "block_size": 64, "degrade": degrade}
    settings = playlist_of(*files, **choices)
    parts = make_parts(settings, 64, seconds=0.8, on_message=lambda text: None)
    parts.engine.prepare_tap(2.0)
    out = np.concatenate([block.copy() for block in rendered(parts)])[:38400]
    field, decoders = parts.engine.read_tap()[:38400], parts.source.inner.decoders
    parts.source.close()
    before, after = (through(field, decoders.of_order(order).filters)[:38400] for order in orders)
    change = after - before
    joint = 24000 - round(crossfade_s * 24000)

    def share(around, width=120):
        part = slice(around - width, around + width)
        return np.sum((out - before)[part] * change[part]) / np.sum(change[part] ** 2)

    assert share(joint - 700) == pytest.approx(0.0, abs=1e-3)
    assert share(joint) == pytest.approx(0.5, abs=0.12)
    assert share(joint + 700) == pytest.approx(1.0, abs=1e-3)
