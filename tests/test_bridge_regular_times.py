import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transport_models import BLE, FTDI, START_S, USB_CDC, WAYS, hear, map_by_count

from firmware_bridge.stages.regular_times import MAX_WAIT_S, RegularTimes


def run(arrivals_s, seqs=None, seq_wrap=None):
    times = RegularTimes(seq_wrap)
    mapped_s = [
        times.host_time_s(None if seqs is None else int(seqs[i]), arrival_s)
        for i, arrival_s in enumerate(arrivals_s.tolist())
    ]
    return np.array(mapped_s), times


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
@pytest.mark.parametrize("counted", [True, False])
def test_lumps_are_smoothed_and_times_stay_in_order(way, counted):
    heard = hear(way, 20.0)
    seqs = [i % 256 for i in range(len(heard.true_s))] if counted else None
    mapped_s, times = map_by_count(heard, seqs, 256)
    assert np.all(np.diff(mapped_s) >= 0.0) and np.all(mapped_s <= heard.arrival_s)
    late = heard.true_s > START_S + 3.0
    error_s, arrival_error_s = (mapped_s - heard.true_s)[late], (heard.arrival_s - heard.true_s)[late]
    assert error_s.std() < 0.45 * arrival_error_s.std()
    assert np.abs(error_s.mean()) < arrival_error_s.mean()
    assert times.period_s == pytest.approx(0.005, rel=0.01)
    assert times.summary().kind == "no device clock, arrivals regularised"


def test_with_a_sequence_lost_frames_cost_nothing():
    heard = hear(FTDI, 20.0, rate_hz=100.0)
    kept = np.flatnonzero(np.random.default_rng(0).random(len(heard.true_s)) > 0.05)
    mapped_s, _ = run(heard.arrival_s[kept], kept % 256, 256)
    assert (mapped_s - heard.true_s[kept])[300:].std() < 1e-3


def test_without_a_sequence_lost_frames_are_noticed_by_the_time_they_leave_open():
    true_s = START_S + np.arange(2000) * 0.01
    kept = np.ones(2000, bool)
    kept[[700, 1100, 1101, 1500]] = False
    arrivals_s = USB_CDC.up(true_s, np.random.default_rng(0))
    mapped_s, _ = run(arrivals_s[kept])
    error_s = mapped_s - true_s[kept]
    settled = np.ones(2000, bool)
    for gap in (700, 1100, 1500):
        settled[gap : gap + 60] = False
    assert np.abs(error_s[settled[kept] & (true_s[kept] > START_S + 2.0)]).max() < 2e-3


@pytest.mark.parametrize("rates_hz", [(100.0, 70.0), (100.0, 130.0), (50.0, 200.0)])
def test_a_change_of_rate_is_followed(rates_hz):
    first, second = rates_hz
    true_s = START_S + np.concatenate([np.arange(0.0, 6.0, 1.0 / first), np.arange(6.0, 16.0, 1.0 / second)])
    arrivals_s = USB_CDC.up(true_s, np.random.default_rng(1))
    mapped_s, times = run(arrivals_s)
    assert times.period_s == pytest.approx(1.0 / second, rel=0.01)
    assert np.abs(mapped_s - true_s)[true_s > START_S + 11.0].max() < 2e-3


def test_a_gap_begins_anew_with_the_known_period():
    true_s = START_S + np.concatenate([np.arange(0.0, 5.0, 0.01), np.arange(8.0, 12.0, 0.01)])
    mapped_s, times = run(USB_CDC.up(true_s, np.random.default_rng(1)))
    assert np.abs(mapped_s - true_s)[500:].max() < 12e-3
    assert np.abs(mapped_s - true_s)[-200:].max() < 2e-3
    assert times.period_s == pytest.approx(0.01, rel=0.01)


def test_a_device_that_counts_anew_is_followed():
    true_s = START_S + np.arange(1000) * 0.01
    seqs = np.concatenate([np.arange(40_000, 40_500), np.arange(500)])
    mapped_s, _ = run(USB_CDC.up(true_s, np.random.default_rng(1)), seqs, 65536)
    assert np.abs(mapped_s - true_s)[600:].max() < 10e-3
    assert np.abs(mapped_s - true_s)[-200:].max() < 2e-3


def test_a_sender_without_a_steady_rate_keeps_its_arrivals_and_it_is_said():
    arrivals_s = START_S + np.cumsum(np.random.default_rng(0).exponential(0.01, 4000))
    mapped_s, times = run(arrivals_s)
    assert np.mean(mapped_s[400:] == arrivals_s[400:]) > 0.9
    assert np.all(arrivals_s - mapped_s <= MAX_WAIT_S + 1e-9)
    times_s = [times.summary().in_words()]
    for arrival_s in (arrivals_s[-1] + np.cumsum(np.random.default_rng(1).exponential(0.01, 200))).tolist():
        times.host_time_s(None, arrival_s)
        times_s.append(times.summary().in_words())
    assert "no device clock and no steady rate, times are arrivals" in times_s


def test_the_first_frames_keep_their_arrivals():
    arrivals_s = START_S + np.arange(7) * 0.01
    mapped_s, times = run(arrivals_s)
    np.testing.assert_array_equal(mapped_s, arrivals_s)
    assert times.period_s is None and "so far" in times.summary().in_words()


def test_retries_over_the_air_do_not_bend_the_times():
    heard = hear(BLE, 30.0, rate_hz=100.0)
    mapped_s, _ = map_by_count(heard, None, None)
    late = heard.true_s > START_S + 5.0
    steps_s = np.diff(mapped_s[late])
    assert np.percentile(np.abs(steps_s - 0.01), 95) < 1e-3
    assert np.percentile(np.abs(np.diff(heard.arrival_s[late]) - 0.01), 95) > 5e-3


@given(
    st.lists(st.tuples(st.integers(0, 255), st.floats(0.0, 0.6)), min_size=1, max_size=120),
    st.sampled_from([None, 256]),
)
@settings(max_examples=100, deadline=None)
def test_whatever_comes_times_rise_and_are_never_in_the_future(frames, seq_wrap):
    times, arrival_s, last_s = RegularTimes(seq_wrap), START_S, 0.0
    for seq, step_s in frames:
        arrival_s += step_s
        time_s = times.host_time_s(seq if seq_wrap else None, arrival_s)
        assert last_s <= time_s <= arrival_s
        last_s = time_s
