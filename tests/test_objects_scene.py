"""Scene files and objects moved over OSC: what is said of mistakes, and that what is asked for is heard."""

import re
import socket
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile
from engine_tools import run_blocks
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_remote import packet

from rt_render.ambisonics.harmonics import cartesian_to_spherical, real_sh_sn3d, spherical_to_cartesian
from rt_render.app.benchmarks.objects import _jump
from rt_render.app.object_remote import ObjectRemote
from rt_render.app.object_scene import lay_out, open_objects
from rt_render.app.offline import render_to_file
from rt_render.app.remote import Remote
from rt_render.app.replay import replay_to_file
from rt_render.app.scene_file import ObjectScene, SceneObject, read_scene
from rt_render.app.session import Session, run_session
from rt_render.app.settings_file import load_settings
from rt_render.engine.engine import Engine
from rt_render.engine.plan import Plan
from rt_render.errors import RenderError

FS_HZ = 48000
CONFIGS = Path(__file__).parent.parent / "configs"


def write_scene(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "my.toml"
    path.write_text(text, encoding="utf-8")
    return path


def told(tmp_path: Path, text: str) -> str:
    with pytest.raises(RenderError) as caught:
        open_objects(read_scene(write_scene(tmp_path, text)), FS_HZ, None)
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            '[[object]]\nname = "violin"\nsignal = "noise"\nazimuth_deg = 400',
            'my.toml, object 1 ("violin"): azimuth_deg = 400 cannot be used: '
            "allowed is -360 to 360 degrees, left is positive.",
        ),
        ('[[object]]\nsignal = "hum"', 'object 1: signal = "hum" cannot be used: allowed is "noise", "clicks" or'),
        ("[[object]]\nvolume = 1", "object 1: unknown key 'volume'; allowed are name, file, signal,"),
        ("object = []", "at the top: allowed are 1 to 64 tables [[object]]"),
        ("tempo = 3\n[[object]]\n", "at the top: unknown key 'tempo'; allowed are title, adm_distance_m, object"),
        ('[[object]]\nname = "a"', 'object 1 ("a"): name what it plays, either file = "..." or signal'),
        ('[[object]]\nfile = "a.wav"\nsignal = "noise"', "object 1: name what it plays, either"),
        ('[[object]]\nfile = "a.wav"', "a.wav does not exist; check the name and the folder"),
        (
            '[[object]]\nsignal = "noise"\npath = [[0, 0, 0, 1], [0, 9, 0, 1]]',
            "row 2 of path is not later than the row before it",
        ),
        ('[[object]]\nsignal = "noise"\npath = [[0, 0, 0, 1], [1, 180, 0, 1]]', "rows 1 and 2 of path lie opposite"),
        ('[[object]]\nsignal = "noise"\npath = [[0, 0, 95, 1]]', "row 1 of path cannot be used: allowed are times"),
        (
            '[[object]]\nsignal = "noise"\npath = [[0, 0, 1]]',
            "row 1 of path = [0, 0, 1] cannot be used: allowed is rows",
        ),
        ('[[object]]\nsignal = "noise"\npath_repeats = true', "path_repeats = true needs a path that ends later"),
        ('[[object]]\nsignal = "noise"\ngain_db = nan', "gain_db = nan cannot be used: allowed is -60 to 24 dB"),
        ("[[object]", "my.toml is not valid TOML"),
        ("[[object]]\ninput = 0", "object 1: input = 0 cannot be used: allowed is a channel of the card's input"),
        ('[[object]]\ninput = 1\nsignal = "noise"', "object 1: name what it plays, either"),
        ("[[object]]\ninput = 1\nstart_s = 2", "object 1: start_s, loop and channel are of files and signals"),
        ('[[object]]\ninput = 1\n[[object]]\nsignal = "tone"', "give all of them an input, or none."),
        ("[[object]]\ninput = 1", "my is a scene of live input, which is played by itself"),
    ],
)
def test_a_mistake_is_told_with_file_object_key_and_what_is_allowed(tmp_path, text, sentence):
    assert sentence in told(tmp_path, text)


def test_sixty_five_objects_are_too_many(tmp_path):
    assert "allowed are 1 to 64 tables" in told(tmp_path, '[[object]]\nsignal = "tone"\n' * 65)


def test_a_channel_that_is_not_there_is_told(tmp_path):
    soundfile.write(tmp_path / "two.wav", np.zeros((10, 2)), FS_HZ)
    sentence = told(tmp_path, '[[object]]\nfile = "two.wav"\nchannel = 3')
    assert re.search(r"channel 3 of .*two.wav cannot be played: there are channels 1 to 2 in it", sentence)


