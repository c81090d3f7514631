"""The reader thread hands the source's frames to the ring: all, once, in order, and then the end."""

from threading import Event, Lock

import numpy as np
import pytest

from rt_render.io import ring_feeder
from rt_render.io.ring_feeder import RingFeeder


class CountingSource:
    """Frame k is k + channel / 16, so that any loss, doubling or reordering shows."""

    fs_hz, order, title = 48000, 1, "counting"

    def __init__(self, n_frames, fails_at=None):
        self.n_frames, self.fails_at = n_frames, fails_at
        self.notes = ["4 channels → order 1"]
        self.position, self.closed = 0, False

    def read(self, n_frames):
        assert not self.closed
        if self.fails_at is not None and self.position >= self.fails_at:
            raise OSError("the stick was pulled out")
        k = min(n_frames, self.n_frames - self.position)
        frames = np.arange(self.position, self.position + k)[:, None] + np.arange(4) / 16
        self.position += k
        if k < n_frames:
            self.notes.append("that was all")
        return frames.astype(np.float32)

    def seek(self, frame):
        self.position = frame

    def close(self):
        self.closed = True


class ListRing:
    """The engine's ring interface over a list, emptied by the test."""

    def __init__(self, capacity_frames=1000, n_channels=4):
        self.capacity_frames, self.n_channels = capacity_frames, n_channels
        self.frames, self.ended, self.lock = [], 0, Lock()

    def free_frames(self):
        with self.lock:
            return self.capacity_frames - len(self.frames)

    def write(self, frames):
        with self.lock:
            assert not self.ended and frames.shape[1] == self.n_channels and frames.dtype == np.float32
            assert len(self.frames) + len(frames) <= self.capacity_frames
            self.frames.extend(frames.copy())

    def set_end(self):
        self.ended += 1

    def take(self, n_frames):
        with self.lock:
            taken, self.frames = self.frames[:n_frames], self.frames[n_frames:]
        return taken

    def flush(self):
        self.take(self.capacity_frames)
        self.ended = 0


def drain(feeder, ring):
    taken = []
    while not (feeder.ended and not ring.frames):
        taken.extend(ring.take(300))
    return np.array(taken)


def test_all_frames_arrive_once_and_in_order_then_the_end():
    source, ring, messages = CountingSource(10_007), ListRing(), []
    feeder = RingFeeder(source, ring, idle_s=0.001, on_message=messages.append)
    feeder.start()
    assert feeder.wait_until_full(10)
    out = drain(feeder, ring)
    np.testing.assert_array_equal(out, CountingSource(10_007).read(10_007))
    feeder.close()
    feeder.close()
    assert ring.ended == 1 and source.closed and messages == ["that was all"]


@pytest.mark.parametrize("n_channels", [1, 4, 9])
def test_channels_are_filled_up_with_zeros_or_left_out(n_channels):
    ring = ListRing(n_channels=n_channels)
    feeder = RingFeeder(CountingSource(700), ring, idle_s=0.001)
    feeder.start()
    out = drain(feeder, ring)
    feeder.close()
    expected = np.zeros((700, n_channels))
    expected[:, :4] = CountingSource(700).read(700)[:, :n_channels]
    np.testing.assert_array_equal(out, expected)


def test_a_full_ring_is_left_alone_until_there_is_room():
    source, ring = CountingSource(10**9), ListRing()
    feeder = RingFeeder(source, ring, chunk_frames=64, idle_s=0.001)
    feeder.start()
    assert feeder.wait_until_full(10)
    feeder.stop()
    assert len(ring.frames) == source.position == 960 and not feeder.ended
    feeder.start()
    assert feeder.wait_until_full(10)
    feeder.close()


def test_restart_goes_on_from_the_frame_asked_for_even_after_the_end():
    ring = ListRing()
    feeder = RingFeeder(CountingSource(5000), ring, idle_s=0.001)
    feeder.start()
    feeder.wait_until_full(10)
    feeder.stop()
    ring.flush()
    feeder.restart(4000)
    np.testing.assert_array_equal(drain(feeder, ring)[:, 0], np.arange(4000, 5000))
    assert ring.ended == 1
    ring.flush()
    feeder.restart(4990)
    np.testing.assert_array_equal(drain(feeder, ring)[:, 0], np.arange(4990, 5000))
    feeder.close()


def test_a_source_that_raises_ends_the_playing_and_is_told():
    ring, messages = ListRing(), []
    feeder = RingFeeder(CountingSource(10**6, fails_at=1200), ring, idle_s=0.001, on_message=messages.append)
    feeder.start()
    out = drain(feeder, ring)
    assert len(out) >= 1200 and ring.ended == 1
    assert messages == ["counting stopped: the stick was pulled out"]
    feeder.close()


class HangingSource(CountingSource):
    """Hangs in the read at `hangs_at`, or in any seek, until `answers` is set."""

    def __init__(self, n_frames, hangs_at):
        super().__init__(n_frames)
        self.hangs_at, self.hangs, self.answers, self.shut = hangs_at, Event(), Event(), Event()

    def _hang(self):
        self.hangs.set()
        assert self.answers.wait(30)

    def read(self, n_frames):
        if self.position >= self.hangs_at:
            self._hang()
        return super().read(n_frames)

    def seek(self, frame):
        self._hang()
        super().seek(frame)

    def close(self):
        super().close()
        self.shut.set()


@pytest.fixture
def hanging(monkeypatch):
    """A feeder whose source hangs at frame 500 of 5000, its ring and its messages."""
    monkeypatch.setattr(ring_feeder, "HANG_S", 0.05)
    source, ring, messages = HangingSource(5000, 500), ListRing(), []
    feeder = RingFeeder(source, ring, chunk_frames=100, idle_s=0.001, on_message=messages.append)
    feeder.start()
    assert source.hangs.wait(10)
    return source, ring, feeder, messages


def test_a_source_that_hangs_is_left_behind_with_a_sentence_and_closes_when_it_answers(hanging):
    source, ring, feeder, messages = hanging
    feeder.close()
    feeder.close()
    assert messages == ["counting does not answer: it was left behind"] and not source.closed
    source.answers.set()
    assert source.shut.wait(10)
    assert len(ring.frames) == 500 and ring.ended == 0


def test_a_source_that_hangs_when_it_shall_stop_is_read_on_when_it_answers(hanging):
    source, ring, feeder, messages = hanging
    assert not feeder.stop() and not feeder.restart(0)
    source.answers.set()
    np.testing.assert_array_equal(drain(feeder, ring)[:, 0], np.arange(5000))
    assert feeder.stop()
    feeder.close()
    assert source.closed and messages == ["that was all"]


def test_a_seek_that_hangs_holds_up_the_reader_thread_only(hanging):
    source, ring, feeder, _ = hanging
    source.answers.set()
    drain(feeder, ring)
    source.answers.clear()
    source.hangs.clear()
    ring.flush()
    assert feeder.restart(4990)
    assert source.hangs.wait(10) and not ring.frames
    source.answers.set()
    np.testing.assert_array_equal(drain(feeder, ring)[:, 0], np.arange(4990, 5000))
    feeder.close()
