"""What a file's channels are taken for, and that each arrives in the field from its speaker's direction."""

import struct

import numpy as np
import pytest
import soundfile

from rt_render.ambisonics.layouts import LAYOUTS
from rt_render.app.settings import Source
from rt_render.app.source_opening import open_item
from rt_render.errors import ConfigurationError, InputFileError

NOISE = np.random.default_rng(8).uniform(-0.5, 0.5, (6000, 16)).astype(np.float32)
SURROUND_MASK, SIDES_MASK, WIDE_MASK = 0x3F, 0x60F, 0x2D63F


def sound(path, n_channels, fs_hz=48000, **options):
    soundfile.write(path, NOISE[:, :n_channels], fs_hz, **options)
    return str(path)


def masked(path, n_channels, mask):
    """A float WAV of the extensible format, as Microsoft describes it."""
    data = NOISE[:, :n_channels].tobytes()
    sub_format = struct.pack("<H", 3) + bytes.fromhex("000000001000800000AA00389B71")
    head = struct.pack("<HHIIHHHHI", 0xFFFE, n_channels, 48000, 192000 * n_channels, 4 * n_channels, 32, 22, 32, mask)
    body = b"WAVEfmt " + struct.pack("<I", 40) + head + sub_format + b"data" + struct.pack("<I", len(data)) + data
    path.write_bytes(b"RIFF" + struct.pack("<I", len(body)) + body)
    return str(path)


def with_tag(path, tag):
    """Write a comment into a FLAC file: a metadata block after the first."""
    content = path.read_bytes()
    first_end = 4 + 4 + int.from_bytes(content[5:8], "big")
    comment = struct.pack("<I", 0) + struct.pack("<I", 1) + struct.pack("<I", len(tag)) + tag
    block = b"\x04" + len(comment).to_bytes(3, "big") + comment
    path.write_bytes(content[:first_end] + block + content[first_end:])
    return str(path)


def note_of(name, **wanted):
    source = open_item(name, Source(**wanted), 48000)
    source.close()
    return source.notes[0]


def test_the_files_own_mask_says_which_channel_is_where(tmp_path):
    path = tmp_path / "f.wav"
    assert "5.1, by the file's own mask: 1 FL 30°, 2 FR -30°, 3 FC 0°, 4 LFE everywhere, 5 BL 110°" in note_of(
        masked(path, 6, SURROUND_MASK)
    )
    assert "5 SL 110°, 6 SR -110°" in note_of(masked(path, 6, SIDES_MASK))
    assert "7.1.4, by the file's own mask" in note_of(masked(path, 12, WIDE_MASK))
    assert "5 BL 135°, 6 BR -135°, 7 SL 90°" in note_of(masked(path, 12, WIDE_MASK))
    assert "quad, by the file's own mask" in note_of(masked(path, 4, 0x33))


@pytest.mark.parametrize(("n_channels", "mask"), [(4, 0x33), (4, 0x603)])
def test_speakers_that_may_be_a_field_hint_at_it_unless_it_was_said_what_they_are(tmp_path, n_channels, mask):
    path = masked(tmp_path / "f.wav", n_channels, mask)
    for layout, hinted in (("auto", True), ("quad", False), ("ambix", False)):
        source = open_item(path, Source(layout=layout), 48000)
        source.close()
        assert any("if its channels are a field, say so with --layout ambix" in note for note in source.notes) == hinted


def test_speakers_that_cannot_be_a_field_do_not_hint_at_one(tmp_path):
    for n_channels in (1, 2, 6, 12):
        source = open_item(sound(tmp_path / "f.wav", n_channels), Source(), 48000)
        source.close()
        assert not any("ambix" in note for note in source.notes)


def test_a_mask_that_names_too_few_speakers_is_not_believed(tmp_path):
    assert "5.1, as is usual" in note_of(masked(tmp_path / "f.wav", 6, 0x7))
    assert "order 1, ambix" in note_of(masked(tmp_path / "f.wav", 4, 0))


