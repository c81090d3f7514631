"""Which input is found, which of its channels sound, what they stand for: said, or refused with the choice."""

import numpy as np
import pytest
from format_tools import fuma, n3d
from live_tools import LiveCard, recorded
from test_sound_card import FakeLibrary, card

from rt_render.ambisonics.harmonics import real_sh_sn3d
from rt_render.app.early_checks import check_field_file, check_not_live
from rt_render.app.live_opening import open_live
from rt_render.app.parts import make_parts
from rt_render.app.settings_file import load_settings
from rt_render.app.source_opening import open_source, passes
from rt_render.engine.engine import Engine
from rt_render.engine.live_input import LiveInput
from rt_render.engine.plan import Plan
from rt_render.errors import ConfigurationError, DeviceError
from rt_render.io import portaudio
from rt_render.io.card_keeper import CardKeeper
from rt_render.io.input_device import find_input, list_inputs
from rt_render.io.portaudio import find_device, list_devices
from rt_render.io.sound_card import SoundCard


class Library(FakeLibrary):
    """Two host APIs: a microphone, headphones, an interface of 20 inputs; a Pulse without an input."""

    opened = None

    def query_devices(self):
        return [
            card("Microphone", 0, 0, 1),
            card("Headphones", 0, 2),
            card("Interface", 0, 8, 20),
            card("Headphones", 1, 2),
            card("Monitor", 0, 0, 2),
        ]

    def query_hostapis(self):
        apis = super().query_hostapis()
        return [{**api, "default_input_device": default} for api, default in zip(apis, (4, -1), strict=True)]

    def _StreamBase(self, **settings):
        Library.opened = settings
        raise self.PortAudioError("x", -9985)


@pytest.fixture(autouse=True)
def library(monkeypatch):
    monkeypatch.setattr(portaudio, "_library", Library)


def opened(**choices):
    return open_live(load_settings(None, {"input": "live", "device": 2, **choices}))


SCENE = "[[object]]\ninput = 7\nazimuth_deg = 90\n[[object]]\ninput = 2\nazimuth_deg = -90\n[[object]]\ninput = 7\n"


def scene_settings(tmp_path, text=SCENE, **choices):
    path = tmp_path / "band.toml"
    path.write_text(text)
    return load_settings(None, {"input": str(path), "device": 2, "input_device": 2, **choices})


def test_channels_of_the_input_are_led_to_the_objects_of_a_scene(tmp_path):
    chosen = scene_settings(tmp_path, order=2, method="ls", head="sphere", taps=64, block_size=64)
    parts = make_parts(chosen, 64, on_message=(said := []).append)
    assert parts.engine.plan.n_objects == 3 and parts.source.order == 2 and passes(chosen.source)
    assert "live input from Interface" in said[0] and "channels 7, 2, 7 → objects 1 to 3, order 2" in said[0]
    card = LiveCard.of(parts.engine, parts.live)
    frames = recorded(6400, 7)
    field = card.play(frames, [64])
    left, right, front = real_sh_sn3d(2, np.deg2rad([90.0, -90.0, 0.0]), np.zeros(3))
    wanted = frames[:, 6:7] * (left + front) + frames[:, 1:2] * right
    np.testing.assert_allclose(field, wanted[: len(field)], atol=2e-6)


def test_a_scene_whose_channels_the_input_does_not_have_is_refused_and_so_is_rendering_it(tmp_path):
    with pytest.raises(ConfigurationError, match=r"band, object 1: input = 21 .* has channels 1 to 20"):
        open_source(scene_settings(tmp_path, "[[object]]\ninput = 21\n"))
    with pytest.raises(ConfigurationError, match=r"played, not rendered: `rt-render play .*band\.toml"):
        check_not_live(scene_settings(tmp_path))
    with pytest.raises(DeviceError, match="virtual"):
        open_source(scene_settings(tmp_path, device="virtual"))
    with pytest.raises(ConfigurationError, match="live input is gone then"):
        check_field_file(scene_settings(tmp_path, log="a.rtlog"), None, [])


def test_devices_that_record_are_listed_beside_those_that_play():
    assert [(i.index, i.n_channels, i.is_default) for i in list_inputs()] == [
        (0, 1, False),
        (2, 20, False),
        (4, 2, True),
    ]
    assert [(d.index, d.n_channels, d.n_inputs) for d in list_devices(inputs=True)][2:] == [
        (2, 8, 20),
        (3, 2, 0),
        (4, 0, 2),
    ]
    assert [d.index for d in list_devices()] == [1, 2, 3]


def test_the_input_is_the_cards_own_or_the_default_one_of_its_kind_or_the_one_named():
    assert find_input("auto", find_device(2)).index == 2
    assert find_input("auto", find_device(1)).index == 4
    assert find_input("micro", find_device(1)).index == 0
    assert find_input(4, find_device(2)).index == 4