def test_signals_start_where_they_shall_from_the_channel_that_is_named_at_any_rate(tmp_path):
    rng = np.random.default_rng(1)
    soundfile.write(tmp_path / "two.wav", rng.uniform(-0.5, 0.5, (1000, 2)), FS_HZ, subtype="FLOAT")
    soundfile.write(tmp_path / "slow.wav", np.sin(np.arange(8000) * 0.05), 16000, subtype="FLOAT")
    scene = read_scene(
        write_scene(
            tmp_path,
            '[[object]]\nfile = "two.wav"\nchannel = 2\nstart_s = 0.01\n[[object]]\nfile = "slow.wav"\n',
        )
    )
    source = open_objects(scene, FS_HZ, 3)
    assert (source.n_frames, source.order, source.title) == (24000, 3, "my")
    whole = source.read(30000)
    assert whole.shape == (24000, 2)
    two = soundfile.read(tmp_path / "two.wav", dtype="float32")[0]
    assert np.array_equal(whole[480:1480, 0], two[:, 1]) and not whole[:480, 0].any() and not whole[1480:, 0].any()
    assert np.abs(whole[100:20000, 1] - np.sin(np.arange(100, 20000) * 0.05 / 3)).max() < 1e-4
    for frame in (0, 100, 480, 900, 20000):
        source.seek(frame)
        again = np.concatenate([source.read(n) for n in (1, 700, 99)])
        assert np.abs(again - whole[frame : frame + 800]).max() < 2e-6
    source.close()
    source.close()


def test_a_scene_with_a_loop_never_ends(tmp_path):
    soundfile.write(tmp_path / "one.wav", np.linspace(0, 0.5, 100), FS_HZ, subtype="FLOAT")
    scene = read_scene(write_scene(tmp_path, '[[object]]\nfile = "one.wav"\nloop = true\nstart_s = 0.001'))
    source = open_objects(scene, FS_HZ, None)
    assert source.n_frames is None
    frames = source.read(500)[:, 0]
    assert np.array_equal(frames[48:148], frames[148:248])
    source.close()


# over OSC


@pytest.fixture
def moved():
    """A scene of three objects, the third on a path, in an engine of order 1, and a remote that moves them."""
    scene = ObjectScene.model_validate(
        {
            "object": [
                {"signal": "tone", "azimuth_deg": 30.0, "elevation_deg": 10.0, "distance_m": 2.0},
                {"signal": "tone"},
                {"signal": "tone", "path": [[0, -90, 0, 1.0], [100, -91, 0, 1.0]]},
            ]
        }
    )
    engine = Engine(Plan(1, 64, FS_HZ, 1, n_objects=3), np.zeros((2, 4, 1)))
    lay_out(scene, engine.objects)
    remote = Remote("127.0.0.1", 0, lambda text: remote.said.append(text))
    remote.said = []
    ObjectRemote(scene, engine.objects).register(remote)
    return engine, remote


def gains(engine: Engine, index: int) -> np.ndarray:
    """Return the settled gains of one object."""
    signals = np.zeros((9600, 3), np.float32)
    signals[:, index] = 1.0
    engine.ring.write(signals)
    run_blocks(engine, 140)
    return engine.last_field()[-1]


def at(azimuth_deg: float, elevation_deg: float, gain: float = 1.0) -> np.ndarray:
    return gain * real_sh_sn3d(1, np.deg2rad(azimuth_deg), np.deg2rad(elevation_deg))


