"""Configuration files: every one that is shipped loads, and mistakes are told with place and remedy."""

from pathlib import Path

import pytest

from rt_render.app import api
from rt_render.app.settings import Choices, Settings
from rt_render.app.settings_file import load_settings
from rt_render.errors import ConfigurationError, RenderError

CONFIGS = Path(__file__).parent.parent / "configs"
RENDERED = {"fs_hz", "block_size", "gain_db", "ceiling_db", "head", "order", "method", "taps", "poses", "force"}
WHOLE = sorted(path for path in CONFIGS.glob("*.toml") if path.stem not in ("broken_example", "objects_scene"))


def told(tmp_path: Path, text: str) -> str:
    path = tmp_path / "set.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError) as caught:
        load_settings(path)
    return str(caught.value)


@pytest.mark.parametrize("path", WHOLE, ids=lambda path: path.stem)
def test_every_shipped_set_up_loads(path):
    assert isinstance(load_settings(path), Settings)


@pytest.mark.parametrize("path", WHOLE, ids=lambda path: path.stem)
def test_every_shipped_set_up_plays_as_it_is_but_for_the_head_that_it_asks_for_by_name(path):
    def load():
        return load_settings(path, find_files=("input", "head", "headphone_eq", "poses", "tracker"))

    if path.stem != "sofa_head":
        assert load() == load_settings(path)
        return
    with pytest.raises(ConfigurationError) as caught:
        load()
    assert str(caught.value).startswith(
        f"sofa_head.toml, line 6: head in [head] cannot be used: there is no file {CONFIGS / 'my_head.sofa'}; "
    )


def test_there_are_the_set_ups_that_people_look_for():
    assert {"default", "low_latency", "offline", "sofa_head", "osc_tracker"} <= {path.stem for path in WHOLE}


def test_the_default_file_says_what_the_program_does_without_it():
    assert load_settings(CONFIGS / "default.toml") == load_settings()


def test_the_broken_example_is_told_in_exactly_this_sentence():
    with pytest.raises(ConfigurationError) as caught:
        load_settings(CONFIGS / "broken_example.toml")
    assert str(caught.value) == (
        "broken_example.toml, line 5: unknown key 'blocksize' in [audio] (did you mean 'block_size'?); "
        "allowed are device, fs_hz, block_size, gain_db, ceiling_db, extra_latency_ms, degrade."
    )


def test_choices_override_the_file_and_none_leaves_it():
    settings = load_settings(CONFIGS / "low_latency.toml", {"order": 5, "block_size": None, "input": "a.wav"})
    assert (settings.head.order, settings.audio.block_size, settings.source.input) == (5, 64, "a.wav")


