import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transport_models import BLE, FTDI, START_S, USB_CDC, USB_CDC_LOCKED, WAYS, WRAP_S, hear, map_by_clock

from firmware_bridge.messages import Pong
from firmware_bridge.stages.clock import ClockSummary, DeviceClock
from firmware_bridge.stages.lower_line import LowerLine


def late(heard, from_s=10.0):
    return heard.true_s > heard.true_s[0] + from_s


def run(device_s, arrivals_s, wrap_s=WRAP_S):
    clock = DeviceClock(wrap_s)
    times_s = [clock.host_time_s(d, a) for d, a in zip(device_s.tolist(), arrivals_s.tolist(), strict=True)]
    return np.array(times_s), clock


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("skew_ppm", [35.0, -35.0, 0.0])
def test_over_usb_the_mapped_time_is_within_a_millisecond_after_ten_seconds(skew_ppm, seed):
    heard = hear(USB_CDC, 40.0, skew_ppm=skew_ppm, seed=seed)
    mapped_s, clock = map_by_clock(USB_CDC, heard, ping=False)
    assert np.abs(mapped_s - heard.true_s)[late(heard)].max() < 0.7e-3
    assert clock.summary().skew_ppm == pytest.approx(skew_ppm, abs=5.0)
    assert clock.restarts == 0


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
@pytest.mark.parametrize("ping", [False, True])
def test_mapped_times_never_go_back_and_are_never_later_than_the_arrival(way, ping):
    heard = hear(way, 120.0, rate_hz=100.0)
    assert heard.device_s[-1] < heard.device_s[0], "the device's clock is to wrap in this test"
    mapped_s, clock = map_by_clock(way, heard, ping=ping)
    assert np.all(np.diff(mapped_s) >= 0.0)
    assert np.all(mapped_s <= heard.arrival_s)
    assert clock.restarts == 0


@pytest.mark.parametrize(("way", "largest_ms"), [(USB_CDC_LOCKED, 1.0), (FTDI, 1.1), (BLE, 4.0)])
def test_pings_bound_the_error_where_the_transport_batches(way, largest_ms):
    for seed in range(3):
        heard = hear(way, 50.0, seed=seed)
        plain_s, _ = map_by_clock(way, heard, ping=False, seed=seed)
        pinged_s, clock = map_by_clock(way, heard, ping=True, seed=seed)
        error_ms = 1e3 * np.abs(pinged_s - heard.true_s)[late(heard)]
        assert error_ms.mean() < 1e3 * np.abs(plain_s - heard.true_s)[late(heard)].mean()
        assert error_ms.max() < largest_ms
        assert error_ms[-1] < 1e3 * clock.summary().uncertainty_s
        assert "checked by ping" in clock.summary().in_words()


def test_without_waits_the_line_is_exact():
    device_s = 50.0 + np.arange(4000) / 200.0
    arrivals_s = START_S + device_s * (1.0 - 35e-6)
    mapped_s, clock = run(device_s, arrivals_s)
    assert clock.summary().skew_ppm == pytest.approx(35.0, abs=1.0)
    # Half of what the shortest way may take is subtracted, for it cannot be seen.
    np.testing.assert_allclose(mapped_s[2000:], arrivals_s[2000:] - 0.3e-3, atol=0.05e-3)


@pytest.mark.parametrize("skew_ppm", [10_000.0, -10_000.0])
def test_a_resonator_that_is_off_by_a_percent_is_followed(skew_ppm):
    heard = hear(USB_CDC, 25.0, skew_ppm=skew_ppm)
    mapped_s, clock = map_by_clock(USB_CDC, heard, ping=False)
    assert np.abs(mapped_s - heard.true_s)[late(heard)].max() < 1e-3
    assert clock.restarts == 0


def test_a_stalled_host_does_not_move_the_clock():
    heard = hear(USB_CDC, 30.0)
    arrivals_s = heard.arrival_s.copy()
    stalled = (heard.true_s > START_S + 15.0) & (heard.true_s < START_S + 18.0)
    arrivals_s[stalled] = np.maximum(arrivals_s[stalled], START_S + 18.0)
    mapped_s, clock = run(heard.device_s, np.maximum.accumulate(arrivals_s))
    assert np.abs(mapped_s - heard.true_s)[late(heard)].max() < 1e-3
    assert clock.restarts == 0


def test_the_mapped_clock_is_slewed_by_no_more_than_200_ppm():
    heard = hear(USB_CDC, 40.0, seed=4)
    mapped_s, _ = map_by_clock(USB_CDC, heard, ping=False)
    steps = np.diff(mapped_s)[late(heard)[1:]] / np.diff(heard.true_s)[late(heard)[1:]]
    # Where a frame hardly waited, its arrival bounds its time; that is not the clock's doing.
    free = (mapped_s < heard.arrival_s)[late(heard)]
    assert np.abs(steps[free] - 1.0).max() < 260e-6 + 2e-6 / 5e-3


