"""Choices that do nothing are told, those that contradict each other refused, before anything takes time."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from rt_render.app import api
from rt_render.app.early_checks import check_live_alone, check_panorama
from rt_render.app.idle_choices import tell_idle
from rt_render.app.settings_file import load_settings
from rt_render.errors import ConfigurationError

QUICK = {"method": "ls", "taps": 64, "head": "sphere"}


def sound(path, n_channels):
    soundfile.write(path, np.zeros((480, n_channels)), 48000)
    return str(path)


@pytest.fixture
def files(tmp_path):
    scene, playlist = tmp_path / "scene.toml", tmp_path / "list.m3u"
    scene.write_text('[[object]]\nsignal = "noise"\n')
    names = {f"{n}": sound(tmp_path / f"{n}.wav", n) for n in (2, 4, 6)}
    playlist.write_text("2.wav\n")
    return {**names, "scene": "scene", "live": "live", "objects": str(scene), "playlist": str(playlist)}


def told(input, **choices):
    said = []
    tell_idle(load_settings(None, {**choices, "input": input}), choices, said.append)
    return said


@pytest.mark.parametrize(
    ("what", "choices", "sentence"),
    [
        ("2", {"panorama_width_deg": 45.0}, "--panorama-width does nothing here: it is of a panorama; ask for one"),
        ("2", {"panorama_height": 0.1}, "--panorama-height does nothing here: it is of a panorama"),
        ("2", {"lfe_db": 10.0}, "--lfe-db does nothing here: stereo has no LFE channel."),
        ("4", {"lfe_db": 0.0}, "--lfe-db does nothing here: a field has no LFE channel."),
        ("6", {"lfe_db": 3.0, "layout": "ambix"}, "--lfe-db does nothing here: a field has no LFE channel."),
        ("live", {"lfe_db": 3.0, "layout": "quad"}, "--lfe-db does nothing here: quad has no LFE channel."),
        ("2", {"crossfade_s": 1.0}, "--crossfade-s does nothing here: there is one thing to play, and no playlist."),
        ("live", {"loudness_lufs": -20.0}, "--loudness-lufs does nothing here: there is one thing to play"),
        ("2", {"input_channels": "1,2"}, "--input-channels does nothing here: "),
        ("scene", {"input_device": 3}, "--input-device does nothing here: scene is played, and not live input."),
        (
            "playlist",
            {"input_channels": "1"},
            "--input-channels does nothing here: live input is no part of a playlist",
        ),
        ("live", {"loop": True}, "--loop does nothing here: live input goes on until you end it."),
        ("scene", {"loop": True}, "--loop does nothing here: the built-in scene never ends."),
        ("objects", {"loop": True}, "--loop does nothing here: each object of a scene file"),
        (
            "scene",
            {"panorama": True},
            "--panorama does nothing here: a panorama is made of stereo, and this is a scene.",
        ),
        ("objects", {"layout": "5.1"}, "--layout does nothing here: a scene has no channels"),
        ("scene", {"convention": "fuma"}, "--convention does nothing here: a scene has no channels"),
        ("6", {"layout": "5.1", "convention": "fuma"}, "--convention does nothing here: --layout 5.1 says that"),
    ],
)
def test_a_choice_that_does_nothing_is_told_in_one_sentence(files, what, choices, sentence):
    (said,) = told(files[what], **choices)
    assert said.startswith(sentence) and said.endswith(".")


@pytest.mark.parametrize(
    ("what", "choices"),
    [
        ("2", {"panorama": True, "panorama_width_deg": 45.0, "panorama_height": 0.2, "loop": True, "layout": "stereo"}),
        ("4", {"convention": "fuma", "layout": "ambix"}),
        ("6", {"lfe_db": 10.0}),
        ("6", {"lfe_db": 10.0, "layout": "5.1"}),
        ("live", {"input_device": 1, "input_channels": "1-6", "layout": "5.1", "lfe_db": 4.0, "panorama": False}),
        ("playlist", {"crossfade_s": 1.0, "loop": True, "lfe_db": 4.0, "panorama_width_deg": 40.0, "layout": "stereo"}),
        ("scene", {"loop": False, "panorama": False, "order": 3}),
    ],
)
def test_choices_that_do_something_are_not_talked_of(files, what, choices):
    assert told(files[what], **choices) == []


def test_what_a_set_up_says_for_inputs_of_all_kinds_is_not_talked_of(files, tmp_path):
    (tmp_path / "set.toml").write_text("[source]\nloop = true\ncrossfade_s = 2.0\npanorama_width_deg = 40.0\n")
    said = []
    tell_idle(load_settings(tmp_path / "set.toml", {"input": "scene"}), {}, said.append)
    assert said == []


def test_both_ways_to_the_sound_tell_it(files, tmp_path):
    said = []
    api.render(files["2"], tmp_path / "o.wav", order=1, crossfade_s=1.0, on_message=said.append, **QUICK)
    more = {"device": "virtual", "tracker": "none", "remote_port": 0}
    api.play(files["2"], order=1, input_channels="1", on_message=said.append, **more, **QUICK)
    assert sum("does nothing here" in text for text in said) == 2


@pytest.mark.parametrize("names", [["live", "a.wav"], ["a.wav", "live"], ["live", "live"]])
def test_live_input_beside_anything_else_is_refused_and_not_left_out(names):
    with pytest.raises(ConfigurationError, match=r"live input is played by itself, and .* is named too: leave out one"):
        check_live_alone(load_settings(None, {"input": names[0], "further": names[1:]}))
    with pytest.raises(ConfigurationError, match="live input is played by itself"):
        api.play(names, device="virtual")


def test_a_panorama_without_directions_is_refused(files, tmp_path):
    check_panorama(load_settings(None, {"panorama": True, "order": 1}))
    for function in (lambda **more: api.play(files["2"], **more), lambda **m: api.render(files["2"], "o.wav", **m)):
        with pytest.raises(ConfigurationError, match="order 0, which has no directions: choose order 1 to 7"):
            function(panorama=True, order=0)


@pytest.mark.parametrize("name", ["ears.wav", "./ears.wav", "sub/../ears.wav", "link.wav"])
def test_the_ears_and_the_field_are_never_one_file_by_whatever_name(files, tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    Path("sub").mkdir()
    Path("link.wav").symlink_to("ears.wav")
    for force in (False, True):
        with pytest.raises(ConfigurationError, match="cannot be two files at once: name another file"):
            api.render(files["4"], "ears.wav", field=name, force=force)
        with pytest.raises(ConfigurationError, match="cannot be two files at once: name another file"):
            api.play(files["4"], record="ears.wav", field=name, force=force, device="virtual")
    assert not Path("ears.wav").exists()


def test_a_field_of_too_many_channels_for_its_format_is_refused_before_anything_is_designed(files, tmp_path):
    shares = []
    for order, words in ((None, "at most 8 channels, and these are 64"), (2, "these are 9")):
        with pytest.raises(ConfigurationError, match=f"{words}. Choose a field of --order 1, or .* .wav, .w64 or .caf"):
            api.render(
                files["2"],
                tmp_path / "o.wav",
                field=tmp_path / "f.flac",
                order=order,
                on_progress=lambda share, text: shares.append(text),
                **QUICK,
            )
    assert shares == [] and not list(tmp_path.glob("o.wav*"))
    api.render(files["2"], tmp_path / "o.wav", field=tmp_path / "f.flac", order=1, **QUICK)
    assert soundfile.info(tmp_path / "f.flac").channels == 4


def test_every_file_that_was_written_is_named_at_the_end(files, tmp_path):
    said, kept = [], {key: tmp_path / f"kept.{ending}" for key, ending in (("field", "caf"), ("log", "rtlog"))}
    api.render(files["4"], tmp_path / "o.wav", field=tmp_path / "f.wav", on_message=said.append, **QUICK)
    assert f"{tmp_path / 'f.wav'} is written: the field before the ears." in said
    said.clear()
    more = {"device": "virtual", "tracker": "none", "remote_port": 0, "record": tmp_path / "kept.wav"}
    api.play(files["4"], on_message=said.append, **kept, **more, **QUICK)
    for path in (*kept.values(), more["record"]):
        assert path.is_file() and any(text.startswith(f"{path} is written: ") for text in said)


def test_a_layout_that_is_no_file_is_called_a_layout(files):
    with pytest.raises(ConfigurationError, match=r"there is no layout 22\.2; allowed is .*stereo"):
        api.play(files["2"], layout="22.2", device="virtual")
    with pytest.raises(ConfigurationError, match=r"there is no file no\.toml"):
        api.play(files["2"], layout="no.toml", device="virtual")


def test_one_spoiled_channel_of_a_field_is_told_and_the_others_play(files, tmp_path):
    field = np.full((4800, 4), 0.1)
    field[:, 2] = np.nan
    soundfile.write(tmp_path / "f.wav", field, 48000, subtype="FLOAT")
    said = []
    done = api.render(tmp_path / "f.wav", tmp_path / "o.wav", on_message=said.append, **QUICK)
    assert done.engine.non_finite == 4800 and done.engine.highest_peak > 0.01
    assert '100.0 % of the frames of "f" hold NaN or infinity, silent in its stead.' in said


def test_a_sample_that_is_no_number_is_one_frame_however_many_channels_the_field_has(tmp_path):
    frames = np.full((4800, 2), 0.1)
    frames[1000, 1] = np.nan
    soundfile.write(tmp_path / "s.wav", frames, 48000, subtype="FLOAT")
    for order in (1, 7):
        done = api.render(tmp_path / "s.wav", tmp_path / "o.wav", order=order, force=True, **QUICK)
        assert done.engine.non_finite == 1
