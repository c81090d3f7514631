"""The keeper: a card that falls silent is replaced by the virtual one, and taken back when it returns."""

import ctypes
import threading
import time
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from firmware_bridge.mailbox_kernels import store_word
from rt_render.engine.engine import Engine
from rt_render.engine.live_input import LiveInput
from rt_render.engine.plan import Plan
from rt_render.errors import DeviceError
from rt_render.io import card_keeper, sound_card
from rt_render.io.card_keeper import CardKeeper
from rt_render.io.input_device import InputInfo
from rt_render.io.portaudio import ABANDONED
from rt_render.io.sound_card import DeviceInfo, SoundCard
from rt_render.kernels.cards import compile_sound_card
from rt_render.kernels.state import LINK, field_offset

WAIT_S = 20.0


class PretendedCard(SoundCard):
    """A sound card whose calls come from a thread of this test; `plugged` and `calling` are its cable and its will."""

    plugged, calling = True, True
    opened: "list[PretendedCard]" = []  # noqa: RUF012

    def __init__(self, engine, device=None, live=None, input_device="auto", **_):
        if not self.plugged:
            raise DeviceError("no sound card was found.")
        self.device = DeviceInfo(0, "Pretended", "Test", 2, (48000,), True)
        self._engine, self._frames, self._latency_s, self._on_jack = engine, 128, 0.0, False
        self._callback, self._number = compile_sound_card(), next(sound_card._stream_numbers)
        self._link = np.zeros(1, LINK)
        self._link["state"], self._link["stream"] = engine.address, self._number
        self._live, self._told_s, self.asked = live, 0.01, (device, input_device)
        self.input = InputInfo(1, "Microphone", "Test", 1, True) if live else None
        self._link["input"] = live.address if live else 0
        self.heard = np.full((128, 1), 0.5, np.float32)
        self.last = np.ones((128, 2), np.float32)
        self.opened.append(self)

    def begin(self):
        kinds = (
            ctypes.c_void_p,
            ctypes.c_void_p,
            ctypes.c_ulong,
            ctypes.c_void_p,
            ctypes.c_ulong,
            ctypes.c_void_p,
        )
        self._call = ctypes.CFUNCTYPE(ctypes.c_int, *kinds)(self._callback.address)
        self._quit = threading.Event()
        self._thread = threading.Thread(target=self._play, daemon=True)
        self._thread.start()

    def _play(self):
        while not self._quit.wait(128 / 48000):
            if type(self).calling:
                self.call_once()

    def call_once(self):
        self._call(self.heard.ctypes.data, self.last.ctypes.data, 128, None, 0, self._link.ctypes.data)

    def hang_up(self):
        self._quit.set()
        self._thread.join()

    def stop(self):
        self.hang_up()
        self.give_turn()

    def _close_lost(self):
        self._quit.set()

    @property
    def running(self):
        return True


@pytest.fixture
def engine():
    engine = Engine(Plan(0, 128, 48000, 16, ring_s=30.0), np.ones((2, 1, 16)))
    engine.ring.write(np.full((48000 * 29, 1), 0.01, np.float32))
    return engine


@pytest.fixture
def pretended(monkeypatch):
    monkeypatch.setattr(card_keeper, "SoundCard", PretendedCard)
    monkeypatch.setattr(card_keeper, "look_again", lambda: None)
    monkeypatch.setattr(card_keeper, "RETRY_S", 0.1)
    monkeypatch.setattr(card_keeper, "_SETTLED_LOOKS", -1)  # never, but where it is looked for
    monkeypatch.setattr(PretendedCard, "plugged", True)
    monkeypatch.setattr(PretendedCard, "calling", True)
    monkeypatch.setattr(PretendedCard, "opened", [])
    return PretendedCard


def plays_unheard(keeper):
    return keeper.status().host_api == "rt-render"


def wait_for(what):
    end_s = time.monotonic() + WAIT_S
    while not what():
        assert time.monotonic() < end_s, "did not happen"
        time.sleep(0.005)


def test_a_card_that_falls_silent_is_replaced_and_taken_back_where_the_time_line_is(engine, pretended):
    messages: list[str] = []
    keeper = CardKeeper(engine, on_message=messages.append)
    keeper.start()
    try:
        wait_for(lambda: engine.snapshot().frame > 0)
        assert not plays_unheard(keeper) and keeper.status().host_api == "Test"

        pretended.plugged = pretended.calling = False
        wait_for(lambda: plays_unheard(keeper))
        lost_at = engine.snapshot().frame
        wait_for(lambda: engine.snapshot().frame > lost_at + 4800)
        assert "until Pretended (Test) is back" in keeper.status().text

        lost = pretended.opened[0]
        lost.call_once()  # back to life, and too late
        assert not lost.last.any()

        before = engine.snapshot().frame
        pretended.plugged = pretended.calling = True
        wait_for(lambda: not plays_unheard(keeper))
        back_at = engine.snapshot().frame
        assert back_at >= before and not keeper._virtual.running
        wait_for(lambda: engine.snapshot().frame > back_at + 4800)
        wait_for(lambda: pretended.opened[-1].last.any())
        lost.call_once()
        assert not lost.last.any()
    finally:
        keeper.stop()
    assert engine.snapshot().silent is False
    words = ("Playing on Pretended", "has stopped answering", "is back")
    assert len(messages) == 3 and all(word in said for word, said in zip(words, messages, strict=True))