@pytest.mark.parametrize("gone_s", [0.5, 3.0, 9.0])
def test_a_device_that_was_switched_off_and_on_begins_a_new_line(gone_s):
    before, after = hear(USB_CDC, 10.0, seed=1), hear(USB_CDC, 15.0, seed=2)
    shift_s = 10.0 + gone_s
    device_s = np.concatenate([before.device_s, (after.true_s - START_S) * (1 + 35e-6)])
    true_s = np.concatenate([before.true_s, after.true_s + shift_s])
    mapped_s, clock = run(device_s, np.concatenate([before.arrival_s, after.arrival_s + shift_s]))
    assert clock.restarts == 1
    assert np.all(np.diff(mapped_s) >= 0.0)
    assert np.abs(mapped_s - true_s)[-1000:].max() < 1e-3


@pytest.mark.parametrize(("step_s", "restarts"), [(-2.0, 1), (2.0, 0), (30.0, 1)])
def test_a_clock_that_is_set_while_it_streams_is_found_out(step_s, restarts):
    heard = hear(USB_CDC, 30.0)
    device_s = heard.device_s + np.where(heard.true_s > START_S + 15.0, step_s, 0.0)
    mapped_s, clock = run(device_s, heard.arrival_s)
    assert clock.restarts == restarts, "ahead a little it may be the way that became quicker"
    assert np.all(np.diff(mapped_s) >= 0.0)
    assert np.abs(mapped_s - heard.true_s)[-1000:].max() < 1e-3


def test_a_clock_that_stood_still_for_a_second_is_found_out():
    heard = hear(USB_CDC, 30.0)
    device_s = heard.device_s - np.where(heard.true_s > START_S + 15.0, 1.0, 0.0)
    keep = (heard.true_s < START_S + 15.0) | (heard.true_s > START_S + 16.1)
    mapped_s, clock = run(device_s[keep], heard.arrival_s[keep])
    assert clock.restarts == 0, "nothing tells it from a link that became late"
    assert np.abs(mapped_s - heard.true_s[keep])[-1000:].max() < 1e-3


def counted(times_s, late_s, period_s=0.005, wrap=65536, first=0):
    """Return (device time, arrival, seq) of a device that counts its frames."""
    late_s = np.broadcast_to(late_s, np.shape(times_s))
    seqs = [(first + round((t - times_s[0]) / period_s)) % wrap for t in times_s]
    arrivals_s = np.maximum.accumulate(START_S + np.asarray(times_s) + late_s)
    return list(zip(times_s, arrivals_s.tolist(), seqs, strict=True))


@pytest.mark.parametrize("has_count", [True, False])
def test_a_link_that_becomes_late_and_quick_again_is_no_restart_and_soon_followed(has_count):
    times_s = np.arange(4000) * 0.005
    late_s = np.where((times_s > 8.0) & (times_s < 14.0), 0.4, 0.002)
    clock = DeviceClock(WRAP_S, 65536)
    frames = counted(times_s.tolist(), late_s)
    mapped_s = [clock.host_time_s(t, arrival, seq if has_count else None) for t, arrival, seq in frames]
    assert clock.restarts == 0 and np.all(np.diff(mapped_s) >= 0.0)
    assert mapped_s[2700] == pytest.approx(frames[2700][1], abs=0.01), "after a while late is what the link is"
    assert mapped_s[-1] == pytest.approx(frames[-1][1], abs=0.01)


@pytest.mark.parametrize("has_count", [True, False])
@pytest.mark.parametrize("stalled_s", [12.0, 25.0])
def test_a_host_that_stalls_for_long_takes_no_device_for_restarted(stalled_s, has_count):
    times_s = np.arange(8000) * 0.005
    arrivals_s = START_S + times_s + 0.002
    stalled = (times_s > 10.0) & (times_s < 10.0 + stalled_s)
    arrivals_s[stalled] = START_S + 10.0 + stalled_s
    # What waits is more than the system keeps: the second half of it is lost.
    kept = ~stalled | (times_s < 10.0 + 0.5 * stalled_s)
    clock = DeviceClock(WRAP_S, 65536)
    mapped_s = [
        clock.host_time_s(float(times_s[k]), float(arrivals_s[k]), k if has_count else None)
        for k in np.flatnonzero(kept)
    ]
    assert clock.restarts == 0
    assert np.abs(np.array(mapped_s) - (START_S + times_s + 0.002)[kept]).max() < 2e-3


