"""A playlist as a source: gapless, faded at equal power, equally loud, and going on past what is broken."""

import os

import numpy as np
import pytest
import soundfile
from playlist_tools import FS_HZ, noise, playlist_of, read_all, write
from scipy.signal import fftconvolve

from rt_render.app.decoding import make_decoder
from rt_render.app.playlist import playlist_source
from rt_render.app.playlist.announcer import announcer
from rt_render.app.playlist.heard_loudness import Heard, HeardLoudness, all_of
from rt_render.app.playlist.opening import open_playlist
from rt_render.app.playlist.playlist_source import PlaylistSource
from rt_render.app.playlist.transport import PlaylistTransport
from rt_render.app.source_opening import open_item
from rt_render.errors import ConfigurationError, InputFileError
from rt_render.io.loudness_meter import LoudnessMeter

SILENCE = Heard(None, -200.0, whole=True)


@pytest.fixture(autouse=True)
def _cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))


def opened(*paths, **choices):
    return open_playlist(playlist_of(*paths, **{"loudness_lufs": "off", **choices}))


@pytest.mark.parametrize("n_frames", [64, 1999, 100_000])
def test_two_halves_of_a_file_equal_the_whole_sample_by_sample(tmp_path, n_frames):
    field = noise(0.5, 9)
    halves = write(tmp_path / "1.wav", field[:7777]), write(tmp_path / "2.wav", field[7777:])
    source = opened(*halves)
    np.testing.assert_array_equal(read_all(source, n_frames), field.astype(np.float32))
    source.close()


def test_a_list_that_loops_has_no_gap_either_and_an_item_repeats_without_one(tmp_path):
    field = noise(0.1, 4).astype(np.float32)
    source = opened(write(tmp_path / "a.wav", field), tmp_path / "a.wav", loop=True)
    np.testing.assert_array_equal(source.read(5 * 4800), np.tile(field, (5, 1)))
    source.close()
    (tmp_path / "list.toml").write_text('[[item]]\nfile = "a.wav"\nrepeat = 3\n')
    source = opened(tmp_path / "list.toml")
    np.testing.assert_array_equal(read_all(source), np.tile(field, (3, 1)))
    source.close()


def test_what_fades_across_keeps_its_power(tmp_path):
    ones = np.ones((9600, 4))
    source = opened(
        *(write(tmp_path / f"{k}.wav", ones * level) for k, level in enumerate((0.5, 0.25))), crossfade_s=0.1
    )
    out = read_all(source, 1000)
    source.close()
    assert len(out) == 2 * 9600 - 4800
    np.testing.assert_array_equal(out[:4800], np.float32(0.5))
    np.testing.assert_array_equal(out[9600:], np.float32(0.25))
    phase = (np.arange(4800) + 0.5) / 4800 * np.pi / 2
    np.testing.assert_allclose(out[4800:9600, 0], 0.5 * np.cos(phase) + 0.25 * np.sin(phase), atol=1e-6)


def test_unlike_sounds_that_fade_across_are_as_loud_together_as_each_alone(tmp_path):
    files = [write(tmp_path / f"{k}.wav", noise(2, 4, seed=k)) for k in (1, 2)]
    source = opened(*files, crossfade_s=1.0)
    out = read_all(source)
    source.close()
    levels_db = 20 * np.log10(np.sqrt(np.mean(out.reshape(-1, 4800, 4) ** 2, axis=(1, 2))) / 0.1)
    assert np.abs(levels_db).max() < 0.3


def test_a_fade_is_never_longer_than_half_of_an_item_and_not_finite_samples_stay_where_they_are(tmp_path):
    short = np.ones((1000, 4))
    broken = np.full((9600, 4), np.nan)
    source = opened(write(tmp_path / "1.wav", broken), write(tmp_path / "2.wav", short), crossfade_s=5.0)
    out = read_all(source)
    source.close()
    assert len(out) == 9600 + 500 and np.isnan(out[:9100]).all()
    assert np.isfinite(out[9100:]).all() and out[-1, 0] == 1.0


