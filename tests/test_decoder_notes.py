"""What is said about a head and an equaliser before they sound."""

from dataclasses import replace

import numpy as np
import pytest
import soundfile
from sofa_writer import write_sofa

from rt_render.app import api
from rt_render.app.decoding import make_decoder
from rt_render.app.settings import Head
from rt_render.errors import ConfigurationError, InputFileError
from rt_render.hrtf.heads import kemar


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    for name in ("XDG_CACHE_HOME", "LOCALAPPDATA", "HOME"):
        monkeypatch.setenv(name, str(tmp_path / "cache"))


def made(**head):
    said = []
    decoder = make_decoder(Head(order=1, method="ls", **head), 1, 48000, on_message=said.append)
    return decoder, said


def test_nothing_is_said_about_a_head_that_comes_with_the_project():
    assert made(head="KEMAR")[1] == [] and made(head="sphere")[1] == []


def test_every_note_about_a_file_is_a_sentence_with_its_name(tmp_path):
    odd = replace(kemar(), hrirs=4 * kemar().hrirs[:, ::-1])
    _, said = made(head=str(write_sofa(tmp_path / "odd.sofa", odd)))
    assert all(text.startswith("odd.sofa: ") and "\n" not in text for text in said)
    assert "swapped" in said[0]
    told = " ".join(said)
    for part in ("normalised by -12.0 dB", "resampled to 48000 Hz", "the largest hole"):
        assert part in told


def test_a_refused_head_or_an_unknown_name_does_not_play(tmp_path):
    with pytest.raises(InputFileError, match="constant offset"):
        made(head=str(write_sofa(tmp_path / "dc.sofa", replace(kemar(), hrirs=kemar().hrirs + 0.5))))
    with pytest.raises(ConfigurationError, match="kemar, kemar-df, sphere"):
        made(head="ku100")


def test_a_head_that_is_played_softer_says_so(tmp_path):
    comb = np.zeros(200)
    comb[::25] = 1.0
    ringing = replace(kemar(), hrirs=np.apply_along_axis(np.convolve, 2, kemar().hrirs, comb))
    decoder, said = made(head=str(write_sofa(tmp_path / "ringing.sofa", ringing)))
    assert decoder.attenuation_db > 0
    assert f"{decoder.head} is played {decoder.attenuation_db:.1f} dB softer, so that it cannot clip" in said


def test_an_equaliser_file_that_does_nothing_changes_nothing_and_nothing_is_said(tmp_path):
    for fs_hz in (48000, 44100):
        soundfile.write(tmp_path / "dirac.wav", 0.5 * np.eye(1000, 1), fs_hz)
        plain, (same, said) = made()[0], made(headphone_eq=tmp_path / "dirac.wav")
        assert said == [] and np.abs(same.filters - plain.filters).max() < 1e-6 * np.abs(plain.filters).max()


def test_an_equaliser_that_loses_something_in_the_taps_says_what(tmp_path):
    (tmp_path / "bass.txt").write_text("Filter 1: ON PK Fc 60 Hz Gain 9 dB Q 3\n")
    _, (told,) = made(headphone_eq=tmp_path / "bass.txt")
    assert told.startswith("bass.txt: cut to 256 taps, this equaliser changes by -") and "more taps" in told
    assert not any("cut to" in text for text in made(headphone_eq=tmp_path / "bass.txt", taps=4096)[1])


def test_design_hands_the_notes_through(tmp_path):
    path = write_sofa(tmp_path / "k.sofa", kemar())
    said = []
    api.design(tmp_path / "d.npz", head=str(path), method="ls", taps=64, order=1, on_message=said.append)
    assert "k.sofa: measured at 44100 Hz, resampled to 48000 Hz" in said
