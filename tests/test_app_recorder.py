"""A recording holds what the card got, whatever card, and a failing disk does not stop the sound."""

import ctypes
from threading import Event

import numpy as np
import pytest
import soundfile

from rt_render.app import recorder as recorder_module
from rt_render.app.recorder import Recorder
from rt_render.engine.engine import Engine
from rt_render.engine.plan import Plan
from rt_render.io.wav_writer import OutputFileError
from rt_render.kernels.cards import compile_sound_card
from rt_render.kernels.state import LINK
from rt_render.kernels.turn import pass_turn

STREAM = 7


@pytest.fixture
def engine():
    random = np.random.default_rng(2)
    engine = Engine(Plan(1, 64, 48000, 64), random.normal(0, 0.05, (2, 4, 64)))
    engine.prepare_capture(1.0)
    engine.ring.write(random.normal(0, 0.3, (8192, 4)).astype(np.float32))
    return engine


def call_as_a_sound_card(engine, sizes):
    """Call the native callback as PortAudio does, for buffers of these sizes; return what it delivered."""
    link = np.zeros(1, LINK)
    link[0]["state"], link[0]["stream"] = engine.address, STREAM
    assert pass_turn(engine.address, 0, STREAM)
    pointer = ctypes.c_void_p
    callback = ctypes.CFUNCTYPE(ctypes.c_int32, pointer, pointer, ctypes.c_uint64, pointer, ctypes.c_uint64, pointer)(
        compile_sound_card().address
    )
    buffers = []
    for n_frames in sizes:
        buffer = np.full((n_frames, 2), np.nan, np.float32)
        assert callback(None, buffer.ctypes.data, n_frames, None, 0, link.ctypes.data) == 0
        buffers.append(buffer)
    return np.concatenate(buffers)


@pytest.mark.parametrize("sizes", [[64] * 20, [100] * 12, [1, 63, 64, 65, 511, 3, 200]])
def test_what_a_sound_card_gets_is_recorded_in_whole_blocks(engine, tmp_path, sizes):
    recorder = Recorder(engine, tmp_path / "a.wav", force=False, on_message=print)
    recorder.start()
    delivered = call_as_a_sound_card(engine, sizes)
    recorder.close()
    recorder.close()
    kept, fs_hz = soundfile.read(tmp_path / "a.wav", dtype="float32")
    assert fs_hz == 48000 and len(kept) % 64 == 0 and len(kept) - len(delivered) in range(64)
    np.testing.assert_array_equal(kept[: len(delivered)], delivered)
    assert np.abs(kept).max() > 0.01


def test_a_disk_that_takes_no_more_ends_the_recording_with_a_sentence(engine, tmp_path, monkeypatch):
    said = []
    recorder = Recorder(engine, tmp_path / "a.wav", force=False, on_message=said.append)

    def refuse(frames):
        raise OutputFileError("a.wav could not be finished: No space left on device")

    monkeypatch.setattr(recorder._writer, "write", refuse)
    recorder.start()
    recorder._thread.join(timeout=10)
    assert not recorder._thread.is_alive() and said == ["a.wav could not be finished: No space left on device"]
    assert not recorder.beat.died, "it has said why it ended"
    recorder.close()


def test_frames_that_found_no_room_are_told_without_blaming_the_disk_alone(engine, tmp_path):
    said = []
    recorder = Recorder(engine, tmp_path / "a.wav", force=False, on_message=said.append)
    call_as_a_sound_card(engine, [64] * 760)  # 1 s is kept, and nobody drains it
    recorder.close()
    written, sentence = said
    assert written == f"{tmp_path / 'a.wav'} is written: what both ears got"
    assert "a.wav lacks" in sentence and sentence.endswith("the disk was too slow, or the computer stood still")


@pytest.fixture
def hanging(engine, tmp_path, monkeypatch):
    """A recorder whose disk does not answer, and what it says."""
    said, asked, answers = [], Event(), Event()
    monkeypatch.setattr(recorder_module, "END_S", 0.05)
    recorder = Recorder(engine, tmp_path / "a.wav", force=False, on_message=said.append)
    write = recorder._writer.write
    monkeypatch.setattr(recorder._writer, "write", lambda frames: (asked.set(), answers.wait(30), write(frames)))
    recorder.start()
    assert asked.wait(10)
    yield recorder, said
    answers.set()
    recorder._thread.join(10)
    assert not recorder._thread.is_alive()


def test_a_disk_that_hangs_does_not_hold_up_quitting_and_what_is_unfinished_is_told(hanging, tmp_path):
    recorder, said = hanging
    with pytest.raises(OutputFileError) as caught:
        recorder.close()
    assert str(caught.value) == (
        f"{tmp_path / 'a.wav'} is not finished: its disk has not answered for 0.05 s; "
        f"what was written so far is in {tmp_path / 'a.wav.partial'}."
    )
    recorder.close()
    assert not said and not (tmp_path / "a.wav").exists()


def test_a_disk_that_hangs_is_seen_while_it_records(hanging):
    recorder, _ = hanging
    assert recorder.beat.on_disk and recorder.beat.trouble(0.0).startswith("the recording a.wav has stood still for")
    recorder.abandon()


def test_a_disk_that_hangs_does_not_hold_up_giving_up(hanging):
    recorder, said = hanging
    recorder.abandon()
    assert len(said) == 1 and "is not finished: its disk has not answered" in said[0]


def test_a_name_that_is_taken_at_the_end_is_an_error(engine, tmp_path):
    recorder = Recorder(engine, tmp_path / "a.wav", force=False, on_message=print)
    (tmp_path / "a.wav").touch()
    with pytest.raises(OutputFileError, match="exists already"):
        recorder.close()


def test_a_recording_that_is_given_up_leaves_nothing(engine, tmp_path):
    for started in (False, True):
        recorder = Recorder(engine, tmp_path / "a.wav", force=False, on_message=print)
        if started:
            recorder.start()
        recorder.abandon()
        assert not list(tmp_path.iterdir())


def test_a_fault_ends_the_recording_in_a_sentence_and_its_thread_as_it_should(engine, tmp_path, monkeypatch):
    said, told = [], Event()
    recorder = Recorder(
        engine, tmp_path / "a.wav", force=False, on_message=lambda text: (said.append(text), told.set())
    )

    def fail():
        raise ZeroDivisionError("a fault")

    monkeypatch.setattr(engine, "read_capture", fail)
    recorder.start()
    assert told.wait(5.0)
    recorder.close()
    assert len(said) == 1 and "is recorded no further (ZeroDivisionError: a fault): what was" in said[0]
    assert not recorder.beat.died