def test_the_sound_fades_in_on_the_card_that_takes_over(engine, pretended):
    keeper = CardKeeper(engine, on_message=lambda _: None, capture=True)
    keeper.start()
    try:
        wait_for(lambda: engine.snapshot().frame > 4800)
        pretended.calling = pretended.plugged = False
        wait_for(lambda: plays_unheard(keeper))
        frame = engine.snapshot().frame
        wait_for(lambda: engine.snapshot().frame > frame + 4800)
        played = engine.read_capture()[16:, 0]  # behind the onset of the filters
    finally:
        keeper.stop()
    level = played[-1]
    steps = np.diff(played)
    (lost_at,) = np.flatnonzero(steps < -0.01 * level)  # the sound that went with the card
    assert level > 0.1 and abs(played[lost_at + 1]) < 0.001 * level
    assert steps[lost_at + 1 :].max() < 2.0 * level / 240  # 5 ms at 48 kHz, from silence
    assert np.all(played[lost_at + 1000 :] > 0.99 * level)


def test_a_card_that_comes_back_but_does_not_call_is_not_believed(engine, pretended, monkeypatch):
    monkeypatch.setattr(card_keeper, "_FIRST_CALL_S", 0.05)
    keeper = CardKeeper(engine, on_message=lambda _: None)
    keeper.start()
    try:
        pretended.calling = False
        wait_for(lambda: plays_unheard(keeper))
        wait_for(lambda: len(pretended.opened) > 3)
        assert plays_unheard(keeper) and keeper._virtual.running
    finally:
        keeper.stop()


@pytest.mark.parametrize("device", [None, "Pretended"])
def test_a_card_that_is_not_there_is_an_error(engine, pretended, device):
    pretended.plugged = False
    keeper = CardKeeper(engine, device=device, on_message=lambda _: None)
    with pytest.raises(DeviceError):
        keeper.start()
    assert engine.snapshot().frame == 0 and not keeper._virtual.running


def test_the_virtual_card_can_be_asked_for(engine, pretended):
    keeper = CardKeeper(engine, device="virtual", on_message=lambda _: None)
    keeper.start()
    wait_for(lambda: engine.snapshot().frame > 0)
    assert keeper.status().name == "virtual sound card" and not pretended.opened
    keeper.stop()


def test_an_engine_is_played_by_one_sound_card_at_a_time(engine, pretended):
    first, second = PretendedCard(engine), PretendedCard(engine)
    first.start()
    with pytest.raises(DeviceError, match="another sound card"):
        second.start()
    second.stop()
    first.stop()
    second.take_turn()


def set_owner(engine, number):
    store_word(engine.address + field_offset("owner"), number)


def test_a_card_stuck_within_a_block_is_told_once_and_given_up_when_the_block_ends(engine, pretended, monkeypatch):
    monkeypatch.setattr(sound_card, "_TURN_S", 0.01)
    looks, messages = [], []
    give_turn = SoundCard.give_turn
    monkeypatch.setattr(SoundCard, "give_turn", lambda card: (looks.append(card), give_turn(card)))
    kept = set(ABANDONED)
    keeper = CardKeeper(engine, on_message=messages.append)
    keeper.start()
    try:
        wait_for(lambda: engine.snapshot().frame > 0)
        (card,) = pretended.opened
        card.hang_up()
        set_owner(engine, -card._number)
        wait_for(lambda: len(looks) > 4)
        assert not plays_unheard(keeper) and {card} == ABANDONED - kept
        pretended.plugged = False
        set_owner(engine, card._number)
        wait_for(lambda: plays_unheard(keeper))
    finally:
        keeper.stop()
        ABANDONED.discard(card)
    assert [text for text in messages if "stuck within a block" in text] == messages[1:2]
    assert len(messages) == 3 and "has stopped answering" in messages[2]


def test_the_output_latency_is_told_once_and_only_when_it_has_settled(engine, pretended, monkeypatch):
    monkeypatch.setattr(card_keeper, "_SETTLED_LOOKS", 4)
    planned = PretendedCard.status
    monkeypatch.setattr(
        pretended,
        "status",
        lambda card: replace(planned(card), latency_s=0.010 if engine.snapshot().frame > 2048 else 0.005),
    )
    said: list[str] = []
    keeper = CardKeeper(engine, on_message=said.append)
    keeper.start()
    try:
        wait_for(lambda: len(said) > 1)
        at = engine.snapshot().frame
        wait_for(lambda: engine.snapshot().frame > at + 24000)
    finally:
        keeper.stop()
    assert said[0].startswith("Playing on Pretended") and " ms" not in said[0]
    assert said[1:] == ["Output latency: 10.0 ms from a block to the converter."]


