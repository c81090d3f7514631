"""The field before the ears, kept: what it is, and the session from it again, sample for sample."""

import json
import shutil

import numpy as np
import pytest
import soundfile
from engine_tools import make_engine, noise_field, run_to_end
from pose_log_tools import FS_HZ, QUICK, live, wait_blocks, wait_for, write_field

from rt_render.ambisonics.harmonics import real_sh_sn3d
from rt_render.app import api
from rt_render.app.file_hash import file_hash
from rt_render.app.replay import replay_to_file
from rt_render.app.settings_file import load_settings
from rt_render.errors import ConfigurationError, InputFileError
from rt_render.io.pose_log_file import Done, PoseLogReader


def read(path):
    return soundfile.read(path, dtype="float32", always_2d=True)[0]


def write_scene(folder, n=3):
    """Mono noises as moving objects."""
    rng = np.random.default_rng(8)
    entries = []
    for i in range(n):
        soundfile.write(folder / f"{i}.wav", (0.1 * rng.standard_normal(2 * FS_HZ)).astype(np.float32), FS_HZ)
        entries.append(f'[[object]]\nfile = "{i}.wav"\nazimuth_deg = {60 * i}\ndistance_m = {1 + 20 * i}\n')
    path = folder / "scene.toml"
    path.write_text("\n".join(entries))
    return path


def again(tmp_path, **choices):
    """Play the log back; return both files' frames and what was said last."""
    said = []
    replay_to_file(tmp_path / "live.rtlog", tmp_path / "again.wav", force=True, on_message=said.append, **choices)
    return read(tmp_path / "live.wav"), read(tmp_path / "again.wav"), said


@pytest.mark.parametrize("order", [0, 1, 3])
def test_the_tap_brings_the_field_of_every_block_cleaned(order):
    engine, field = make_engine(order, 64), noise_field(1000, order)
    field[100] = np.nan
    engine.prepare_tap(1.0)
    run_to_end(engine, field)
    tapped = engine.read_tap()
    field[100] = 0.0
    np.testing.assert_array_equal(tapped[:1000], field)
    assert not tapped[1000:].any() and len(tapped) % 64 == 0


def test_a_tap_that_nobody_reads_keeps_what_it_has_and_counts_the_rest():
    engine, field = make_engine(1, 64), noise_field(6400, 1)
    engine.prepare_tap(1280 / 48000)
    run_to_end(engine, field)
    np.testing.assert_array_equal(engine.read_tap(), field[:1280])
    assert engine.tap_lost == engine.snapshot().frames - 1280


def test_the_tap_takes_nothing_from_what_is_heard():
    field, engines = noise_field(3000, 2), [make_engine(2, 128) for _ in range(2)]
    engines[0].prepare_tap(1.0)
    np.testing.assert_array_equal(*(run_to_end(engine, field) for engine in engines))


def test_a_session_is_heard_again_from_its_field_with_all_that_a_listener_did(tmp_path):
    def act(session):
        wait_blocks(session, 30)
        session.seek(1.0)
        wait_blocks(session, 20)
        session.set_playing(False)
        wait_blocks(session, 5)
        session.set_playing(True)
        session.seek(0.5)
        wait_blocks(session, 20)

    source, kept = write_field(tmp_path), tmp_path / "kept.wav"
    live(tmp_path, act, input=str(source), field=kept)
    source.unlink()
    heard, twice, said = again(tmp_path)
    assert np.abs(heard).max() > 0.01 and "bit for bit" in said[-1]
    np.testing.assert_array_equal(twice, heard)
    with PoseLogReader(tmp_path / "live.rtlog") as reader:
        done = list(reader.pieces())[-1]
        assert reader.header["field"] == str(kept)
    assert isinstance(done, Done) and done.field == file_hash(kept)


def test_objects_moved_over_osc_are_heard_again_from_the_field_and_not_from_their_scene(tmp_path):
    def act(session):
        for azimuth_deg in (-120.0, 30.0, 175.0):
            wait_blocks(session, 20)
            objects = session.engine.objects
            objects.place(1, [np.cos(np.deg2rad(azimuth_deg)), np.sin(np.deg2rad(azimuth_deg)), 0.0], 2.0)
            objects.publish()
        wait_blocks(session, 20)

    live(tmp_path, act, input=str(write_scene(tmp_path)), field=tmp_path / "kept.wav", order=3)
    heard, twice, said = again(tmp_path)
    assert np.abs(heard).max() > 0.01 and "bit for bit" in said[-1]
    np.testing.assert_array_equal(twice, heard)
    (tmp_path / "kept.wav").unlink()
    heard, twice, said = again(tmp_path)
    assert "not what was heard" in said[-1]