def test_paths_in_a_file_are_relative_to_its_folder_and_names_are_not_paths(tmp_path):
    path = tmp_path / "set.toml"
    path.write_text('[source]\ninput = "field.wav"\n[head]\nhead = "kemar"\n[tracking]\nposes = "turn.csv"\n')
    settings = load_settings(path)
    assert settings.source.input == str(tmp_path / "field.wav")
    assert settings.head.head == "kemar"
    assert settings.tracking.poses == tmp_path / "turn.csv"
    path.write_text('[tracking]\ntracker = "csv:turn.csv"\n')
    assert load_settings(path).tracking.tracker == f"csv:{tmp_path / 'turn.csv'}"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "[audio]\n\nfs_hz = 44000",
            "set.toml, line 3: fs_hz = 44000 in [audio] cannot be used: allowed is 44100, 48000, 88200 or 96000 Hz.",
        ),
        (
            '[audio]\nfs_hz = "48000"',
            'set.toml, line 2: fs_hz = "48000" in [audio] cannot be used: allowed is 44100, 48000, 88200 or 96000 Hz.',
        ),
        (
            "[audio]\ngain_db = 40",
            'set.toml, line 2: gain_db = 40 in [audio] cannot be used: allowed is "auto" (0 dB for files, 20 dB for '
            "the built-in scene) or -60 to 24 dB.",
        ),
        (
            "[audio]\nceiling_db = nan",
            "set.toml, line 2: ceiling_db = nan in [audio] cannot be used: allowed is -40 to 0 dBFS.",
        ),
        (
            "[audio]\nblock_size = 31",
            'set.toml, line 2: block_size = 31 in [audio] cannot be used: allowed is "auto" or 32 to 2048 frames, '
            "best a power of two.",
        ),
        (
            "[head]\norder = 8",
            'set.toml, line 2: order = 8 in [head] cannot be used: allowed is "auto" (the order of the source) or '
            "0 to 7.",
        ),
        (
            "[head]\norder = true",
            'set.toml, line 2: order = true in [head] cannot be used: allowed is "auto" (the order of the source) or '
            "0 to 7.",
        ),
        (
            "[source]\nloop = 1",
            "set.toml, line 2: loop = 1 in [source] cannot be used: allowed is true or false.",
        ),
        (
            '[source]\nconvention = "acn"',
            'set.toml, line 2: convention = "acn" in [source] cannot be used: allowed is "ambix", "n3d" or "fuma".',
        ),
        (
            "[tracking]\nosc_port = 70000",
            "set.toml, line 2: osc_port = 70000 in [tracking] cannot be used: allowed is 1 to 65535.",
        ),
        (
            "[adio]\nfs_hz = 48000",
            "set.toml, line 1: unknown name 'adio' (did you mean 'audio'?); there are the sections audio, head, "
            "source, tracking, output, remote, web, compare, booth.",
        ),
        (
            "fs_hz = 48000",
            "set.toml, line 1: unknown name 'fs_hz'; it belongs in [audio]; there are the sections audio, head, "
            "source, tracking, output, remote, web, compare, booth.",
        ),
        (
            "audio = 3",
            "set.toml, line 1: audio must be a section: write [audio] and keys below it.",
        ),
    ],
)
def test_a_mistake_is_told_with_file_line_key_and_what_is_allowed(tmp_path, text, sentence):
    assert told(tmp_path, text) == sentence


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            '[tracking]\ntracker = "bogus"',
            'set.toml, line 2: tracker = "bogus" in [tracking] cannot be used: allowed is',
        ),
        ('[tracking]\ntracker = "serial:"', 'set.toml, line 2: tracker = "serial:" in [tracking] cannot be used'),
        ('[tracking]\nosc_dialect = "x"', 'set.toml, line 2: osc_dialect = "x" in [tracking] cannot be used: allowed'),
        ('[head]\nhead = "nope"', "set.toml, line 2: head in [head] cannot be used: there is no file "),
        (
            '[head]\nheadphone_eq = "e.txt"',
            "set.toml, line 2: headphone_eq in [head] cannot be used: there is no file ",
        ),
        ('[tracking]\n\nposes = "nope.csv"', "set.toml, line 3: poses in [tracking] cannot be used: there is no file "),
        ('[tracking]\ntracker = "csv:no"', "set.toml, line 2: tracker in [tracking] cannot be used: there is no file "),
        ('[source]\ninput = "no.wav"', "set.toml, line 2: input in [source] cannot be used: there is no file "),
        (
            '[tracking]\ntracker = "osc"\nposes = "p.csv"',
            "set.toml, line 3: poses in [tracking] cannot be used: poses are followed instead of a head tracker, and "
            'tracker = "osc" is named too; leave out one of them.',
        ),
    ],
)
def test_a_wrong_name_is_told_with_file_line_and_key_before_anything_is_made(tmp_path, text, sentence):
    path = tmp_path / "set.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError) as caught:
        api.play(config=str(path), device="virtual")
    assert str(caught.value).startswith(sentence)