@pytest.mark.parametrize(
    ("messages", "index", "wanted"),
    [
        ([("/source/1/aed", 90.0, 0.0, 4.0)], 0, at(90, 0, 1 / 4)),
        ([("/source/1/aed", 90, -20)], 0, at(90, -20, 1 / 2)),
        ([("/source/1/azim", -90.0)], 0, at(-90, 10, 1 / 2)),
        ([("/source/1/elev", 90.0)], 0, at(30, 90, 1 / 2)),
        ([("/source/1/dist", 0.2)], 0, at(30, 10)),
        ([("/source/2/gain", -6.0206)], 1, at(0, 0, 0.5)),
        ([("/source/2/mute", 1)], 1, at(0, 0, 0)),
        ([("/source/2/mute", 1), ("/source/2/gain", 0.0)], 1, at(0, 0, 0)),
        ([("/source/2/mute", 1), ("/source/2/mute", 0)], 1, at(0, 0)),
        ([("/source/2/spread", 360.0)], 1, np.array([1.0, 0, 0, 0])),
        ([("/source/*/azim", 180.0)], 1, at(180, 0)),
        ([("/source/3/elev", 90.0)], 2, at(0, 90)),
        ([("/source/3/aed", 0.0, 0.0, 1.0), ("/source/3/auto", 1)], 2, at(-90, 0)),
        ([("/adm/obj/1/aed", 90.0, 0.0, 1.0)], 0, at(90, 0, 1 / 4)),
        ([("/adm/obj/2/azim", 45.0)], 1, at(45, 0)),
        ([("/adm/obj/2/elev", 45.0)], 1, at(0, 45)),
        ([("/adm/obj/2/dist", 0.5)], 1, at(0, 0, 1 / 2)),
        ([("/adm/obj/2/gain", 0.5)], 1, at(0, 0, 0.5)),
        ([("/adm/obj/2/xyz", 1.0, 0.0, 0.0)], 1, at(-90, 0, 1 / 4)),
        ([("/adm/obj/2/xyz", 0.0, 0.25, 0.0)], 1, at(0, 0)),
        ([("/adm/obj/2/xyz", 0.0, 0.0, -0.5)], 1, at(0, -90, 1 / 2)),
        ([("/adm/obj/2/y", 0.0), ("/adm/obj/2/x", -0.5)], 1, at(90, 0, 1 / 2)),
        ([("/adm/obj/2/xyz", 0.0, 0.0, 0.0)], 1, at(0, 0)),
        ([("/adm/obj/2/w", 1.0)], 1, np.array([1.0, 0, 0, 0.5])),
        ([("/adm/obj/2/xy", 0.5, 0.0)], 1, at(-90, 0, 1 / 2)),
        ([("/adm/obj/2/z", 0.5), ("/adm/obj/2/xy", 0.0, 0.0)], 1, at(0, 90, 1 / 2)),
        ([("/adm/obj/2/xyz", 1.0000001, 0, 0)], 1, at(-90, 0, 1 / 4)),
        ([("/adm/obj/2/xyz", 0.0, -1.00003, 0.0)], 1, at(180, 0, 1 / 4)),
        ([("/adm/obj/2/w", 1.0000001)], 1, np.array([1.0, 0, 0, 0.5])),
        ([("/adm/obj/2/w", -1e-7)], 1, at(0, 0)),
        ([("/adm/obj/2/dist", -1e-7)], 1, at(0, 0)),
        ([("/source/2/dist", 1000.00006)], 1, at(0, 0, 1 / 1000)),
        ([("/source/2/azim", -360.00003)], 1, at(0, 0)),
        ([("/source/[1-2]/azim", 180.0)], 1, at(180, 0)),
        ([("/source/{1,2}/azim", 180.0)], 1, at(180, 0)),
    ],
)
def test_messages_move_objects(moved, messages, index, wanted):
    engine, remote = moved
    for address, *arguments in messages:
        remote.take(packet(address, *arguments))
    assert not remote.said
    assert np.abs(gains(engine, index) - wanted).max() < 1e-4


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (("/source/1/aed", 90.0), "it wants 2 or 3 numbers"),
        (("/source/1/azim", "left"), "it wants 1 number"),
        (("/source/1/azim", 400.0), "400 cannot be used: allowed is -360 to 360."),
        (("/source/1/dist", float("nan")), "nan cannot be used"),
        (("/adm/obj/1/xyz", 1.001, 0.0, 0.0), "1.001 cannot be used: allowed is -1 to 1."),
        (("/adm/obj/1/w", 1.001), "1.001 cannot be used: allowed is 0 to 1."),
        (("/adm/obj/1/xy", 1.0), "it wants 2 numbers"),
        (("/source/1/dist", float("inf")), "inf cannot be used: allowed is 0 to 1000."),
        (("/source/1/auto", 1), "this object has no path to follow"),
        (("/source/4/azim", 1.0), "is not known here: there are 1 to 3."),
    ],
)
def test_what_cannot_be_is_told_and_moves_nothing(moved, message, words):
    engine, remote = moved
    before = engine.objects._next.copy()
    remote.take(packet(*message))
    assert len(remote.said) == 1 and words in remote.said[0]
    assert engine.objects._next == before