def test_a_card_that_begins_slowly_is_waited_for(engine, pretended, monkeypatch):
    monkeypatch.setattr(card_keeper, "_FIRST_CALL_S", 60.0)
    pretended.calling = False
    said: list[str] = []
    keeper = CardKeeper(engine, on_message=said.append)
    keeper.start()
    try:
        time.sleep(3 * card_keeper.SILENT_S)
        pretended.calling = True
        wait_for(lambda: engine.snapshot().frame > 0)
    finally:
        keeper.stop()
    assert len(said) == 1 and said[0].startswith("Playing on")


@pytest.mark.parametrize(("asked", "seen"), [(48000, 128), (128, 48000)])
def test_a_card_of_long_calls_is_given_longer(engine, pretended, asked, seen):
    said: list[str] = []
    keeper = CardKeeper(engine, on_message=said.append)
    keeper.start()
    try:
        wait_for(lambda: engine.snapshot().frame > 0)
        (card,) = pretended.opened
        pretended.calling = False
        card._frames = asked
        store_word(engine.address + field_offset("host_frames_high"), seen)
        time.sleep(3 * card_keeper.SILENT_S)
        assert len(said) == 1 and said[0].startswith("Playing on")
    finally:
        keeper.stop()


def test_a_card_that_opens_but_does_not_start_is_closed(engine, pretended, monkeypatch):
    stopped = []

    def refuse(card):
        raise DeviceError("no start")

    monkeypatch.setattr(pretended, "begin", refuse)
    monkeypatch.setattr(pretended, "stop", lambda card: stopped.append(card))
    keeper = CardKeeper(engine, on_message=lambda _: None)
    with pytest.raises(DeviceError, match="no start"):
        keeper.start()
    assert stopped == pretended.opened and not keeper._virtual.running


def test_a_card_that_comes_back_brings_its_input_again(pretended):
    engine, messages = Engine(Plan(0, 128, 48000, 16), np.ones((2, 1, 16))), []
    engine.prepare_tap(30.0)
    live = LiveInput(engine, np.ones((1, 1)))
    keeper = CardKeeper(engine, on_message=messages.append, live=live)
    keeper.start()
    wait_for(lambda: engine.read_tap().any())
    assert any("drift apart" in text for text in messages), "two devices, two clocks"
    pretended.plugged = pretended.calling = False
    wait_for(lambda: plays_unheard(keeper))
    engine.read_tap()
    blocks = engine.snapshot().blocks
    wait_for(lambda: engine.snapshot().blocks > blocks + 20)
    assert not len(engine.read_tap()), "without an input nothing is made of it"
    assert live.status().padded_frames == 0
    pretended.plugged = pretended.calling = True
    wait_for(lambda: not plays_unheard(keeper))
    wait_for(lambda: len(engine.read_tap()) > 0)
    assert pretended.opened[-1].asked == ("Pretended (Test)", "Microphone (Test)")
    assert keeper.status().live.input_to_ears_s == pytest.approx(0.01)
    keeper.stop()


def test_a_fault_as_a_lost_card_is_opened_is_told_once_and_the_card_is_looked_for_again(engine, pretended, monkeypatch):
    said, tries, beats = [], [], []
    opened = pretended.__init__

    def open_it(card, *given, **how):
        tries.append(1)
        if 1 < len(tries) < 5:
            raise ValueError("a fault")
        opened(card, *given, **how)

    monkeypatch.setattr(pretended, "__init__", open_it)
    beat = SimpleNamespace(go=lambda: beats.append("goes"), rest=lambda: beats.append("rests"))
    keeper = CardKeeper(engine, on_message=said.append, beat=beat)
    keeper.start()
    try:
        wait_for(lambda: engine.snapshot().frame > 0)
        pretended.calling = False
        wait_for(lambda: plays_unheard(keeper))
        frame = engine.snapshot().frame
        pretended.calling = True
        wait_for(lambda: not plays_unheard(keeper))
        assert engine.snapshot().frame > frame, "the time line went on"
    finally:
        keeper.stop()
    assert [text for text in said if "fault" in text] == [
        "The watch of the sound card has a fault (ValueError: a fault) and tries again."
    ]
    assert beats[0] == "goes" and beats[-1] == "rests" and beats.count("rests") == 1


def test_a_fault_in_the_watch_itself_does_not_end_it(engine, pretended, monkeypatch):
    said, falls = [], [True]
    keeper = CardKeeper(engine, on_message=said.append)

    def fall(card):
        if falls.pop() if falls else False:
            raise OSError("a fault")
        lose(card)

    lose = keeper._lose
    monkeypatch.setattr(keeper, "_lose", fall)
    keeper.start()
    try:
        wait_for(lambda: engine.snapshot().frame > 0)
        pretended.calling = pretended.plugged = False
        wait_for(lambda: plays_unheard(keeper))
    finally:
        keeper.stop()
    assert any("(OSError: a fault)" in text for text in said)
