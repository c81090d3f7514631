"""The arrows between the layers: who may import whom, read from the source."""

import ast
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
BASE = {"conventions", "errors"}
ALLOWED = {
    "conventions": set(),
    "errors": set(),
    "ambisonics": BASE,
    "hrtf": BASE | {"ambisonics"},
    "scene": BASE | {"ambisonics"},
    "kernels": BASE,
    "engine": BASE | {"kernels"},
    "io": BASE | {"ambisonics", "hrtf", "scene", "kernels", "engine"},
    "app": BASE | {"ambisonics", "hrtf", "scene", "kernels", "engine", "io"},
}
BRIDGE_FOR_RENDERER = {"pose", "mailbox", "mailbox_kernels", "atomics"}
"""What layers below `app` may take from firmware_bridge: the pose and the mailbox."""
BRIDGE_BASE = {
    *("atomics", "bridge_words", "csv_poses", "decoder", "dialect", "errors", "imu_recording", "mailbox"),
    *("mailbox_kernels", "messages", "nearest", "notices", "one_sender", "plain_quaternion", "pose", "quaternion"),
    *("raw_recording", "source"),
}
"""Files of firmware_bridge itself that know none of its folders; the other files there put all together."""
BRIDGE_ALLOWED = {
    "base": set(),
    "dialects": {"base"},
    "stages": {"base", "dialects"},
    "osc": {"base", "dialects"},
    "virtual": {"base", "dialects", "osc"},
    "transports": {"base", "dialects"},
    "sources": {"base", "dialects", "stages", "transports"},
    "composition": {"base", "dialects", "stages", "osc", "virtual", "transports", "sources"},
    "commands": {"base", "dialects", "stages", "osc", "virtual", "transports", "sources", "composition"},
}
ONE_FILE_EACH = {
    "sounddevice": "rt_render/io/portaudio.py",
    "soundfile": "rt_render/io/audio_file.py",
    "soxr": "rt_render/io/resampler.py",
    "pyloudnorm": "rt_render/io/loudness_meter.py",
    "h5py": ("rt_render/io/sofa_file.py", "firmware_bridge/imu_recording.py"),
    "serial": "firmware_bridge/transports/serial_port.py",
    "mido": "firmware_bridge/transports/midi_port.py",
    "hid": "firmware_bridge/transports/hid_port.py",
    "bleak": "firmware_bridge/transports/ble_port.py",
    "pythonosc": "firmware_bridge/osc/encoder.py",
    "vqf": "firmware_bridge/stages/fusion_vqf.py",
    "imufusion": "firmware_bridge/stages/fusion_imufusion.py",
    "platformdirs": "firmware_bridge/device_store.py",
    "websockets": ("rt_render/app/web/server.py", "rt_render/app/watch/page_link.py"),
    "jack": tuple(f"rt_render/io/jack_{name}.py" for name in ("child", "ears", "latency", "loop")),
}
FILES = sorted([*ROOT.glob("rt_render/**/*.py"), *ROOT.glob("firmware_bridge/**/*.py")])


@cache
def imports(path: Path) -> list[str]:
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute here"
            found += [f"{node.module}.{alias.name}" for alias in node.names]
    return found


def bridge_layer(parts: tuple[str, ...]) -> str:
    # What a virtual device is belongs to what a dialect is.
    if parts[0] in BRIDGE_BASE or parts[:2] == ("virtual", "device"):
        return "base"
    return parts[0] if parts[0] in BRIDGE_ALLOWED else "composition"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_arrows_point_down(path):
    package, *rest = path.relative_to(ROOT).with_suffix("").parts
    names = [name.split(".") for name in imports(path)]
    if package == "firmware_bridge":
        assert not [name for name in names if name[0] == "rt_render"]
        layer = bridge_layer(tuple(rest))
        for name in names:
            if name[0] == "firmware_bridge" and rest != ["__main__"] and bridge_layer(tuple(name[1:])) != layer:
                assert bridge_layer(tuple(name[1:])) in BRIDGE_ALLOWED[layer], f"{layer}: no {'.'.join(name)}"
        return
    layer = rest[0]
    if layer.startswith("__"):
        return
    for name in names:
        if name[0] == "rt_render" and name[1:] != ["__version__"] and name[1] != layer:
            assert name[1] in ALLOWED[layer], f"{layer} must not import {'.'.join(name)}"
        if name[0] == "firmware_bridge" and layer != "app":
            assert layer in ("kernels", "engine", "io"), f"{layer} must not know firmware_bridge"
            assert name[1] in BRIDGE_FOR_RENDERER
        if name[0] in ("numba", "llvmlite"):
            assert layer in ("kernels", "app", "io"), f"{layer} must not import numba"


def test_each_device_library_has_one_adapter():
    for library, homes in ONE_FILE_EACH.items():
        users = [
            str(path.relative_to(ROOT))
            for path in FILES
            if any(name.split(".")[0] == library for name in imports(path))
        ]
        # The two packages know nothing of each other's files: a library they share has a home in each.
        assert set(users) <= set([homes] if isinstance(homes, str) else homes), f"{library} is imported in {users}"


def test_only_the_command_line_prints():
    for path in FILES:
        if "app" in path.parts or "commands" in path.parts:
            continue
        calls = [
            node
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
        ]
        assert not calls, f"{path} prints"