@pytest.mark.parametrize(("n_channels", "order"), [(4, 1), (9, 2), (16, 3)])
def test_the_mask_of_programs_that_do_not_know_makes_no_speakers_of_a_field(tmp_path, n_channels, order):
    assert f"order {order}, ambix" in note_of(masked(tmp_path / "f.wav", n_channels, (1 << n_channels) - 1))
    path = tmp_path / "f.flac"
    if n_channels <= 8:
        sound(path, n_channels)
        tagged = with_tag(path, b"WAVEFORMATEXTENSIBLE_CHANNEL_MASK=0x000F")
        assert f"order {order}, ambix" in note_of(tagged)


@pytest.mark.parametrize("mask", [0x0, 0x1, 0x2, 0x4, 0x8, 0x200])
def test_one_channel_is_mono_in_front_whatever_its_mask(tmp_path, mask):
    assert "1 channel → mono" in note_of(masked(tmp_path / "f.wav", 1, mask))
    assert "1 FC 0°" in note_of(masked(tmp_path / "f.wav", 1, mask))


def test_a_mask_decides_the_order_of_a_layout_that_is_named_and_only_of_it(tmp_path):
    path = masked(tmp_path / "f.wav", 8, 0x63F)
    assert "5 BL 135°" in note_of(path, layout="7.1")
    assert "order 1, ambix" in note_of(path, layout="ambix")
    with pytest.raises(ConfigurationError, match=r"8 channels and layout 5\.1 has 6"):
        note_of(path, layout="5.1")


def test_formats_with_rules_are_read_by_them(tmp_path):
    assert "4 LFE everywhere, 5 BL 110°" in note_of(sound(tmp_path / "f.flac", 6))
    assert "5 BL 135°, 6 BR -135°, 7 SL 90°" in note_of(sound(tmp_path / "f.flac", 8))
    assert "2 FC 0°, 3 FR -30°, 4 BL 110°, 5 BR -110°, 6 LFE everywhere" in note_of(sound(tmp_path / "f.ogg", 6))
    opus = sound(tmp_path / "o.ogg", 6, subtype="OPUS")
    assert "2 FC 0°, 3 FR -30°" in note_of(opus)


def test_a_flac_file_may_carry_a_mask(tmp_path):
    path = tmp_path / "f.flac"
    sound(path, 4)
    assert "ambix" in note_of(str(path))
    note = note_of(with_tag(path, b"WAVEFORMATEXTENSIBLE_CHANNEL_MASK=0x0107"))
    assert "1 FL 30°, 2 FR -30°, 3 FC 0°, 4 BC 180°" in note


@pytest.mark.parametrize(
    ("n_channels", "said"),
    [
        (1, "1 channel → mono, as is usual"),
        (2, "2 channels → stereo"),
        (4, "order 1, ambix"),
        (6, "5.1"),
        (8, "7.1"),
        (9, "order 2, ambix"),
        (10, "5.1.4"),
        (12, "7.1.4"),
        (16, "order 3, ambix"),
    ],
)
def test_without_a_word_of_the_file_its_number_of_channels_decides(tmp_path, n_channels, said):
    source = open_item(sound(tmp_path / "f.wav", n_channels), Source(), 48000)
    assert said in source.notes[0] and any("--layout" in note for note in source.notes) == (n_channels != 9)
    assert source.order == (7 if "ambix" not in said else {4: 1, 9: 2, 16: 3}[n_channels])


@pytest.mark.parametrize("n_channels", [3, 5, 7, 11, 15])
def test_channels_that_could_be_anything_are_refused_in_a_sentence(tmp_path, n_channels):
    path = sound(tmp_path / "f.wav", n_channels)
    with pytest.raises(InputFileError, match=f"f.wav has {n_channels} channels.*--layout"):
        open_item(path, Source(), 48000)
    open_item(path, Source(layout="ambix"), 48000).close()


def test_an_amb_file_is_no_ambix_as_a_rule_and_that_is_said(tmp_path):
    path = sound(tmp_path / "f.amb", 4, format="WAV")
    source = open_item(path, Source(), 48000)
    assert any("--convention fuma" in note for note in source.notes)
    source.close()