@pytest.mark.parametrize(
    ("address", "values"),
    [
        ("/source/1/aed", (30.0, 10.0, 2.0)),
        ("/source/1/elev", (10.0,)),
        ("/source/1/gain", (0.0,)),
        ("/source/1/spread", (0.0,)),
        ("/source/1/mute", (0,)),
        ("/source/1/auto", (0,)),
        ("/source/3/auto", (1,)),
        ("/source/3/azim", (-90.0,)),
        ("/adm/obj/1/aed", (30.0, 10.0, 0.5)),
        ("/adm/obj/1/azim", (30.0,)),
        ("/adm/obj/1/dist", (0.5,)),
        ("/adm/obj/3/xyz", (0.25, 0.0, 0.0)),
        ("/adm/obj/3/xy", (0.25, 0.0)),
        ("/adm/obj/3/x", (0.25,)),
        ("/adm/obj/2/gain", (1.0,)),
        ("/adm/obj/2/w", (0.0,)),
        ("/adm/obj/2/mute", (0,)),
    ],
)
def test_a_question_is_answered_with_the_value_and_changes_nothing(moved, address, values, monkeypatch):
    engine, remote = moved
    answers = []
    monkeypatch.setattr(remote, "answer", lambda *said: answers.append(said))
    before = engine.objects._next.copy()
    remote.take(packet(address))
    assert [answer[0] for answer in answers] == [address]
    assert answers[0][1:] == pytest.approx(values, abs=1e-6)
    assert engine.objects._next == before and not remote.said
    # what was answered, sent back, is what was there
    if not address.endswith("auto"):
        remote.take(packet(address, *values))
        remote.take(packet(address))
        assert answers[1][1:] == pytest.approx(answers[0][1:], abs=1e-5)


def test_a_question_to_all_is_answered_for_each_and_after_a_change_with_the_new_value(moved, monkeypatch):
    _, remote = moved
    answers = []
    monkeypatch.setattr(remote, "answer", lambda *said: answers.append(said))
    remote.take(packet("/adm/obj/2/w", 0.5))
    remote.take(packet("/source/2/gain", float("-inf")))
    for address in ("/adm/obj/*/widthDeg", "/source/2/gain"):
        remote.take(packet(address))
    assert answers == [
        *(("/adm/obj/1/widthDeg", 0.0), ("/adm/obj/2/widthDeg", 90.0), ("/adm/obj/3/widthDeg", 0.0)),
        ("/source/2/gain", -120.0),
    ]


def test_a_program_that_asks_is_answered_where_it_asked_from():
    scene = ObjectScene.model_validate({"object": [{"signal": "tone", "azimuth_deg": 30.0}]})
    engine = Engine(Plan(1, 64, FS_HZ, 1, n_objects=1), np.zeros((2, 4, 1)))
    lay_out(scene, engine.objects)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asks:
        asks.bind(("127.0.0.1", 0))
        asks.settimeout(10.0)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        remote = Remote("127.0.0.1", port, lambda text: None)
        ObjectRemote(scene, engine.objects).register(remote)
        remote.start()
        try:
            asks.sendto(packet("/adm/obj/1/azim"), ("127.0.0.1", port))
            answer = asks.recv(1000)
        finally:
            remote.stop()
    assert answer == packet("/adm/obj/1/azim", 30.0)


def test_an_object_leaves_its_path_from_where_it_is(moved):
    engine, remote = moved
    engine.ring.write(np.zeros((9600, 3), np.float32))
    run_blocks(engine, 100)
    remote.take(packet("/source/3/dist", 2.0))
    direction, distance_m = engine.objects.where(2)
    azimuth, _ = cartesian_to_spherical(direction)
    assert np.rad2deg(azimuth) == pytest.approx(-90, abs=0.01) and distance_m == 2.0


def test_random_messages_never_move_an_object_out_of_the_world(moved):
    engine, remote = moved
    rng = np.random.default_rng(4)
    names = [
        "aed",
        "azim",
        "elev",
        "dist",
        "gain",
        "spread",
        "mute",
        "auto",
        "xyz",
        "xy",
        "x",
        "y",
        "z",
        "w",
        "widthDeg",
    ]
    values = [0.0, 1.0, -1.0, 1e30, -1e30, np.nan, np.inf, -np.inf, 5, 1e-30, 90.0, True, "x", None]
    for _ in range(3000):
        prefix = rng.choice(["/source/", "/adm/obj/"])
        address = f"{prefix}{rng.choice(['1', '2', '3', '*', '?'])}/{rng.choice(names)}"
        arguments = [values[i] for i in rng.integers(0, len(values), rng.integers(0, 5))]
        remote.take(packet(address, *arguments))
    table = engine.objects._next
    for name in ("x", "y", "z", "distance", "gain", "weights"):
        assert np.isfinite(table[name]).all()
    assert np.allclose(np.hypot(np.hypot(table["x"], table["y"]), table["z"]), 1, atol=1e-6)
    assert np.isfinite(gains(engine, 0)).all()