def test_a_field_that_was_moved_is_found_beside_its_log_and_one_that_was_changed_is_told(tmp_path):
    kept = tmp_path / "there" / "kept.wav"
    kept.parent.mkdir()
    live(tmp_path, lambda session: wait_blocks(session, 40), input=str(write_field(tmp_path)), field=kept)
    shutil.move(kept, tmp_path / "kept.wav")
    assert "bit for bit" in again(tmp_path)[2][-1]
    frames = read(tmp_path / "kept.wav")
    frames[1000] += 0.1
    soundfile.write(tmp_path / "kept.wav", frames, FS_HZ, subtype="FLOAT")
    said = again(tmp_path)[2]
    assert "has been changed since" in said[-2] and "not what was heard" in said[-1]
    soundfile.write(tmp_path / "kept.wav", frames[:, :4], FS_HZ, subtype="FLOAT")
    with pytest.raises(InputFileError, match="9 channels at 48000 Hz"):
        again(tmp_path)


def test_render_keeps_the_field_as_long_as_its_source(tmp_path):
    source, kept = write_field(tmp_path), tmp_path / "kept.w64"
    api.render(source, tmp_path / "ears.wav", field=kept, **{k: QUICK[k] for k in ("method", "taps", "head")})
    np.testing.assert_array_equal(read(kept), read(source))


def test_render_makes_a_field_of_a_scene_and_of_speakers(tmp_path):
    quick = {k: QUICK[k] for k in ("method", "taps", "head")}
    frames = 0.1 * np.random.default_rng(1).standard_normal((FS_HZ // 4, 2))
    soundfile.write(tmp_path / "stereo.wav", frames, FS_HZ, subtype="FLOAT")
    api.render(tmp_path / "stereo.wav", tmp_path / "a.wav", field=tmp_path / "speakers.wav", order=2, **quick)
    ways = np.stack([real_sh_sn3d(2, np.deg2rad(deg), 0.0) for deg in (30.0, -30.0)])
    np.testing.assert_allclose(read(tmp_path / "speakers.wav"), frames @ ways, atol=1e-6)
    api.render(write_scene(tmp_path), tmp_path / "b.wav", field=tmp_path / "objects.wav", order=1, seconds=0.5, **quick)
    assert read(tmp_path / "objects.wav").shape == (FS_HZ // 2, 4)
    # what was kept sounds as what it was kept of, but for the air's tail behind the end
    api.render(tmp_path / "objects.wav", tmp_path / "c.wav", **quick)
    n = FS_HZ // 2 - 128
    np.testing.assert_array_equal(read(tmp_path / "c.wav")[:n], read(tmp_path / "b.wav")[:n])


@pytest.mark.parametrize(
    ("choices", "words"),
    [
        ({"field": "f.mp3"}, "allowed endings"),
        ({"field": "f.flac", "log": "l.rtlog"}, "bit for bit: name it .wav"),
        ({"field": "f.wav", "record": "f.wav"}, "two files at once"),
        ({"field": "nowhere/f.wav"}, "no folder"),
        ({"input": "live", "log": "l.rtlog"}, "--field FILE"),
    ],
)
def test_a_field_that_cannot_be_kept_is_refused_before_anything_plays(tmp_path, monkeypatch, choices, words):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigurationError, match=words):
        api.play(choices.pop("input", "scene"), device="virtual", tracker="none", seconds=0.1, **choices)


def test_live_input_is_not_rendered(tmp_path):
    with pytest.raises(ConfigurationError, match="play live --record FILE"):
        api.render("live", tmp_path / "a.wav")


def test_a_log_of_live_input_without_its_field_says_what_is_missing(tmp_path):
    log = tmp_path / "live.rtlog"
    live(tmp_path, lambda session: wait_blocks(session, 5), input=str(write_field(tmp_path)))
    line, rest = log.read_bytes().split(b"\n", 1)
    header = json.loads(line)
    header["settings"]["source"]["input"], header["source"]["hash"] = "live", ""
    for field, words in ((None, "only what was played with --field"), (str(tmp_path / "gone.wav"), "name that file")):
        log.write_bytes(json.dumps({**header, "field": field}).encode() + b"\n" + rest)
        with pytest.raises(InputFileError, match=words):
            again(tmp_path)


def test_a_log_names_its_field_and_none_where_none_was_kept():
    assert load_settings(None, {"field": "a.wav"}).output.field.name == "a.wav"
    assert load_settings().output.field is None


def test_a_disk_that_is_too_slow_for_the_field_is_told(tmp_path):
    def act(session):
        session.engine.read_tap = lambda: np.zeros((0, session.engine.plan.n_sh), np.float32)
        wait_for(lambda: session.engine.tap_lost > 0)

    said = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("rt_render.app.recorder.TAP_S", 0.05)
        said = live(tmp_path, act, input=str(write_field(tmp_path)), field=tmp_path / "kept.wav")
    assert any("kept.wav lacks" in text for text in said)
