"""Whatever is wrong with an input: a sentence says so, and nothing is heard that is not in it."""

import os
import re

import numpy as np
import pytest
import soundfile

from rt_render.app import api
from rt_render.errors import RenderError
from rt_render.io import audio_file

FS_HZ = 48000
FIELD = np.random.default_rng(1).uniform(-0.2, 0.2, (FS_HZ // 4, 4)).astype(np.float32)
QUICK = {
    **{"device": "virtual", "tracker": "none", "method": "ls", "taps": 64, "head": "sphere", "remote_port": 0},
    **{"gain_db": 0.0, "prediction": "off"},
}
WHAT_FOLLOWS_ON = re.compile(r"[;:] ?.+\.$")


def whole(path, field=FIELD, **options):
    soundfile.write(path, field, FS_HZ, **{"subtype": "FLOAT", **options})
    return path.read_bytes()


def play(path, tmp_path, **choices):
    """Play a file; return what both ears got and what was said."""
    said, record = [], tmp_path / "heard.wav"
    status = api.play(str(path), on_message=said.append, record=record, force=True, **{**QUICK, **choices})
    heard, _ = soundfile.read(record, dtype="float32")
    return heard, said, status


def refusal(path):
    with pytest.raises(RenderError) as caught:
        api.play(str(path), **QUICK)
    return str(caught.value)


def unreadable(folder):
    """Files by name, and what must be said of each."""
    wav, flac = whole(folder / "w.wav"), whole(folder / "w.flac", subtype="PCM_16")
    made = {
        "cut.wav": (wav[: len(wav) // 2], "cut short"),
        "cut.flac": (flac[: len(flac) // 2], "cut short"),
        "head.wav": (wav[:30], "cannot be read as audio"),
        "text.wav": (b"Dear reader,\nthis is a letter.\n", "is a text file"),
        "umlaut.wav": ("\u00e4\u00f6\u00fc".encode() * 200, "is a text file"),
        "empty.wav": (b"", "is empty"),
        "film.mp4": (b"\0\0\0\x20ftypisom" + bytes(64), "ffmpeg -i film.mp4 film.converted.wav"),
        "a song.m4a": (b"\0\0\0\x20ftypM4A " + bytes(64), "ffmpeg -i 'a song.m4a' 'a song.converted.wav'"),
        "renamed.wav": (b"\0\0\0\x20ftypM4A " + bytes(64), "MP4 or M4A"),
        "noise.wav": (bytes(range(1, 256)) * 9, "cannot be read as audio"),
    }
    for name, (content, _) in made.items():
        (folder / name).write_bytes(content)
    return {name: said for name, (_, said) in made.items()}


def test_what_cannot_be_played_is_refused_in_a_sentence_with_the_next_step(tmp_path):
    for name, said in unreadable(tmp_path).items():
        text = refusal(tmp_path / name)
        assert name in text and said in text and "\n" not in text, text
        assert WHAT_FOLLOWS_ON.search(text), f"no next step: {text}"


@pytest.mark.parametrize("sync", [b"\xfe\x7f\x01\x80", b"\x72\xf8\x1f\x4e"])
def test_a_coded_stream_that_pretends_to_be_sound_is_refused_and_not_played_as_noise(tmp_path, sync):
    frames = np.frombuffer((sync + bytes(range(1, 253)) * 4) * 40, "<i2").reshape(-1, 2)
    soundfile.write(tmp_path / "disc.wav", frames, 44100)
    assert "in the place of samples; decode it with ffmpeg." in refusal(tmp_path / "disc.wav")


def test_no_frames_and_a_number_of_channels_that_means_nothing_are_told(tmp_path):
    whole(tmp_path / "zero.wav", FIELD[:0])
    assert "holds no audio frames" in refusal(tmp_path / "zero.wav")
    whole(tmp_path / "three.wav", FIELD[:, :3])
    assert "has 3 channels" in refusal(tmp_path / "three.wav")
    whole(tmp_path / "four.wav")
    with pytest.raises(RenderError, match=r"4 channels and layout 7\.1 has 8"):
        api.play(str(tmp_path / "four.wav"), layout="7.1", **QUICK)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.wav")
    assert "not a file on disk" in refusal(tmp_path / "pipe.wav")


def test_a_file_that_may_not_be_read_says_whom_to_ask(tmp_path, monkeypatch):
    (tmp_path / "locked.wav").write_bytes(b"\1\2\3")
    monkeypatch.setattr(audio_file, "_may_read", lambda path: False)  # root may read everything
    assert "permission" in refusal(tmp_path / "locked.wav")


def test_samples_that_are_no_numbers_are_silent_and_counted(tmp_path):
    field = FIELD.copy()
    field[3000:3050] = np.nan
    field[7000, 2] = -np.inf
    whole(tmp_path / "clean.wav", np.nan_to_num(field, nan=0.0, posinf=0.0, neginf=0.0))
    whole(tmp_path / "nan.wav", field)
    expected, _, _ = play(tmp_path / "clean.wav", tmp_path)
    heard, _, status = play(tmp_path / "nan.wav", tmp_path)
    np.testing.assert_array_equal(heard[: len(FIELD)], expected[: len(FIELD)])
    assert status.engine.non_finite == 51


def test_a_file_of_nothing_but_nan_is_silence(tmp_path):
    whole(tmp_path / "nan.wav", np.full((4800, 2), np.nan, np.float32))
    heard, _, status = play(tmp_path / "nan.wav", tmp_path)
    assert not heard.any() and status.engine.non_finite > 0


def test_a_file_that_vanishes_while_it_plays_ends_softly_and_is_told(tmp_path, monkeypatch):
    path, read = tmp_path / "f.wav", audio_file.AudioFileReader.read
    whole(path, 0.3 * np.sin(2 * np.pi * 100 * np.arange(5 * FS_HZ) / FS_HZ))

    def read_what_is_left(reader, n_frames):
        # by the thread that reads, so that however busy the machine is it has not read on
        if FS_HZ < reader._position < 2 * FS_HZ:
            os.truncate(path, 4 * (3 * FS_HZ + 100))  # near the crest of the wave
        return read(reader, n_frames)

    monkeypatch.setattr(audio_file.AudioFileReader, "read", read_what_is_left)
    said, record = [], tmp_path / "heard.wav"
    status = api.play(str(path), on_message=said.append, record=record, **QUICK)
    heard, _ = soundfile.read(record, dtype="float32")
    assert 2.5 * FS_HZ < len(heard) < 3.5 * FS_HZ
    assert any("cut short, removed or damaged" in text for text in said)
    steps = np.abs(np.diff(heard, axis=0, append=0.0)).max(axis=1)
    # a block that a busy machine misses is a step of its own
    assert status.engine.missed_slots or steps.max() < 3 * steps[FS_HZ : 2 * FS_HZ].max()