@pytest.mark.parametrize(
    "spec", ["osc", "none", "simulated", "simulated:3", "serial:auto", "serial:/dev/x:9600", "csv:a"]
)
def test_every_kind_of_tracker_is_taken(spec):
    assert load_settings(None, {"tracker": spec}).tracking.tracker == spec


def test_a_tracker_that_is_chosen_takes_the_place_of_the_poses_of_a_file(tmp_path):
    path = tmp_path / "set.toml"
    path.write_text('[tracking]\nposes = "p.csv"\n')
    assert load_settings(path, {"tracker": "osc"}).tracking.poses is None


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), float("inf"), "3", True])
def test_a_length_that_is_none_is_told(tmp_path, seconds):
    for function in (
        lambda: api.play("scene", seconds=seconds),
        lambda: api.render("scene", tmp_path / "o.wav", seconds=seconds),
        lambda: api.demo(seconds=seconds, out=tmp_path / "d.wav"),
    ):
        with pytest.raises(ConfigurationError, match=r"^seconds = .* cannot be used: allowed is a number"):
            function()


def test_an_error_of_the_tracker_is_a_render_error(tmp_path):
    (tmp_path / "bad.csv").write_text("nothing of the kind")
    with pytest.raises(RenderError, match=r"bad\.csv"):
        api.play(
            seconds=0.1, device="virtual", tracker=f"csv:{tmp_path / 'bad.csv'}", head="sphere", method="ls", order=0
        )


@pytest.mark.parametrize(
    ("function", "names"), [("play", set(Choices.__annotations__) - {"input", "further"}), ("render", RENDERED)]
)
def test_the_docstrings_tell_every_choice_and_what_holds_without_it(function, names):
    defaults = {}
    for section in Settings.model_fields.values():
        defaults |= {name: field.default for name, field in section.annotation.model_fields.items()}
    text = getattr(api, function).__doc__.replace("'", '"')
    for name in names:
        value = f'"{defaults[name]}"' if isinstance(defaults[name], str) else defaults[name]
        assert f"{name}={value}".replace("'", '"') in text, name


def test_the_line_is_that_of_the_key_in_its_own_section(tmp_path):
    text = "[output]\nforce = false\n[audio]\n# force\nforce = true\n"
    assert told(tmp_path, text).startswith("set.toml, line 5: unknown key 'force' in [audio]")


def test_broken_toml_a_missing_file_and_a_binary_file_are_told(tmp_path):
    assert "is not valid TOML" in told(tmp_path, "[audio\n")
    with pytest.raises(ConfigurationError, match=r"nowhere\.toml: No such file"):
        load_settings(tmp_path / "nowhere.toml")
    (tmp_path / "bin.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigurationError, match="is not a text file"):
        load_settings(tmp_path / "bin.toml")


def test_a_wrong_choice_names_no_file_and_an_unknown_one_names_a_near_one():
    with pytest.raises(ConfigurationError, match=r"^osc_port = 0 cannot be used: allowed is 1 to 65535\.$"):
        load_settings(None, {"osc_port": 0})
    with pytest.raises(ConfigurationError, match="unknown setting 'trackr' \\(did you mean 'tracker'\\?\\)"):
        load_settings(None, {"trackr": "osc"})


def test_every_setting_says_what_is_allowed():
    for section in Settings.model_fields.values():
        for name, field in section.annotation.model_fields.items():
            assert field.description, name


def test_a_layout_is_a_name_or_a_file_beside_the_set_up(tmp_path):
    set_up = tmp_path / "set.toml"
    set_up.write_text('[source]\nlayout = "7.1.4"\nlfe_db = 10.0\n')
    assert load_settings(set_up).source.layout == "7.1.4"
    set_up.write_text('[source]\nlayout = "studio.toml"\n')
    assert load_settings(set_up).source.layout == str(tmp_path / "studio.toml")
    with pytest.raises(ConfigurationError, match=r"line 2: layout .* there is no file .*studio\.toml; .*5\.1\.4"):
        load_settings(set_up, find_files=("layout",))