def test_items_of_all_kinds_rates_and_layouts_are_equally_loud_at_the_ears(tmp_path):
    kinds = [
        ("a.wav", noise(1.5, 2, 0.2), FS_HZ),
        ("b.flac", noise(1.5, 1, 0.02, fs_hz=44100), 44100),
        ("c.wav", noise(1.5, 4, 0.05), FS_HZ),
        ("d.wav", noise(1.5, 16, 0.1, fs_hz=32000), 32000),
        ("e.wav", noise(1.5, 6, 0.01), FS_HZ),
        ("f.ogg", noise(1.5, 2, 0.1, fs_hz=22050), 22050),
    ]
    for name, frames, fs_hz in kinds:
        write(tmp_path / name, frames, fs_hz)
    source = open_playlist(playlist_of(tmp_path))
    out = read_all(source)
    source.close()
    assert source.order == 7 and len(out) == 6 * 72000
    head = playlist_of(tmp_path).head
    ears = {order: HeardLoudness(order, FS_HZ, make_decoder(head, order, FS_HZ).filters) for order in (1, 3, 7)}

    class Part:
        fs_hz = FS_HZ

        def __init__(self, field):
            self.field, self.at = field, 0

        def seek(self, frame):
            self.at = frame

        def read(self, n):
            self.at += n
            return self.field[self.at - n : self.at]

    levels = []
    for k, order in enumerate(source.orders):
        part = out[k * 72000 : (k + 1) * 72000]
        assert not part[:, (order + 1) ** 2 :].any()
        levels.append(ears[order].measure(Part(part[:, : (order + 1) ** 2]), all_of(72000), whole=True).lufs)
    assert source.orders == [7, 7, 1, 3, 7, 7]
    np.testing.assert_allclose(levels, -23.0, atol=0.3)


def test_heard_loudness_agrees_with_filters_applied_by_numpy(tmp_path):
    filters = np.random.default_rng(2).normal(0, 0.05, (2, 4, 64))
    field = noise(2, 4)
    source = open_item(str(write(tmp_path / "a.wav", field)), playlist_of("scene").source, FS_HZ)
    heard = HeardLoudness(1, FS_HZ, filters).measure(source, all_of(96000), whole=True)
    meter = LoudnessMeter(FS_HZ)
    ears = np.stack([sum(fftconvolve(field[:, n], ear[n])[:96000] for n in range(4)) for ear in filters], 1)
    meter.add(ears)
    assert heard.lufs == pytest.approx(meter.lufs(), abs=0.05)
    assert heard.peak_dbfs == pytest.approx(20 * np.log10(np.abs(ears).max()), abs=0.01) and heard.whole


def test_what_was_measured_is_kept_until_the_file_changes(tmp_path, monkeypatch):
    file = write(tmp_path / "a.wav", noise(1, 4))
    open_playlist(playlist_of(file, file)).close()
    measured = []
    monkeypatch.setattr(HeardLoudness, "measure", lambda self, *_, **__: measured.append(1) or SILENCE)
    open_playlist(playlist_of(file, file)).close()
    assert not measured
    os.utime(file, (1, 1))
    open_playlist(playlist_of(file, file)).close()
    assert measured


def test_broken_items_are_named_and_left_out(tmp_path):
    field = noise(0.2, 4).astype(np.float32)
    good = [write(tmp_path / f"good {k}.wav", field) for k in range(2)]
    text, empty, cut, odd = (tmp_path / f"{name}.wav" for name in ("text", "empty", "cut", "odd"))
    text.write_text("this is not a sound")
    empty.write_bytes(b"")
    cut.write_bytes(good[0].read_bytes()[:5000])
    write(odd, noise(0.1, 11))
    scene = tmp_path / "objects.toml"
    scene.write_text('[[object]]\nsignal = "noise"\n')
    gone = tmp_path / "gone.wav"
    source = opened(text, good[0], empty, cut, odd, scene, gone, "live", text, good[1])
    np.testing.assert_array_equal(read_all(source), np.tile(field, (2, 1)))
    source.close()
    told = [note for note in source.notes if "is left out" in note]
    assert [note.split()[1] for note in told] == ["1", "3", "4", "5", "6", "7", "8", "9"]
    assert all(note.endswith(".") or "; " in note for note in told)
    for name in ("text.wav", "empty.wav", "cut.wav", "odd.wav", "objects.toml", "gone.wav"):
        assert any(name in note for note in told), name


