"""The remote control: messages of foreign programs do what was registered, and nothing else does anything."""

import shutil
import socket
import struct
import subprocess
import time
from fnmatch import fnmatchcase

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pythonosc.osc_bundle_builder import IMMEDIATELY, OscBundleBuilder
from pythonosc.osc_message_builder import OscMessageBuilder

from rt_render.app.osc_pattern import numbers_meant
from rt_render.app.remote import Remote
from rt_render.errors import ConfigurationError


def packet(address: str, *arguments: object) -> bytes:
    builder = OscMessageBuilder(address)
    for argument in arguments:
        builder.add_arg(argument)
    return builder.build().dgram


@pytest.fixture
def remote():
    """A remote that keeps what it was told; `heard`, `said`, `published`."""
    said: list[str] = []
    made = Remote("127.0.0.1", 0, said.append)
    made.said, made.heard, made.published = said, [], []
    made.add("/next", lambda number, arguments: made.heard.append(("next", number, arguments)))
    made.add("/source/{n}/gain", lambda number, arguments: made.heard.append(("gain", number, arguments)), range(1, 13))
    made.after_packet(lambda: made.published.append(len(made.heard)))
    return made


def test_an_address_calls_its_handler_with_number_and_arguments(remote):
    remote.take(packet("/next"))
    remote.take(packet("/source/12/gain", -3.0))
    assert remote.heard == [("next", 0, ()), ("gain", 12, (-3.0,))]
    assert remote.counts.done == 2 and not remote.said


def test_wildcards_mean_all_numbers_that_fit(remote):
    remote.take(packet("/source/*/gain", 1.0))
    assert [number for _, number, _ in remote.heard] == list(range(1, 13))
    remote.heard.clear()
    remote.take(packet("/source/1?/gain", 1.0))
    assert [number for _, number, _ in remote.heard] == [10, 11, 12]


@pytest.mark.parametrize(
    ("pattern", "meant"),
    [
        ("[1-2]", [1, 2]),
        ("{1,2}", [1, 2]),
        ("{2,11,40}", [2, 11]),
        ("[135]", [1, 3, 5]),
        ("[!1-8]", [9]),
        ("1[0-1]", [10, 11]),
        ("{1,}2", [2, 12]),
        ("*2", [2, 12]),
        ("??", [10, 11, 12]),
        ("[3-1]", []),
        ("[1", []),
        ("{1,2", []),
        ("[]", []),
        ("{,}", []),
        ("1]", []),
        ("-1", []),
    ],
)
def test_patterns_mean_what_osc_1_0_says(remote, pattern, meant):
    remote.take(packet(f"/source/{pattern}/gain", 1.0))
    assert [number for _, number, _ in remote.heard] == meant
    assert remote.counts.unknown == (not meant)


@given(st.text("0123*?[]!-{},", min_size=1, max_size=50))
@settings(deadline=None)
def test_any_pattern_means_some_numbers_or_none(pattern):
    found = numbers_meant(pattern, range(1, 65))
    assert set(found) <= set(range(1, 65))
    if not set(pattern) & set("!-{},*"):
        assert found == [n for n in range(1, 65) if fnmatchcase(str(n), pattern)] or not found


def test_a_bundle_is_published_once_and_whole(remote):
    bundle = OscBundleBuilder(IMMEDIATELY)
    for number in (1, 2, 3):
        builder = OscMessageBuilder(f"/source/{number}/gain")
        builder.add_arg(0.0)
        bundle.add_content(builder.build())
    remote.take(bundle.build().dgram)
    assert remote.published == [3]


@pytest.mark.parametrize("address", ["/source/13/gain", "/source/0/gain", "/source/x/gain", "/nothing", "/source/1"])
def test_what_is_unknown_is_counted_and_told_once(remote, address):
    for _ in range(5):
        remote.take(packet(address, 1.0))
    assert not remote.heard and not remote.published
    assert remote.counts.unknown == 5 and len(remote.said) == 1 and address in remote.said[0]


def test_a_handlers_objection_is_told_and_nothing_is_published(remote):
    def object_to(number, arguments):
        raise ConfigurationError("it wants one number.")

    remote.add("/gain", object_to)
    remote.take(packet("/gain"))
    assert remote.said == ["OSC /gain: it wants one number."]
    assert remote.counts.refused == 1 and not remote.published


def test_garbage_does_nothing_and_is_told_once(remote):
    rng = np.random.default_rng(1)
    good = packet("/source/3/gain", 1.0)
    for _ in range(3000):
        remote.take(rng.bytes(rng.integers(0, 80)))
        damaged = bytearray(good)
        damaged[rng.integers(len(good))] = rng.integers(256)
        remote.take(bytes(damaged[: rng.integers(len(good) + 1)]))
    remote.take(b"#bundle\0" + bytes(8) + struct.pack(">i", -4))
    assert remote.counts.damaged > 3000
    assert len([text for text in remote.said if "no OSC message" in text]) == 1
    assert len(remote.said) <= 32


def test_a_port_in_use_is_told_and_nothing_is_listened_at():
    said: list[str] = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        remote = Remote("127.0.0.1", taken.getsockname()[1], said.append)
        remote.add("/next", lambda number, arguments: None)
        remote.start()
        assert remote.port is None and "--remote-port" in said[0]
        remote.stop()


@pytest.mark.skipif(shutil.which("oscsend") is None, reason="oscsend is of liblo (apt-get install liblo-tools)")
def test_a_foreign_program_is_heard():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    said: list[str] = []
    heard: list[object] = []
    remote = Remote("127.0.0.1", port, said.append)
    remote.add("/source/{n}/aed", lambda number, arguments: heard.append((number, arguments)), range(1, 65))
    remote.start()
    try:
        subprocess.run(["oscsend", "127.0.0.1", str(port), "/source/2/aed", "fff", "90", "0", "1.5"], check=True)
        give_up_s = time.monotonic() + 5
        while not heard and time.monotonic() < give_up_s:
            time.sleep(0.01)
    finally:
        remote.stop()
    assert heard == [(2, (90.0, 0.0, 1.5))] and not said