@pytest.mark.parametrize(
    ("device", "output", "words"),
    [
        ("auto", 3, "no input beside Headphones .Pulse."),
        ("none such", 1, "no input is called 'none such': choose one of 0 Microphone"),
        (1, 1, "no input is called 1: choose one of"),
        ("o", 1, "fits several inputs"),
        ("micro", 3, "no input beside"),
    ],
)
def test_a_wrong_input_is_answered_with_the_choice(device, output, words):
    with pytest.raises(DeviceError, match=words):
        find_input(device, find_device(output))


def test_an_input_of_another_host_api_cannot_go_into_one_stream(monkeypatch):
    more = [*Library().query_devices(), card("Pulse input", 1, 0, 2)]
    monkeypatch.setattr(Library, "query_devices", lambda self: more)
    with pytest.raises(DeviceError, match="different host APIs"):
        find_input("pulse input", find_device(1))


def test_two_channels_are_stereo_from_both_sides():
    source = opened(order=3)
    assert source.order == 3 and source.n_frames is None and source.matrix.shape == (2, 16)
    for row, deg in zip(source.matrix, (30.0, -30.0), strict=True):
        np.testing.assert_allclose(row, real_sh_sn3d(3, np.deg2rad(deg), 0.0), atol=1e-12)
    assert "Interface (ALSA), channels 1, 2 → stereo: 1 FL 30°, 2 FR -30°" in source.notes[0]


def test_channels_go_where_they_are_named():
    source = opened(input_channels="7,3", layout="stereo", order=1)
    assert np.flatnonzero(source.matrix.any(axis=1)).tolist() == [2, 6]
    assert source.matrix[6, 1] > 0 > source.matrix[2, 1], "7 is left, 3 is right"


@pytest.mark.parametrize(("convention", "written"), [("ambix", lambda f: f), ("n3d", n3d), ("fuma", fuma)])
def test_a_field_comes_as_it_is_however_it_is_written(convention, written):
    source = opened(input_channels="1-9", layout="ambix", convention=convention)
    field = np.random.default_rng(1).standard_normal((5, 9))
    assert source.order == 2
    np.testing.assert_allclose(written(field) @ source.matrix, field, atol=1e-12)


def test_what_so_many_channels_usually_are():
    assert opened(input_channels="5").matrix.shape[0] == 5 and "mono" in opened(input_channels="5").notes[0]
    assert "5.1" in opened(input_channels="1-6").notes[0]
    assert opened(input_channels="1-16").order == 3 and opened(input_channels="1-16", order=1).matrix.shape == (16, 4)
    assert opened(layout="7.1").matrix.shape[0] == 8
    assert opened(layout="ambix").order == 3, "as many of the twenty as make a whole order"


def test_stereo_becomes_a_panorama_and_nothing_else_does():
    source = opened(panorama=True, order=2)
    assert source.stage is not None and source.matrix.tolist() == [[1, 0], [0, 1]]
    assert "panorama at order 2" in source.notes[0] and "takes 21 ms" in source.notes[0]
    field = opened(panorama=True, layout="ambix")
    assert field.stage is None and any("stereo only" in note for note in field.notes)


@pytest.mark.parametrize(
    ("choices", "words"),
    [
        ({"input_channels": "1-21"}, "has channels 1 to 20"),
        ({"input_channels": "3,3"}, "each once"),
        ({"input_channels": "5-3"}, "each once"),
        ({"input_channels": "1-7"}, "7 channels of live input could be anything"),
        ({"input_channels": "1-3", "layout": "stereo"}, "layout stereo has 2 speakers"),
        ({"input_channels": "1-3", "layout": "ambix"}, "3 channels are no ambisonic field"),
        ({"input_channels": "1-4", "layout": "7.2"}, "unknown: choose mono"),
        ({"input_channels": "two"}, "such as .1,2. or .1-16."),
        ({"input_channels": "0"}, "numbers from 1"),
        ({"device": 1, "layout": "5.1"}, "has channels 1 to 2"),
    ],
)
def test_channels_that_do_not_fit_are_refused_with_what_does(choices, words):
    with pytest.raises(ConfigurationError, match=words):
        opened(**choices)


def test_the_virtual_card_has_no_input_and_says_so():
    with pytest.raises(DeviceError, match="the virtual sound card has no input"):
        opened(device="virtual")
    engine = Engine(Plan(0, 128, 48000, 16), np.ones((2, 1, 16)))
    keeper = CardKeeper(engine, device="virtual", on_message=print, live=LiveInput(engine, np.ones((1, 1))))
    with pytest.raises(DeviceError, match="the virtual sound card has no input"):
        keeper.start()


def test_a_stream_is_opened_with_as_many_inputs_as_are_needed_and_refuses_with_both_names():
    engine = Engine(Plan(0, 128, 48000, 16), np.ones((2, 1, 16)))
    live = LiveInput(engine, np.ones((2, 1)))
    with pytest.raises(DeviceError, match=r"Headphones .ALSA. with input Monitor .ALSA. is in use"):
        SoundCard(engine, 1, live=live)
    assert Library.opened["kind"] == "duplex"
    assert Library.opened["device"] == (4, 1) and Library.opened["channels"] == (2, 2)
    with pytest.raises(DeviceError, match="has channels up to 1, and 2 is asked for"):
        SoundCard(engine, 1, live=live, input_device="micro")