@pytest.mark.skipif(os.name == "nt", reason="there a drive is one")
def test_names_that_are_no_files_of_this_machine_are_left_out_with_the_true_reason(tmp_path):
    write(tmp_path / "good.wav", noise(0.1, 4))
    (tmp_path / "list.m3u").write_text("http://radio.example/x.mp3\nD:\\x.wav\nlive\ngood.wav\n")
    source = opened(tmp_path / "list.m3u")
    read_all(source)
    source.close()
    told = [note for note in source.notes if "is left out" in note]
    assert "http://radio.example/x.mp3 is an address on the network" in told[0]
    assert "D:\\x.wav lies on a drive of a Windows computer" in told[1]
    assert "live input cannot be an item of a playlist" in told[2] and len(told) == 3
    with pytest.raises(InputFileError, match="is an address on the network"):
        open_item("https://radio.example/x.mp3", playlist_of("scene").source, FS_HZ)


def test_a_folder_says_at_once_what_it_leaves_out(tmp_path):
    write(tmp_path / "good.wav", noise(0.1, 4))
    (tmp_path / "cover.jpg").touch()
    source = opened(tmp_path)
    source.close()
    assert any("is left out: cover.jpg" in note for note in source.notes)


def test_a_list_of_which_nothing_can_be_played_is_refused_or_is_silent_and_tries_again(tmp_path, monkeypatch):
    missing = tmp_path / "later.wav", tmp_path / "never.wav"
    with pytest.raises(InputFileError, match="nothing of this playlist can be played"):
        opened(*missing)
    monkeypatch.setattr(playlist_source, "RETRY_S", 0.1)
    source = opened(*missing, loop=True, order=1)
    assert not source.read(4800).any()
    assert sum("silence, and another try" in note for note in source.notes) == 1
    field = noise(0.1, 4).astype(np.float32)
    write(missing[0], field)
    np.testing.assert_array_equal(source.read(14400)[-4800:], field)
    source.close()


def test_a_file_that_is_cut_while_it_plays_fades_and_the_list_goes_on(tmp_path):
    files = [write(tmp_path / f"{k}.wav", np.full((96000, 4), 0.5)) for k in range(2)]
    source = opened(*files)
    first = source.read(4800)
    os.truncate(files[0], 300_000)
    rest = read_all(source)
    source.close()
    out = np.concatenate([first, rest])
    assert 96000 < len(out) < 2 * 96000
    assert any("0.wav ended at" in note for note in source.notes)
    np.testing.assert_array_equal(out[-96000:], 0.5)
    # the first one fades out, and no sample jumps but where the next begins
    jumps = np.flatnonzero(np.abs(np.diff(out[:, 0])) > 0.01)
    assert len(jumps) == 1


def test_seeking_returns_to_what_was_played_and_an_item_can_be_placed_anywhere(tmp_path):
    fields = [noise(0.5, 4, seed=k).astype(np.float32) for k in range(3)]
    source = opened(*(write(tmp_path / f"{k}.wav", field) for k, field in enumerate(fields)))
    source.read(30000)
    source.seek(26000)
    np.testing.assert_array_equal(source.read(1000), fields[1][2000:3000])
    source.seek(1000)
    np.testing.assert_array_equal(source.read(24000), np.concatenate(fields[:2])[1000:25000])
    source.seek(source.place(2, 1))
    np.testing.assert_array_equal(source.read(99999), fields[2])
    assert len(source.read(10)) == 0
    source.seek(source.place(1, 1))
    np.testing.assert_array_equal(source.read(30000), np.concatenate(fields[1:])[:30000])
    source.close()


class Player:
    """Hears a playlist as far as it was read, and winds as a session does."""

    def __init__(self, source: PlaylistSource) -> None:
        self.source, self.frame, self.said = source, 0, []
        self.transport = PlaylistTransport(source, lambda: self.frame, self.wind, self.said.append)

    def wind(self, frame_of):
        self.frame = frame_of()
        self.source.seek(self.frame)
        self.source.read(100)

    def number(self):
        return self.transport.moment().number


