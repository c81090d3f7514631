"""Files that cannot be played are refused in one sentence; the others are read as they are."""

import numpy as np
import pytest
import soundfile

from rt_render.errors import InputFileError
from rt_render.io.audio_file import AudioFileReader

RNG = np.random.default_rng(11)
FIELD = RNG.uniform(-0.5, 0.5, (20000, 4)).astype(np.float32)


def write(path, field=FIELD, **options):
    soundfile.write(path, field, 48000, **options)
    return path


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("f.wav", {"subtype": "FLOAT"}),
        ("f.wav", {"format": "WAVEX", "subtype": "FLOAT"}),
        ("f.w64", {"subtype": "FLOAT"}),
        ("f.rf64", {"format": "RF64", "subtype": "FLOAT"}),
        ("f.wav", {"format": "RF64", "subtype": "FLOAT"}),
        ("f.caf", {"subtype": "FLOAT"}),
    ],
)
def test_float_containers_come_back_bit_for_bit(tmp_path, name, options):
    reader = AudioFileReader(write(tmp_path / name, **options))
    assert (reader.fs_hz, reader.n_channels, reader.n_frames) == (48000, 4, 20000)
    np.testing.assert_array_equal(np.concatenate([reader.read(7777) for _ in range(4)]), FIELD)
    reader.seek(12345)
    np.testing.assert_array_equal(reader.read(100), FIELD[12345:12445])
    reader.close()


COMPRESSED = [("f.flac", {"subtype": "PCM_24"}), ("f.ogg", {}), ("f.ogg", {"subtype": "OPUS"})]


@pytest.mark.parametrize(("name", "options"), COMPRESSED)
def test_compressed_files_seek_to_the_sample(tmp_path, name, options):
    reader = AudioFileReader(write(tmp_path / name, np.tile(FIELD, (5, 1)), **options))
    straight = reader.read(100000)
    for frame in (0, 1, 4711, 70000, 90000):
        reader.seek(frame)
        np.testing.assert_array_equal(reader.read(500), straight[frame : frame + 500])
    reader.close()


def broken_files(folder):
    whole = write(folder / "whole.wav", subtype="FLOAT").read_bytes()
    flac = write(folder / "whole.flac").read_bytes()
    made = {
        "text.wav": b"this is a letter, not a sound\n" * 50,
        "nothing.wav": b"",
        "head_only.wav": whole[:30],
        "half.wav": whole[: len(whole) // 2],
        "a_little_less.wav": whole[:-100],
        "no_channels.wav": whole[:22] + b"\0\0" + whole[24:],
        "half.flac": flac[: len(flac) // 2],
        "headerless.raw": b"\1\2\3\4" * 100,
        "unknown.xyz": b"\7\7\7\7" * 100,
    }
    for name, content in made.items():
        (folder / name).write_bytes(content)
    for name, options in (("half.w64", {}), ("half.rf64", {"format": "RF64"}), ("half.caf", {})):
        content = write(folder / name, **options).read_bytes()
        (folder / name).write_bytes(content[: len(content) // 2])
    write(folder / "zero_length.wav", FIELD[:0])
    (folder / "folder.wav").mkdir()
    return [*made, "half.w64", "half.rf64", "half.caf", "zero_length.wav", "folder.wav", "missing.wav"]


def test_every_unplayable_file_is_refused_with_one_sentence_that_names_it(tmp_path):
    for name in broken_files(tmp_path):
        with pytest.raises(InputFileError) as caught:
            AudioFileReader(tmp_path / name)
        text = str(caught.value)
        assert name in text and "\n" not in text and "Traceback" not in text, text
        assert ";" in text, f"no next step: {text}"


def test_a_file_cut_short_says_so(tmp_path):
    broken_files(tmp_path)
    for name in ("half.wav", "a_little_less.wav", "half.flac", "half.w64", "half.rf64"):
        with pytest.raises(InputFileError, match="cut short"):
            AudioFileReader(tmp_path / name)


def test_a_header_of_a_live_recording_that_never_learnt_its_length_is_accepted(tmp_path):
    content = bytearray(write(tmp_path / "f.wav", subtype="FLOAT").read_bytes())
    data = content.index(b"data")
    content[4:8] = content[data + 4 : data + 8] = b"\xff\xff\xff\xff"
    (tmp_path / "pipe.wav").write_bytes(content)
    reader = AudioFileReader(tmp_path / "pipe.wav")
    np.testing.assert_array_equal(reader.read(30000), FIELD)
    reader.close()


def test_a_file_truncated_while_it_is_read_ends_and_tells(tmp_path):
    path = write(tmp_path / "f.wav", subtype="FLOAT")
    reader = AudioFileReader(path)
    start = reader.read(1000)
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2)
    rest = reader.read(30000)
    assert len(rest) < 19000
    np.testing.assert_array_equal(np.concatenate([start, rest]), FIELD[: 1000 + len(rest)])
    assert "0.4 s" in reader.failure
    assert len(reader.read(100)) == 0
    reader.close()
