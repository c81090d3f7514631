"""A stereo file as a panorama: frame for frame in its place, sought, looped, ended."""

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

from rt_render.app.cli import app
from rt_render.app.panorama.report import Report, write_report
from rt_render.app.panorama.signals import mix
from rt_render.app.panorama.verdict import Bound
from rt_render.engine.panorama import Panorama
from rt_render.errors import RenderError
from rt_render.io.audio_file import AudioFileReader
from rt_render.io.source_panorama import PanoramaSource
from rt_render.io.source_stream import FrameStream

FS_HZ = 48000


def source_of(path, *, loop=False):
    reader = AudioFileReader(path)
    return PanoramaSource(
        FrameStream(reader, 2, FS_HZ, loop=loop), Panorama(1, FS_HZ), title="song", on_close=reader.close
    )


@pytest.fixture(scope="module")
def song(tmp_path_factory):
    path = tmp_path_factory.mktemp("song") / "song.wav"
    soundfile.write(path, mix(FS_HZ, 2.0, 6.0, 0.6), FS_HZ, subtype="FLOAT")
    return path


def test_a_frame_of_the_file_stays_that_frame_of_the_field(tmp_path):
    clicks = np.zeros((20000, 2), np.float32)
    clicks[[0, 7000, 19999]] = 0.5
    soundfile.write(tmp_path / "clicks.wav", clicks, FS_HZ, subtype="FLOAT")
    source = source_of(tmp_path / "clicks.wav")
    field = source.read(50000)
    assert len(field) == source.n_frames == 20000
    np.testing.assert_allclose(field[:, 0], clicks[:, 0] * np.sqrt(2), atol=1e-4)
    assert not len(source.read(10))
    source.close()


def test_any_split_of_the_reads_gives_the_same_frames(song):
    whole = source_of(song).read(96000)
    split = source_of(song)
    parts = [split.read(n) for n in (1, 999, 0, 30000, 64000, 5000)]
    np.testing.assert_array_equal(np.concatenate(parts), whole)


@pytest.mark.parametrize("frame", [0, 1, 12345, 60000, 95999])
def test_reads_behind_a_seek_equal_a_straight_read(song, frame):
    source = source_of(song)
    whole = source.read(96000)
    source.seek(frame)
    sought = source.read(96000)
    assert len(sought) == 96000 - frame
    assert np.abs(sought - whole[frame:]).max() < 1e-3 * np.abs(whole).max()


def test_a_loop_has_no_end(song):
    source = source_of(song, loop=True)
    assert source.n_frames is None
    assert source.lap_frames == 96000
    assert len(source.read(200000)) == 200000


def test_a_file_that_fails_on_the_way_ends_there():
    class Failing:
        n_frames, lap_frames = 10000, None

        def __init__(self):
            self.left = 6000

        def read(self, n_frames):
            n_frames = min(n_frames, self.left)
            self.left -= n_frames
            return np.full((n_frames, 2), 0.1, np.float32)

        def seek(self, frame):
            self.left = 6000 - frame

    source = PanoramaSource(Failing(), Panorama(1, FS_HZ), title="cut")
    assert sum(len(source.read(700)) for _ in range(20)) == 6000


def test_the_report_tells_of_a_file_and_refuses_what_is_not_stereo(tmp_path, song):
    report = write_report(tmp_path / "told", file=song)
    (found,) = report.found
    assert found.largest_db < 1.0
    assert all(bound.ok for bound in report.verdict if bound.unit != "×"), "speed is the machine's"
    page = (tmp_path / "told" / "panorama.md").read_text(encoding="utf-8")
    assert "| song.wav |" in page and "dB (at most 1) ok" in page
    assert (tmp_path / "told" / "panorama.png").stat().st_size > 10000
    soundfile.write(tmp_path / "mono.wav", np.zeros(100), FS_HZ)
    with pytest.raises(RenderError, match="has 1 channel"):
        write_report(tmp_path / "no", file=tmp_path / "mono.wav")


def test_a_figure_that_is_missed_says_so_and_the_command_fails(tmp_path, song, monkeypatch):
    least, most = Bound("from", 44.0, 45.0, "°", least=True), Bound("fold", 1.01, 1.0, "dB")
    assert least.words == "44.00 ° (at least 45) MISSED" and most.words == "1.01 dB (at most 1) MISSED"
    monkeypatch.setattr("rt_render.app.panorama.report.write_report", lambda *_, **__: Report([], [most]))
    done = CliRunner().invoke(app, ["panorama-report", str(song), "-o", str(tmp_path / "told")])
    assert done.exit_code == 1 and "fold: 1.01 dB (at most 1) MISSED" in done.stdout
