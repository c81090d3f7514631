"""How loud an item of a playlist is taken for: never for what only a part of it is, and never with a bang."""

import json

import numpy as np
import pytest
from playlist_tools import FS_HZ, noise, playlist_of, read_all, write
from test_loudness_meter import as_the_norm_says

from rt_render.app.decoding import make_decoder
from rt_render.app.playlist.heard_loudness import Heard
from rt_render.app.playlist.items import Item
from rt_render.app.playlist.loudness import Loudness
from rt_render.app.playlist.loudness_store import LoudnessStore
from rt_render.app.playlist.opening import open_playlist
from rt_render.hrtf.cache import cache_folder


@pytest.fixture(autouse=True)
def _cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))


def soft_then_loud(path, soft_s=2.0):
    """Write a first-order field that is nearly silent, then loud for as long."""
    field = np.concatenate([noise(soft_s, 4, 5e-3), noise(soft_s, 4, 1.0, seed=2)])
    return write(path, field)


def played_gain_db(*paths):
    """Open a playlist, and return the gain in dB at which its first item is played, by what it says of it."""
    source = open_playlist(playlist_of(*paths))
    source.read(64)
    source.close()
    return float(source.timeline.at(0).words.rpartition("played at ")[2].split(" dB")[0])


def item_list(path, **keys):
    rows = "\n".join(f"{key} = {json.dumps(value)}" for key, value in keys.items())
    path.write_text(f"[[item]]\n{rows}\n")
    return path


def test_the_soft_beginning_of_a_file_does_not_stand_for_the_whole_in_a_later_session(tmp_path):
    file = soft_then_loud(tmp_path / "a.wav")
    beginning = item_list(tmp_path / "beginning.toml", file="a.wav", seconds=2.0)
    assert played_gain_db(beginning) > 15
    assert played_gain_db(file) < 0
    assert played_gain_db(beginning) > 15


def test_an_item_that_repeats_is_measured_once_through_to_its_end(tmp_path):
    file = soft_then_loud(tmp_path / "a.wav", soft_s=16.0)  # longer than what an endless source is judged by
    thrice = played_gain_db(item_list(tmp_path / "list.toml", file="a.wav", repeat=3))
    assert thrice < 0 and played_gain_db(file) == pytest.approx(thrice, abs=0.11)


def matched_db(tmp_path, heard, target_lufs=-23.0):
    """Return the gain in dB for an item of which that is known."""
    item = Item(playlist_of("scene").source.model_copy(update={"input": str(tmp_path / "a.wav")}))
    (tmp_path / "a.wav").touch()
    store = LoudnessStore("ears")
    store.save(store.place(item), heard)
    return Loudness([item], None, None, store, target_lufs).match(0, patient=False).gain_db


def test_what_was_not_measured_whole_is_raised_by_20_db_at_most(tmp_path):
    assert matched_db(tmp_path, Heard(-60.0, -50.0, whole=True)) == 37.0
    assert matched_db(tmp_path, Heard(-69.0, -60.0, whole=True)) == 40.0
    assert matched_db(tmp_path, Heard(-60.0, -50.0, whole=False)) == 20.0
    assert matched_db(tmp_path, Heard(None, -200.0, whole=True)) == 0.0
    assert matched_db(tmp_path, Heard(None, -200.0, whole=False)) == -5.0


def test_no_measured_peak_is_raised_above_full_scale(tmp_path):
    assert matched_db(tmp_path, Heard(-50.0, -12.0, whole=True)) == 12.0
    assert matched_db(tmp_path, Heard(-30.0, 3.0, whole=True)) == 0.0
    assert matched_db(tmp_path, Heard(-10.0, 3.0, whole=True)) == -13.0


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"lufs": -60}',
        '{"lufs": NaN, "peak_dbfs": -3, "whole": true}',
        '{"lufs": -1e9, "peak_dbfs": -3, "whole": true}',
        '{"lufs": -60, "peak_dbfs": "x", "whole": true}',
    ],
)
def test_what_lies_in_the_cache_and_makes_no_sense_is_measured_anew(tmp_path, text):
    file = write(tmp_path / "a.wav", noise(1, 4))
    right_db = played_gain_db(file)
    (kept,) = (cache_folder() / "loudness").iterdir()
    kept.write_text(text)
    assert played_gain_db(file) == right_db


def test_a_file_that_changes_while_it_is_measured_is_measured_again(tmp_path, monkeypatch):
    file = write(tmp_path / "a.wav", noise(1, 4, 5e-3))
    soft_db = played_gain_db(file)
    save = LoudnessStore.save
    (kept,) = (cache_folder() / "loudness").iterdir()
    kept.unlink()
    monkeypatch.setattr(
        LoudnessStore, "save", lambda *args: (write(tmp_path / "a.wav", noise(2, 4, 1.0)), save(*args))[-1]
    )
    assert played_gain_db(file) == soft_db
    monkeypatch.undo()
    assert played_gain_db(file) < soft_db - 30


def test_items_are_as_loud_at_the_ears_as_wanted_by_the_norms_own_text(tmp_path):
    """Nothing of the renderer measures here: filters by FFT in float64, BS.1770 by the tables of its text."""
    files = [write(tmp_path / "a.wav", noise(2, 4, 0.02)), write(tmp_path / "b.wav", noise(2, 16, 0.1))]
    files.append(write(tmp_path / "c.flac", noise(2, 2, 0.3)))
    settings = playlist_of(*files)
    source = open_playlist(settings)
    out = read_all(source)
    source.close()
    for k, order in enumerate(source.orders):
        part, filters = out[k * 96000 : (k + 1) * 96000], make_decoder(settings.head, order, FS_HZ).filters
        field = np.fft.rfft(part[:, : filters.shape[1]], 131072, axis=0)
        ears = np.stack([np.fft.irfft((field * np.fft.rfft(ear, 131072).T).sum(1))[:96000] for ear in filters], 1)
        assert as_the_norm_says(ears) == pytest.approx(-23.0, abs=0.1)