def test_a_convention_that_is_named_means_a_field(tmp_path):
    assert "order 0, fuma" in note_of(sound(tmp_path / "f.wav", 1), convention="fuma")


@pytest.mark.parametrize("name", list(LAYOUTS))
def test_each_channel_arrives_as_a_wave_from_its_speaker(tmp_path, name):
    layout = LAYOUTS[name]
    path = sound(tmp_path / "f.wav", len(layout.speakers), subtype="FLOAT")
    source = open_item(path, Source(layout=name, lfe_db=-4.0), 48000, max_order=4)
    field = source.read(6000)
    expected = NOISE[:, : len(layout.speakers)].astype(np.float64) @ layout.encoding_matrix(4, -4.0)
    np.testing.assert_allclose(field, expected, atol=1e-6)
    assert source.order == 4 and field.dtype == np.float32 and field.flags.c_contiguous
    assert any("LFE channel is played at -4 dB" in note for note in source.notes) == any(
        speaker.lfe for speaker in layout.speakers
    )
    source.close()


@pytest.mark.parametrize("fs_hz", [48000, 44100])
def test_any_split_of_the_reads_and_any_seek_gives_the_same_frames(tmp_path, fs_hz):
    path = sound(tmp_path / "f.wav", 12, fs_hz, subtype="FLOAT")
    one, other = (open_item(path, Source(), 48000) for _ in range(2))
    straight = one.read(5000)
    pieces = [other.read(k) for k in (1, 2, 3, 1000, 2048, 0, 1, 1945)]
    np.testing.assert_array_equal(np.concatenate(pieces), straight)
    other.seek(1234)
    np.testing.assert_allclose(other.read(500), straight[1234:1734], atol=3e-6)
    for source in (one, other):
        source.close()


def test_a_file_that_is_cut_while_it_plays_fades_out_without_a_step(tmp_path):
    t_s = np.arange(100_000) / 48000
    path = tmp_path / "f.wav"
    soundfile.write(path, 0.5 * np.sin(2 * np.pi * 100 * t_s), 48000, subtype="FLOAT")
    source = open_item(str(path), Source(), 48000)
    whole = [source.read(1000)]
    with path.open("r+b") as file:
        file.truncate(4 * 30_100)
    while len(frames := source.read(1000)):
        whole.append(frames)
    w = np.concatenate(whole)[:, 0]
    steps = np.abs(np.diff(np.append(w, 0.0)))
    assert 30_000 < len(w) < 30_600 and steps.max() < 0.5 * 2 * np.pi * 100 / 48000 + 0.01
    assert any("cut short, removed or damaged" in note for note in source.notes)
    source.close()


def test_stereo_becomes_a_panorama_when_asked_for_and_other_files_say_that_they_do_not(tmp_path):
    wanted = Source(panorama=True, panorama_width_deg=45.0)
    path = tmp_path / "f.wav"
    source = open_item(sound(path, 2, 44100), wanted, 48000, max_order=3)
    assert (source.order, source.fs_hz, source.title) == (3, 48000, "f")
    assert source.n_frames == -(-6000 * 48000 // 44100)
    assert "panorama" in source.notes[0] and "±45°" in source.notes[0] and "resampled" in source.notes[1]
    whole = source.read(10_000)
    assert whole.shape == (source.n_frames, 16) and np.abs(whole).max() > 0.1
    source.close()
    other = open_item(sound(tmp_path / "g.wav", 4), wanted, 48000)
    assert any("of stereo files only" in note for note in other.notes)
    other.close()


def test_a_panorama_whose_file_is_cut_while_it_plays_ends_and_is_told(tmp_path):
    path = tmp_path / "f.wav"
    soundfile.write(path, np.resize(NOISE, (96_000, 2)), 48000, subtype="FLOAT")
    source = open_item(str(path), Source(panorama=True), 48000, max_order=1)
    assert len(source.read(10_000)) == 10_000
    with path.open("r+b") as file:
        file.truncate(8 * 48_000)
    assert 35_000 < len(source.read(90_000)) < 40_000
    assert any("cut short, removed or damaged" in note for note in source.notes)
    source.close()
