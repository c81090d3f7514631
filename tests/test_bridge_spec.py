import pytest

from firmware_bridge.dialect import Transport
from firmware_bridge.dialect_names import dialect_named
from firmware_bridge.dialects.table import DIALECTS
from firmware_bridge.errors import BridgeError
from firmware_bridge.osc.dialects import find_dialect as find_osc_dialect
from firmware_bridge.osc.output_spec import parse_output
from firmware_bridge.settings import BridgeSettings, make_settings
from firmware_bridge.spec import Kind, TrackerSpec, parse_spec


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("none", TrackerSpec(Kind.NONE)),
        ("auto", TrackerSpec(Kind.AUTO)),
        ("osc", TrackerSpec(Kind.OSC)),
        ("osc:9001", TrackerSpec(Kind.OSC, number=9001)),
        ("simulated", TrackerSpec(Kind.SIMULATED)),
        ("simulated:3", TrackerSpec(Kind.SIMULATED, number=3)),
        ("csv:C:\\head.csv", TrackerSpec(Kind.CSV, place="C:\\head.csv")),
        ("replay:a.rtraw", TrackerSpec(Kind.REPLAY, place="a.rtraw")),
        ("bridge", TrackerSpec(Kind.BRIDGE)),
        ("bridge:/run/pose", TrackerSpec(Kind.BRIDGE, place="/run/pose")),
        ("serial:auto", TrackerSpec(Kind.SERIAL, place="auto")),
        ("serial:/dev/ttyUSB0:9600", TrackerSpec(Kind.SERIAL, place="/dev/ttyUSB0", number=9600)),
        ("serial:socket://127.0.0.1:7000", TrackerSpec(Kind.SERIAL, place="socket://127.0.0.1:7000")),
        ("/dev/pts/5", TrackerSpec(Kind.SERIAL, place="/dev/pts/5")),
        ("/dev/ttyACM0:115200", TrackerSpec(Kind.SERIAL, place="/dev/ttyACM0", number=115200)),
        ("COM3", TrackerSpec(Kind.SERIAL, place="COM3")),
        ("hbf1", TrackerSpec(Kind.SERIAL, "hbf1", "auto")),
        ("hbf1:/dev/pts/5", TrackerSpec(Kind.SERIAL, "hbf1", "/dev/pts/5")),
        ("hbf1:COM3:9600", TrackerSpec(Kind.SERIAL, "hbf1", "COM3", 9600)),
        ("hbf1:udp:7000", TrackerSpec(Kind.UDP, "hbf1", "", 7000)),
        ("hbf1:udp:0.0.0.0:7000", TrackerSpec(Kind.UDP, "hbf1", "0.0.0.0", 7000)),
    ],
)
def test_a_tracker_is_named_in_one_grammar(text, meant):
    assert parse_spec(text) == meant


def test_every_dialect_can_be_named_alone_and_on_a_port():
    for dialect in DIALECTS.values():
        if dialect.transport is not Transport.UDP or dialect.udp_port:
            spec = parse_spec(dialect.name)
            assert spec.dialect == dialect.name and spec.kind.value == dialect.transport.value
        if dialect.transport is not Transport.UDP:
            assert parse_spec(f"{dialect.name}:/dev/ttyX").kind is Kind.SERIAL


@pytest.mark.parametrize(
    "text",
    [
        "",
        "foo",
        "osc:",
        "osc:0",
        "osc:x",
        "serial",
        "serial:",
        "csv:",
        "csv",
        "simulated:x",
        "simulated:-1",
        "none:1",
        "auto:",
        "bridge:",
        "hbf1:",
        "hbf1:udp:",
        "hbf1:udp:99999",
        "serial:/dev/x:0",
        "Simulated",
    ],
)
def test_a_tracker_that_cannot_be_is_answered_with_what_can(text):
    with pytest.raises(BridgeError, match=r"allowed (are osc|is a whole number)|write hbf1:udp:PORT"):
        parse_spec(text)


def test_settings_are_checked_one_by_one():
    assert make_settings() == BridgeSettings()
    assert make_settings(invert=["yaw"], gestures=["double-nod"], hold_s=0.0).invert == ("yaw",)
    for wrong, sentence in (
        ({"fusion": "kalman"}, 'fusion = .* allowed is "vqf", "vqf9d"'),
        ({"invert": ["up"]}, 'invert = .* allowed is a list of "yaw"'),
        ({"ease_s": float("nan")}, "ease_s = nan cannot be used: allowed is 0.1 to 60 s"),
        ({"osc_dialect": "bogus"}, "unknown OSC dialect 'bogus': allowed are default"),
        ({"trackr": "osc"}, "unknown setting 'trackr'"),
        ({"tracker": "magic"}, "unknown head tracker 'magic'"),
    ):
        with pytest.raises(BridgeError, match=sentence):
            make_settings(**wrong)


def test_settings_survive_the_way_into_another_process():
    settings = make_settings(tracker="hbf1:/dev/x", invert=["roll"], outputs=["sparta@127.0.0.1:7000"], record_raw="a")
    assert BridgeSettings.model_validate_json(settings.model_dump_json()) == settings


def test_an_osc_dialect_has_one_name_everywhere_and_its_prefix_may_stay_away():
    assert parse_spec("osc-iem:7000") == TrackerSpec(Kind.OSC, number=7000, osc_dialect="iem")
    assert parse_spec("osc-iem") == TrackerSpec(Kind.OSC, osc_dialect="iem")
    assert find_osc_dialect("osc-iem") is find_osc_dialect("iem") is parse_output("osc-iem").dialect
    assert dialect_named("osc-iem") is dialect_named("iem")
    assert dialect_named("nvsonic").transport == "serial" and dialect_named("osc-nvsonic").transport == "osc"


def test_a_name_that_is_nearly_right_is_offered():
    for read, name, offered in (
        (parse_spec, "razer:COM3", "razor"),
        (parse_output, "ambixx", "ambix"),
        (dialect_named, "hbf", "hbf1"),
        (find_osc_dialect, "spartaa", "sparta"),
    ):
        with pytest.raises(BridgeError, match=f"did you mean '{offered}'\\? allowed are"):
            read(name)


def test_a_port_alone_is_a_place_for_an_output():
    assert (parse_output("sparta@9001").host, parse_output("sparta@9001").port) == ("127.0.0.1", 9001)
    with pytest.raises(BridgeError, match="port '70000' must be"):
        parse_output("sparta@70000")
