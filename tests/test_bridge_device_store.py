import json
import os
import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_bridge.device_store import FOLDER_VARIABLE, DeviceStore, Remembered, device_key
from firmware_bridge.errors import BridgeError
from firmware_bridge.stages.mounting import Mounting

KNOWN = Remembered(
    Mounting((0.5, 0.5, -0.5, 0.5), frozenset({"roll", "yaw"}), gyro=False),
    reference=(0.6, 0.0, 0.0, 0.8),
    name="Kopfhörer im Büro",
    saved="2026-11-22T10:00:00",
    spread_deg=1.5,
)


@pytest.mark.parametrize("remembered", [KNOWN, Remembered(), Remembered(mounting=Mounting())])
def test_what_is_saved_is_found_again(tmp_path, remembered):
    DeviceStore(tmp_path / "new" / "folder").save("a", remembered)
    assert DeviceStore(tmp_path / "new" / "folder").load("a") == remembered


def test_an_unknown_device_is_none(tmp_path):
    assert DeviceStore(tmp_path).load("a") is None


def test_files_are_for_the_user_only_and_nothing_else_is_left(tmp_path):
    store = DeviceStore(tmp_path)
    store.save("a", Remembered())
    store.save("a", KNOWN)
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]
    assert stat.S_IMODE(store.path("a").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "null",
        "[]",
        "\udcff",
        '{"format": 2}',
        '{"format": 1}',
        "[" * 100_000,
        json.dumps(
            {"format": 1, "name": "", "saved": "", "spread_deg": None, "reference": [0, 0, 0, 0], "mounting": None}
        ),
        json.dumps({"format": 1, "name": "", "saved": "", "spread_deg": "x", "reference": None, "mounting": None}),
        json.dumps({"format": 1, "name": "", "saved": "", "spread_deg": None, "reference": None, "mounting": [1]}),
        '{"format": 1, "name": "", "saved": "", "spread_deg": NaN, "reference": null, "mounting": null}',
        json.dumps(
            {
                "format": 1,
                "name": "",
                "saved": "",
                "spread_deg": None,
                "reference": None,
                "mounting": {"quat_sensor_from_head": [1, 0, 0, 0], "invert": ["nose"], "gyro": True},
            }
        ),
    ],
)
def test_a_broken_file_is_put_aside_and_said(tmp_path, text):
    store, data = DeviceStore(tmp_path), text.encode("utf-8", "surrogateescape")
    for number in (1, 2):
        store.path("a").write_bytes(data)
        with pytest.raises(
            BridgeError, match=rf"a\.json does not hold .* put aside as a\.broken{number}: calibrate .*\.$"
        ):
            store.load("a")
        assert (tmp_path / f"a.broken{number}").read_bytes() == data
        assert store.load("a") is None
    store.save("a", KNOWN)
    assert store.load("a") == KNOWN


def test_a_write_that_fails_leaves_the_old_file(tmp_path, monkeypatch):
    store = DeviceStore(tmp_path)
    store.save("a", KNOWN)

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(BridgeError, match=r"a\.json cannot be written \(No space left on device\)"):
        store.save("a", Remembered())
    assert store.load("a") == KNOWN and len(list(tmp_path.iterdir())) == 1


def test_a_folder_that_is_a_file_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(BridgeError, match=r"cannot be written .*\.$"):
        DeviceStore(tmp_path / "file").save("a", KNOWN)
    with pytest.raises(BridgeError, match=r"cannot be read .*\.$"):
        DeviceStore(tmp_path / "file").load("a")


def test_the_folder_is_the_users_unless_told_otherwise(tmp_path, monkeypatch):
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    assert DeviceStore().folder == tmp_path
    monkeypatch.delenv(FOLDER_VARIABLE)
    assert DeviceStore().folder.parts[-2:] == ("rt-render", "devices")


@given(st.text(max_size=300), st.text(max_size=300))
def test_different_devices_have_different_keys_fit_for_files(a, b):
    for device_id in (a, b):
        key = device_key("hbf1", device_id)
        assert len(key) <= 120 and not set(key) & set('/\\:*?"<>|.\0\n') and key.isascii()
    assert (device_key("hbf1", a) == device_key("hbf1", b)) == (a == b)