def test_next_and_previous_move_past_what_is_broken_and_say_where_one_is(tmp_path):
    files = [write(tmp_path / f"item {k}.wav", noise(0.5, 4)) for k in (1, 2, 3)]
    files[1].write_text("broken")
    source = opened(*files)
    player = Player(source)
    source.read(100)
    source._ahead.take()  # now it is known that item 2 is broken
    assert player.transport.moment().text == "1 of 3: item 1 · then item 3"
    player.transport.next()
    assert player.number() == 3 and player.transport.moment().next_title is None
    player.transport.next()
    assert player.said == ["this is the last item of the playlist"] and player.number() == 3
    player.transport.previous()
    assert player.number() == 1
    player.transport.previous()
    assert player.number() == 1
    player.transport.play(3)
    player.transport.seek(0.25)
    moment = player.transport.moment()
    assert (moment.number, moment.position_frames, moment.length_frames) == (3, 12000, 24000)
    assert moment.n_broken == 1
    with pytest.raises(ConfigurationError, match="1 to 3"):
        player.transport.play(4)
    source.close()


@pytest.mark.parametrize("crossfade_s", [0.0, 1.0])
def test_no_seek_leaves_the_item_though_the_next_one_is_being_read(tmp_path, crossfade_s):
    first, second = noise(10, 1), noise(3, 1)
    source = opened(
        *(write(tmp_path / f"{k}.wav", part) for k, part in enumerate((first, second))), crossfade_s=crossfade_s
    )
    player = Player(source)
    source.read(round(11 * FS_HZ))  # the reader is in the second item
    player.frame = 5 * FS_HZ
    assert player.transport.moment().length_frames == 10 * FS_HZ
    for wanted_s in (15.0, 9.9):
        player.transport.seek(wanted_s)
        moment = player.transport.moment()
        assert (moment.number, moment.position_frames) == (1, round((8 - crossfade_s) * FS_HZ))
    player.transport.seek(0.5)
    assert player.transport.moment().position_frames == FS_HZ // 2
    source.close()


def test_what_comes_next_is_never_known_to_be_broken(tmp_path):
    files = [write(tmp_path / f"{k}.wav", noise(0.1, 1)) for k in range(4)]
    source = opened(*files)
    transport = Player(source).transport
    source.read(100)
    source.broken.update((1, 2))
    assert transport.moment().next_title == "3"
    source.broken.add(3)
    assert transport.moment().next_title is None
    source.loop = True
    assert transport.moment().next_title == "0"
    source.close()


def test_items_are_told_once_each_and_not_before_they_are_heard(tmp_path):
    source = opened(*(write(tmp_path / f"{k}.wav", noise(0.1, 1)) for k in "abc"))
    heard_frame, said = 0, []
    look = announcer(source, lambda: heard_frame, said.append)
    look()
    read_all(source)
    assert not said and not any("of 3:" in note for note in source.notes)
    for heard_frame, n_told in ((0, 1), (4799, 1), (4800, 2), (4900, 2), (14400, 3), (14500, 3)):  # noqa: B007
        look()
        assert len(said) == n_told
    assert [text[:9] for text in said] == ["1 of 3: a", "2 of 3: b", "3 of 3: c"]
    heard_frame = source.place(0, 1)
    source.seek(heard_frame)
    look()
    assert said[3].startswith("1 of 3: a")
    source.close()
    assert announcer(open_item(str(tmp_path / "a.wav"), playlist_of("scene").source, FS_HZ), int, said.append) is None


def test_a_list_that_loops_goes_round_in_both_directions(tmp_path):
    source = opened(*(write(tmp_path / f"{k}.wav", noise(0.1, 4)) for k in (1, 2, 3)), loop=True)
    player = Player(source)
    source.read(100)
    player.transport.previous()
    assert player.number() == 3
    player.transport.next()
    assert player.number() == 1
    source.close()


def test_titles_come_from_the_list_or_from_the_files_tags(tmp_path):
    tagged = tmp_path / "b.flac"
    with soundfile.SoundFile(tagged, "w", FS_HZ, 2) as file:
        file.title, file.artist = "Rain", "The Weather"
        file.write(noise(0.2, 2))
    write(tmp_path / "a.wav", noise(0.2, 4))
    (tmp_path / "list.m3u8").write_text("#EXTM3U\n#EXTINF:1,First one\na.wav\n\nb.flac\n", encoding="utf-8")
    source = opened(tmp_path / "list.m3u8")
    read_all(source)
    source.close()
    assert source.titles == ["First one", "The Weather – Rain"]
