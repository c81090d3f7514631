"""What playlists are read as: folders, lists of names, tables; and what is refused with a sentence."""

import os
from pathlib import Path

import pytest

from rt_render.app.playlist.items import items_of
from rt_render.app.settings import Source
from rt_render.app.settings_file import load_settings
from rt_render.errors import ConfigurationError, InputFileError


def names(*inputs):
    return [Path(item.name).name for item in items_of(map(str, inputs), Source())]


def test_a_folder_is_played_as_people_sort_it_and_only_what_sounds(tmp_path):
    for name in ("10 end.wav", "2 b.FLAC", "1 a.ogg", "._1 a.ogg", "notes.txt", "cover.jpg"):
        (tmp_path / name).touch()
    (tmp_path / "deeper").mkdir()
    assert names(tmp_path) == ["1 a.ogg", "2 b.FLAC", "10 end.wav"]


def test_what_a_folder_leaves_out_is_told_in_one_note(tmp_path):
    for name in ("a.wav", ".hidden", "notes.txt", "list.m3u"):
        (tmp_path / name).touch()
    (tmp_path / "deeper.wav").mkdir()
    said = []
    assert [Path(item.name).name for item in items_of([str(tmp_path)], Source(), said.append)] == ["a.wav"]
    assert said == [
        f"of the folder {tmp_path.name} is left out: deeper.wav/, list.m3u, notes.txt; only sound files are played, "
        "and folders within are not looked into"
    ]
    for k in range(4):
        (tmp_path / f"z{k}.txt").touch()
    items_of([str(tmp_path)], Source(), said.append)
    assert "notes.txt, z0.txt, z1.txt and 2 more; " in said[1]


def test_a_folder_that_holds_only_sounds_needs_no_word(tmp_path):
    (tmp_path / "a.wav").touch()
    (tmp_path / ".DS_Store").touch()
    said = []
    items_of([str(tmp_path)], Source(), said.append)
    assert not said


@pytest.mark.skipif(os.name == "nt", reason="there such names are paths")
def test_a_list_from_windows_finds_its_files_and_drives_and_addresses_stay_as_they_are(tmp_path):
    (tmp_path / "f").mkdir()
    (tmp_path / "odd\\name.wav").touch()
    elsewhere = ["C:\\Music\\a.wav", "\\\\server\\share\\a.wav", "https://example.org/a.mp3"]
    lines = ["f\\x.wav", "..\\y.wav", "odd\\name.wav", *elsewhere]
    (tmp_path / "list.m3u").write_text("\n".join(lines))
    found = [item.name for item in items_of([str(tmp_path / "list.m3u")], Source())]
    assert found == [f"{tmp_path}/f/x.wav", f"{tmp_path}/../y.wav", f"{tmp_path}/odd\\name.wav", *elsewhere]
    (tmp_path / "booth.toml").write_text(f"[source]\ninput = '{elsewhere[2]}'\nfurther = ['{elsewhere[0]}', 'live']\n")
    source = load_settings(tmp_path / "booth.toml", find_files=["input"]).source
    assert (source.input, *source.further) == (elsewhere[2], elsewhere[0], "live")


def test_the_scene_may_stand_in_any_list_and_live_is_no_file(tmp_path):
    (tmp_path / "list.m3u").write_text("scene\nlive\n")
    (tmp_path / "list.toml").write_text('[[item]]\nfile = "scene"\n[[item]]\nfile = "live"\n')
    for name in ("list.m3u", "list.toml"):
        assert names(tmp_path / name) == ["scene", "live"]


