"""The reader thread hands the source's frames to the ring: all, once, in order, and then the end."""

from threading import Lock

import numpy as np
import pytest

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
