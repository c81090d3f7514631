"""Files appear whole under their name or not at all."""

import resource
import subprocess
import sys
import wave
from contextlib import suppress

import numpy as np
import pytest
import soundfile
from scipy.io import wavfile

from rt_render.app.settings import Source
from rt_render.app.source_opening import open_item
from rt_render.errors import ConfigurationError, RenderError
from rt_render.io.wav_writer import OutputFileError, WavWriter

SOUND = np.random.default_rng(5).uniform(-1, 1, (5000, 2)).astype(np.float32)


def write_in_pieces(path, sound=SOUND, subtype=None, **options):
    with WavWriter(path, 48000, sound.shape[1], subtype, **options) as writer:
        for piece in np.array_split(sound, 7):
            writer.write(piece)
            assert not path.exists() or options.get("force")
    return path


@pytest.mark.parametrize("name", ["a.wav", "a.w64", "a.rf64", "a.caf"])
@pytest.mark.parametrize("n_channels", [1, 2, 64])
def test_float_frames_come_back_bit_for_bit(tmp_path, name, n_channels):
    sound = np.resize(SOUND, (777, n_channels))
    path = write_in_pieces(tmp_path / name, sound)
    back, fs_hz = soundfile.read(path, dtype="float32", always_2d=True)
    np.testing.assert_array_equal(back, sound)
    assert fs_hz == 48000
    assert [p.name for p in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("subtype", ["FLOAT", "PCM_16", "PCM_24", "PCM_32"])
def test_a_small_wav_is_plain_wav_that_other_readers_understand(tmp_path, subtype):
    path = write_in_pieces(tmp_path / "a.wav", subtype=subtype)
    assert path.read_bytes()[:4] == b"RIFF"
    fs_hz, samples = wavfile.read(path)
    assert (fs_hz, samples.shape) == (48000, SOUND.shape)
    expected = soundfile.read(path, dtype="float64")[0]
    if subtype == "FLOAT":
        np.testing.assert_array_equal(samples, SOUND)
    else:
        np.testing.assert_allclose(samples / 2.0 ** (8 * samples.dtype.itemsize - 1), expected, atol=1e-9)
        with wave.open(str(path)) as plain:
            assert (plain.getnchannels(), plain.getnframes()) == (2, len(SOUND))
    np.testing.assert_allclose(expected, SOUND, atol=2.0**-14)


def test_an_odd_number_of_bytes_is_padded_as_riff_asks(tmp_path):
    path = write_in_pieces(tmp_path / "odd.wav", SOUND[:333, :1], subtype="PCM_24")
    assert path.stat().st_size % 2 == 0
    assert len(wavfile.read(path)[1]) == 333


def test_equal_sound_makes_equal_bytes(tmp_path):
    one = write_in_pieces(tmp_path / "one.wav")
    two = write_in_pieces(tmp_path / "two.wav")
    assert one.read_bytes() == two.read_bytes()


def test_a_wav_beyond_4_gib_stays_rf64(tmp_path):
    from rt_render.io.wav_header import settle_as_plain_wav

    path = tmp_path / "long.wav"
    soundfile.write(path, SOUND, 48000, format="RF64", subtype="FLOAT")
    head = path.read_bytes()[:80]
    with path.open("r+b") as file:
        file.truncate(2**32 + 1000)  # sparse: takes no room
    settle_as_plain_wav(path)
    with path.open("rb") as file:
        assert file.read(80) == head


def test_flac_is_written_with_24_bits_and_refuses_what_it_cannot_hold(tmp_path):
    path = write_in_pieces(tmp_path / "a.flac")
    np.testing.assert_allclose(soundfile.read(path)[0], SOUND, atol=2.0**-22)
    with pytest.raises(ConfigurationError, match="at most 8 channels, and these are 9"):
        WavWriter(tmp_path / "b.flac", 48000, 9)
    with pytest.raises(ConfigurationError, match="PCM_24"):
        WavWriter(tmp_path / "b.flac", 48000, 2, "FLOAT")
    with pytest.raises(ConfigurationError, match=r"\.wav"):
        WavWriter(tmp_path / "b.mp4", 48000, 2)


def test_pcm_beyond_full_scale_is_clipped_not_wrapped(tmp_path):
    path = write_in_pieces(tmp_path / "a.wav", 3 * SOUND, subtype="PCM_16")
    np.testing.assert_allclose(soundfile.read(path)[0], np.clip(3 * SOUND, -1, 1), atol=2.0**-14)


def test_a_taken_name_is_refused_and_kept_unless_forced(tmp_path):
    path = write_in_pieces(tmp_path / "a.wav")
    before = path.read_bytes()
    with pytest.raises(OutputFileError, match="--force"):
        WavWriter(path, 48000, 2)
    assert path.read_bytes() == before
    write_in_pieces(path, SOUND[:10], force=True)
    assert soundfile.info(path).frames == 10


def test_an_interrupted_run_leaves_nothing_under_the_final_name(tmp_path):
    path = tmp_path / "a.wav"
    with suppress(KeyboardInterrupt), WavWriter(path, 48000, 2) as writer:
        writer.write(SOUND)
        raise KeyboardInterrupt
    assert [p.name for p in tmp_path.iterdir()] == ["a.wav.partial"]
    assert soundfile.info(tmp_path / "a.wav.partial").frames == len(SOUND)


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(OutputFileError, match="no folder"):
        WavWriter(tmp_path / "absent" / "a.wav", 48000, 2)


FULL_DISK = """
import resource, signal, sys
import numpy as np
from pathlib import Path
from rt_render.io.wav_writer import OutputFileError, WavWriter
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
writer = WavWriter(Path(sys.argv[1]), 48000, 2)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    for _ in range(100):
        writer.write(np.ones((1000, 2), np.float32))
except OutputFileError as error:
    sys.stdout.write(str(error))
"""


@pytest.mark.skipif(not hasattr(resource, "RLIMIT_FSIZE"), reason="needs a file size limit")
def test_a_disk_that_takes_no_more_is_told_and_the_partial_file_named(tmp_path):
    path = tmp_path / "a.wav"
    done = subprocess.run([sys.executable, "-c", FULL_DISK, path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "a.wav.partial" in done.stdout and "disk is full" in done.stdout and "\n" not in done.stdout
    assert not path.exists() and path.with_name("a.wav.partial").exists()


def test_output_errors_are_meant_for_people():
    assert issubclass(OutputFileError, RenderError)


@pytest.mark.parametrize(
    ("name", "n_channels"),
    [("a.flac", 4), *((name, n) for name in ("a.wav", "a.rf64", "a.w64", "a.caf") for n in (4, 9, 16))],
)
def test_a_field_that_was_written_is_read_as_a_field(tmp_path, name, n_channels):
    sound = np.resize(SOUND, (3000, n_channels))
    source = open_item(str(write_in_pieces(tmp_path / name, sound)), Source(), 48000)
    assert "ambix" in source.notes[0]
    np.testing.assert_allclose(source.read(4000), sound, atol=0.0 if name != "a.flac" else 2.0**-22)
    source.close()


def test_a_wav_grows_beyond_4_gib_while_it_is_written(tmp_path):
    path = tmp_path / "long.wav"
    with WavWriter(path, 48000, 16) as writer:
        writer.write(np.resize(SOUND, (1000, 16)))
        # far ahead without writing what lies between: the file is sparse
        writer._file.seek(70_000_000)
        writer.n_frames = 70_000_000
        writer.write(np.resize(SOUND, (500, 16)))
    assert path.stat().st_size > 2**32
    with path.open("rb") as file:
        assert file.read(4) == b"RF64"
    told = soundfile.info(path)
    assert (told.format, told.subtype, told.frames, told.channels) == ("RF64", "FLOAT", 70_000_500, 16)
    source = open_item(str(path), Source(), 48000)
    assert "ambix" in source.notes[0] and source.n_frames == 70_000_500
    source.seek(69_999_990)
    np.testing.assert_array_equal(source.read(20)[10:], np.resize(SOUND, (500, 16))[:10])
    source.close()