# as a whole


def quick(**more: object) -> dict[str, object]:
    return {"method": "ls", "taps": 64, "head": "sphere", "device": "virtual", "tracker": "none", "order": 2, **more}


def test_the_shipped_scene_is_heard_live_as_offline_and_again_from_its_log(tmp_path):
    scene = CONFIGS / "objects_scene.toml"
    said: list[str] = []
    offline = load_settings(None, quick(input=str(scene), block_size=128))
    render_to_file(offline, tmp_path / "offline.wav", seconds=0.8)
    live = quick(
        input=str(scene), block_size=128, record=tmp_path / "live.wav", log=tmp_path / "a.rtlog", remote_port=0
    )
    run_session(Session(load_settings(None, live), seconds=0.8, on_message=said.append))
    replay_to_file(tmp_path / "a.rtlog", tmp_path / "again.wav", on_message=said.append)
    heard = {
        name: soundfile.read(tmp_path / f"{name}.wav", dtype="float32")[0] for name in ("offline", "live", "again")
    }
    n = min(map(len, heard.values()))
    assert n > 38000 and np.abs(heard["offline"]).max() > 0.05
    assert np.array_equal(heard["live"][:n], heard["offline"][:n])
    assert np.array_equal(heard["again"][:n], heard["offline"][:n])
    assert "3 objects, encoded at order 2" in said


def test_a_log_of_objects_that_were_moved_by_hand_says_so_when_it_is_played_back(tmp_path):
    chosen = quick(input=str(CONFIGS / "objects_scene.toml"), block_size=128, log=tmp_path / "a.rtlog", remote_port=0)
    session = Session(load_settings(None, chosen), seconds=1.0)
    session.remote.take(packet("/source/*/gain", -60.0))
    run_session(session)
    said: list[str] = []
    replay_to_file(tmp_path / "a.rtlog", tmp_path / "again.wav", on_message=said.append)
    assert "objects were moved by hand from about 0:00.0 on, which no log holds" in said[-1]


def test_a_playing_scene_is_moved_over_osc_and_the_port_is_free_afterwards():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    chosen = load_settings(None, quick(input=str(CONFIGS / "objects_scene.toml"), remote_port=port))
    session = Session(chosen)
    with session, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        give_up_s = time.monotonic() + 5
        while session.remote.counts.done == 0 and time.monotonic() < give_up_s:
            sender.sendto(packet("/adm/obj/2/xyz", 0.0, -0.5, 0.0), ("127.0.0.1", port))
            time.sleep(0.02)
        direction, distance_m = session.engine.objects.where(1)
    assert np.allclose(direction, [-1, 0, 0], atol=1e-6) and distance_m == 2.0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", port))


def test_directions_of_key_frames_are_those_of_the_file():
    scene = read_scene(CONFIGS / "objects_scene.toml")
    engine = Engine(Plan(1, n_objects=3), np.zeros((2, 4, 1)))
    lay_out(scene, engine.objects)
    direction, distance_m = engine.objects.where(1)
    assert np.allclose(direction, spherical_to_cartesian(np.deg2rad(60), np.deg2rad(40))) and distance_m == 3.0


values = st.one_of(
    st.sampled_from(
        ["true", '"noise"', '"x"', "[]", "[[0, 0, 0, 1]]", "[[0]]", "{}", "1979-05-27", "-1", "nan", "1e300"]
    ),
    st.integers(-500, 500).map(str),
)


@given(st.lists(st.tuples(st.sampled_from([*SceneObject.model_fields, "other"]), values), max_size=6))
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_toml_is_a_scene_or_a_sentence(tmp_path, pairs):
    keys = "\n".join(f"{key} = {value}" for key, value in dict(pairs).items())
    path = write_scene(tmp_path, f"[[object]]\n{keys}\n")
    try:
        sentence = f"my.toml, object {len(read_scene(path).object)} is right."
    except RenderError as error:
        sentence = str(error)
    assert sentence.startswith("my.toml, object 1") and sentence.endswith(".")


@pytest.mark.parametrize(
    "text", ["object = 3", "object = [1]", 'object = "x"', "title = 3\n[[object]]", "[object]\na = 1"]
)
def test_a_top_that_is_wrong_is_told(tmp_path, text):
    assert "my.toml, at the top: " in told(tmp_path, text)


def test_a_jump_leaves_nothing_far_from_a_tone_and_a_switch_would():
    jump = _jump()
    assert jump["glide_outside_db"] < -55 < -30 < jump["abrupt_outside_db"]