def test_lists_and_folders_may_stand_between_files(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "x.wav").touch()
    (tmp_path / "list.m3u").write_text("y.wav\n")
    assert names("a.wav", tmp_path / "folder", "scene", tmp_path / "list.m3u") == ["a.wav", "x.wav", "scene", "y.wav"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1"])
def test_an_m3u_names_files_beside_it_in_any_usual_encoding(tmp_path, encoding):
    text = "#EXTM3U\r\n#EXTINF:12,Größe – wirklich\r\nGröße.wav\r\n# a remark\r\n\r\nsub/b.wav\r\n/abs/c.wav\r\n"
    text = text.replace("–", "-")
    (tmp_path / "list.m3u").write_bytes((text + "file:///d%20e.wav\n").encode(encoding))
    items = items_of([str(tmp_path / "list.m3u")], Source())
    assert [item.name for item in items] == [
        str(tmp_path / "Größe.wav"),
        str(tmp_path / "sub/b.wav"),
        "/abs/c.wav",
        "/d e.wav",
    ]
    assert [item.title for item in items] == ["Größe - wirklich", "", "", ""]


def test_a_table_says_how_an_item_is_played_and_the_rest_is_as_for_all(tmp_path):
    (tmp_path / "list.toml").write_text(
        '[[item]]\nfile = "a.wav"\ntitle = "A"\ngain_db = -3\nrepeat = 2\nlayout = "quad"\n'
        '[[item]]\nfile = "scene"\nseconds = 10\n'
    )
    first, second = items_of([str(tmp_path / "list.toml")], Source(lfe_db=3.0, loop=True))
    assert first.name == str(tmp_path / "a.wav") and (first.title, first.gain_db, first.repeat) == ("A", -3.0, 2)
    assert first.wanted.layout == "quad" and first.wanted.lfe_db == 3.0 and not first.wanted.loop
    assert second.name == "scene" and second.seconds == 10.0 and second.wanted.layout == "auto"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('[[item]]\nfiel = "a.wav"\n', "item 1: file is missing: name the path of a sound file"),
        ('[[item]]\nfile = "a.wav"\nvolume = 3\n', "item 1: unknown key 'volume'; allowed are file, title, gain_db"),
        ('[[item]]\nfile = "a.wav"\nloop = true\n', "item 1: unknown key 'loop'"),
        ('[[item]]\nfile = "a.wav"\n[[item]]\nfile = "b"\ngain_db = 99\n', "item 2: gain_db = 99.* -60 to 24 dB"),
        ('[[item]]\nfile = "a.wav"\nlfe_db = 99\n', "item 1: lfe_db = 99.* -60 to 20 dB"),
        ('[[item]]\nfile = "a.wav"\nrepeat = 0\n', "item 1: repeat = 0 .* 1 to 1000 times"),
        ('title = "x"\n[[item]]\nfile = "a.wav"\n', "unknown key 'title' at the top"),
        ("item = 3\n", "item must be tables"),
    ],
)
def test_a_table_with_a_mistake_is_refused_with_its_place(tmp_path, text, sentence):
    (tmp_path / "list.toml").write_text(text)
    with pytest.raises(ConfigurationError, match=sentence) as refused:
        items_of([str(tmp_path / "list.toml")], Source())
    assert "list.toml" in str(refused.value) and str(refused.value).endswith(".")


def test_empty_lists_and_folders_are_refused(tmp_path):
    (tmp_path / "empty.m3u").write_text("# nothing\n")
    for name, sentence in (("", "holds no sound files"), ("empty.m3u", "names no files"), ("no.m3u", "cannot be read")):
        with pytest.raises(InputFileError, match=sentence):
            names(tmp_path / name if name else tmp_path)


def test_a_configuration_names_files_beside_itself(tmp_path):
    (tmp_path / "booth.toml").write_text('[source]\ninput = "a.wav"\nfurther = ["b.wav", "scene"]\ncrossfade_s = 2.0\n')
    source = load_settings(tmp_path / "booth.toml").source
    assert source.input == str(tmp_path / "a.wav") and source.further == (str(tmp_path / "b.wav"), "scene")
    with pytest.raises(ConfigurationError, match="crossfade_s = 30"):
        load_settings(None, {"crossfade_s": 30.0})
    with pytest.raises(ConfigurationError, match="loudness_lufs = 0"):
        load_settings(None, {"loudness_lufs": 0.0})