def test_a_count_that_begins_anew_tells_a_restart_that_the_clock_hides():
    """It ran for 5 s, was away for 20 s, and took 6 s to send again: its clock went on by chance."""
    before = counted((5.0 + np.arange(1000) * 0.005 - 5.0).tolist(), 0.002)
    after = counted((6.0 + np.arange(400) * 0.005).tolist(), 19.0)
    for has_count, restarts in ((True, 1), (False, 0)):
        clock = DeviceClock(WRAP_S, 65536)
        for t, arrival_s, seq in before + after:
            clock.host_time_s(t, arrival_s, seq if has_count else None)
        assert clock.restarts == restarts


def test_lost_frames_and_counts_that_wrap_are_no_restart():
    keep = np.random.default_rng(1).random(6000) > 0.3
    keep[2000:2600] = False
    frames = counted((np.arange(6000) * 0.01).tolist(), 0.3, 0.01, 256)
    frames = [frame for frame, is_kept in zip(frames, keep, strict=True) if is_kept]
    clock = DeviceClock(WRAP_S, 256)
    late = [0.0 if k % 1000 < 500 else 0.4 for k in range(len(frames))]
    for (t, arrival_s, seq), late_s in zip(frames, np.maximum.accumulate(late), strict=True):
        clock.host_time_s(t, arrival_s + float(late_s), seq)
    assert clock.restarts == 0


def test_a_pulled_cable_is_no_restart_where_the_device_has_a_battery():
    heard = hear(USB_CDC, 60.0)
    keep = (heard.true_s < START_S + 10.0) | (heard.true_s > START_S + 50.0)
    mapped_s, clock = run(heard.device_s[keep], heard.arrival_s[keep])
    assert clock.restarts == 0
    assert np.abs(mapped_s - heard.true_s[keep])[-500:].max() < 1e-3


def test_a_short_clock_is_unwrapped_by_the_time_that_passed():
    true_s = START_S + np.concatenate([np.arange(0.0, 5.0, 0.01), np.arange(10.0, 20.0, 0.01)])
    mapped_s, clock = run((true_s - START_S) % 0.65536, true_s + 1e-3, wrap_s=0.65536)
    assert clock.restarts == 0
    np.testing.assert_allclose(mapped_s[600:], true_s[600:] + 0.7e-3, atol=0.1e-3)


def test_datagrams_that_overtake_each_other_are_no_restart():
    clock = DeviceClock(WRAP_S)
    times_s = [clock.host_time_s(t, START_S + 0.01 * i) for i, t in enumerate([1.0, 1.01, 1.03, 1.02, 1.04])]
    assert times_s == sorted(times_s) and clock.restarts == 0


def test_an_answer_from_before_a_restart_bounds_nothing():
    clock = DeviceClock(WRAP_S)
    clock.answer(Pong(1, 5.0, 5.0), 0.0, 1.0)
    clock.host_time_s(2.0, START_S)
    clock.answer(Pong(1, 4000.0, 4000.0), START_S - 0.01, START_S)
    clock.answer(Pong(2, 1.0, 1.9), START_S - 0.01, START_S)
    assert clock.summary() == ClockSummary("device clock", None, None)


def test_the_summary_reads_as_a_line():
    assert ClockSummary("device clock", 34.81, 3.1e-4).in_words() == "device clock, skew +34.8 ppm, within 0.3 ms"
    assert ClockSummary("exact", None, None).in_words() == "exact"


@given(
    st.lists(st.tuples(st.floats(0.0, 100.0), st.floats(0.0, 0.5)), min_size=1, max_size=60),
    st.sampled_from([0.65536, 100.0, WRAP_S, float("inf")]),
)
@settings(max_examples=100, deadline=None)
def test_whatever_a_device_tells_times_rise_and_are_never_in_the_future(frames, wrap_s):
    clock, arrival_s, last_s = DeviceClock(wrap_s), START_S, 0.0
    for device_s, step_s in frames:
        arrival_s += step_s
        time_s = clock.host_time_s(device_s % wrap_s, arrival_s)
        assert last_s <= time_s <= arrival_s
        last_s = time_s


def test_the_line_agrees_with_an_ordinary_fit_of_bucket_minima():
    random = np.random.default_rng(2)
    x = np.arange(0.0, 20.5, 0.01)
    y = 7.0 + 1e-3 * x + random.exponential(2e-3, len(x))
    line = LowerLine(1.0, 30, 2.0)
    for point in zip(x.tolist(), y.tolist(), strict=True):
        line.add(*point)
    lowest = [min(np.flatnonzero(np.floor(x + 1e-9) == k), key=lambda i: y[i] - 1e-3 * x[i]) for k in range(20)]
    slope, start = np.polyfit(x[lowest], y[lowest], 1)
    assert line.value(20.0) == pytest.approx(start + 20.0 * slope, abs=20e-6)
    assert line.slope == pytest.approx(slope, abs=5e-6)
