"""The space that stereo becomes is changed while it sounds: wider, higher, or two speakers again."""

import numpy as np
import pytest
import soundfile

from rt_render.app.panorama.space import Space
from rt_render.app.session import Session
from rt_render.app.settings import Source
from rt_render.app.settings_file import load_settings
from rt_render.app.source_opening import open_item
from rt_render.errors import ConfigurationError

FS_HZ = 48000


@pytest.fixture(scope="module")
def song(tmp_path_factory):
    path = tmp_path_factory.mktemp("song") / "song.wav"
    soundfile.write(path, 0.2 * np.random.default_rng(1).standard_normal((2 * FS_HZ, 2)), FS_HZ, subtype="FLOAT")
    return str(path)


def test_switched_off_it_is_the_two_speakers_that_it_would_be_without_from_the_next_beginning_on(song):
    space = Space()
    source = open_item(song, Source(panorama=True), FS_HZ, 2, space)
    speakers = open_item(song, Source(layout="stereo"), FS_HZ, 2)
    wide = source.read(4096)
    space.on = False
    assert np.abs(source.read(4096)).max() > 0
    for frame in (0, 12345, 2 * FS_HZ - 100):
        source.seek(frame)
        speakers.seek(frame)
        np.testing.assert_allclose(source.read(4096), speakers.read(4096), atol=1e-6)
    space.on = True
    source.seek(0)
    np.testing.assert_allclose(source.read(4096), wide, atol=1e-6)
    assert space.used and source.n_frames == 2 * FS_HZ


def test_a_width_set_by_hand_holds_for_what_plays_and_for_what_comes():
    space = Space(Source(panorama_width_deg=45.0))
    assert (space.width_deg, space.height) == (45.0, 0.5) and not space.used
    first = space.make(1, FS_HZ, Source(panorama_width_deg=50.0))
    assert float(first._s["width_rad"]) == pytest.approx(np.deg2rad(50.0))
    space.set(width_deg=80.0)
    later = space.make(1, FS_HZ, Source(panorama_width_deg=50.0, panorama_height=0.2))
    for panorama in (first, later):
        assert float(panorama._s["width_rad"]) == pytest.approx(np.deg2rad(80.0))
    assert float(later._s["height"]) == 0.2 and space.width_deg == 80.0
    assert space.changes == 1
    space.set(width_deg=80.0)
    with pytest.raises(ConfigurationError):
        space.set(width_deg=20.0)
    assert space.changes == 1
    space.on = False
    assert space.changes == 2
    assert space.width_deg == 80.0


def test_the_controls_of_a_panorama_are_there_where_there_is_one(song):
    quick = {"device": "virtual", "tracker": "none", "method": "ls", "head": "sphere", "taps": 64, "order": 1}
    with Session(load_settings(None, {**quick, "input": song, "loop": True, "remote_port": 0})) as session:
        assert "it needs stereo" in session.desk.ask("panorama", 1)
    choices = {**quick, "input": song, "loop": True, "panorama": True, "remote_port": 0}
    with Session(load_settings(None, choices)) as session:
        assert session.desk.state()["values"]["panorama"] is True
        for name, value in (("panorama_width_deg", 33.0), ("panorama_height", 1.0), ("panorama", False)):
            assert session.desk.ask(name, value) is None
        session.desk.work(session)
        values = session.desk.state()["values"]
        assert (values["panorama_width_deg"], values["panorama_height"], values["panorama"]) == (33.0, 1.0, False)
        assert session.engine.snapshot().underruns == 0
