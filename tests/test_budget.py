"""The motion-to-sound budget: sums that are known, a slow twin, and the words that go with it."""

from dataclasses import replace

import numpy as np
import pytest

from rt_render.app.budget import Spread, budget_of, heard_poses, parts_s, predicted, spread_of
from rt_render.app.budget_meter import BudgetMeter
from rt_render.app.budget_terms import Terms, half_way_s, terms_of
from rt_render.app.budget_words import EXPLAINED, budget_line, budget_markdown, device_advice
from rt_render.app.thinned import Thinned
from rt_render.engine.plan import Plan
from rt_render.engine.prepared_state import CORRECTION_S
from rt_render.kernels.state import FLAG_FROZEN, FLAG_STALE, trace_dtype

BLOCK_S, ONSET_S = 128 / 48000, 44 / 48000
TERMS = Terms(BLOCK_S, ONSET_S, easing_s=0.0075, cap_s=0.06, predicts=False)
PREDICTS = replace(TERMS, predicts=True)


def trace(seconds=10.0, rate_hz=199.3, transport_s=0.0004, device_s=0.02, extra_s=0.0, block_s=BLOCK_S):
    """Blocks that follow each other, and the poses of a perfect sensor that they find."""
    rows = np.zeros(int(seconds / block_s), trace_dtype(128))
    rows["block"] = 1 + np.arange(len(rows))
    rows["begin_s"] = 1000.0 + block_s * np.arange(len(rows))
    rows["hear_s"] = rows["begin_s"] + device_s + extra_s
    newest = np.floor((rows["begin_s"] - 1000.0 - transport_s) * rate_hz)
    rows["pose_number"] = np.maximum(newest + 1, 0)
    rows["pose_time_s"] = np.where(newest >= 0, 1000.0 + newest / rate_hz, 0.0)
    return rows


def slow_delays_s(rows, moments_s, block_s, onset_s):
    """For each moment of a movement the first block whose pose knows of it, heard half-way through that block."""
    delays = []
    for moment in moments_s:
        row = next(row for row in rows if row["pose_time_s"] >= moment)
        delays.append(row["hear_s"] + 0.5 * block_s + onset_s - moment)
    return np.array(delays)


@pytest.mark.parametrize(("rate_hz", "block_s"), [(24.7, BLOCK_S), (199.3, BLOCK_S), (1003.7, BLOCK_S), (99.1, 0.02)])
def test_the_total_is_that_of_movements_at_any_moment(rate_hz, block_s):
    rows, terms = trace(rate_hz=rate_hz, block_s=block_s), replace(TERMS, block_s=block_s)
    budget = budget_of(heard_poses(rows, terms), predicted(rows, terms), terms)
    moments = np.random.default_rng(1).uniform(1001.0, 1009.0, 3000)
    slow = 1e3 * np.percentile(slow_delays_s(rows, moments, block_s, ONSET_S), [50, 95])
    assert budget.total.p50_ms == pytest.approx(slow[0], abs=0.06 * (1e3 / rate_hz + 1e3 * block_s))
    assert budget.total.p95_ms == pytest.approx(slow[1], abs=0.06 * (1e3 / rate_hz + 1e3 * block_s))


def test_each_part_is_what_was_put_in():
    rows, terms = trace(device_s=0.015, extra_s=0.1), replace(TERMS, extra_s=0.1)
    parts, weights = parts_s(heard_poses(rows, terms), terms)
    assert list(parts) == list(EXPLAINED)
    mean = {name: float(np.average(values, weights=weights)) for name, values in parts.items()}
    assert mean["sensor and transport"] == pytest.approx(0.5 / 199.3 + 0.0004, abs=1e-4)
    assert mean["wait for the block"] == pytest.approx(0.5 * BLOCK_S, abs=1e-4)
    assert mean["block"] == pytest.approx(0.5 * BLOCK_S) and mean["easing"] == 0.0
    assert mean["device"] == pytest.approx(0.015)
    assert mean["filters"] == pytest.approx(ONSET_S)
    assert mean["extra"] == pytest.approx(0.1)


def test_with_prediction_a_movement_waits_for_the_easing_and_not_for_half_a_block():
    rows = trace()
    straight, eased = (
        budget_of(heard_poses(rows, terms), predicted(rows, terms), terms) for terms in (TERMS, PREDICTS)
    )
    assert eased.parts["block"] == Spread(0.0, 0.0, 0.0) and eased.parts["easing"] == Spread(7.5, 7.5, 7.5)
    assert eased.total.p50_ms - straight.total.p50_ms == pytest.approx(7.5 - 500.0 * BLOCK_S, abs=0.002)
    assert "easing 7.5" in budget_line(eased) and "easing" not in budget_line(straight)
    assert "block 1.3" in budget_line(straight) and "block" not in budget_line(eased)


def test_a_meter_tells_the_easing_of_those_poses_that_came_while_prediction_was_on():
    rows, meter = trace(), BudgetMeter(TERMS)
    half = len(rows) // 2
    meter.take(rows[:half])
    meter.set_prediction("learnt")
    meter.take(rows[half:])
    parts, weights = parts_s(meter._poses.values(), TERMS)
    assert np.average(parts["easing"] > 0.0, weights=weights) == pytest.approx(0.5, abs=0.01)
    meter.set_prediction("off")
    meter.take(trace()[:half])
    assert not meter._recent[-1][1]["eased"].any()


@pytest.mark.parametrize("block_size", [32, 64, 128, 256, 2048])
def test_an_unforeseen_pose_is_reached_half_way_when_it_is_claimed(block_size):
    knot_s = min(block_size, 128) / 48000
    keep, left, before, time_s = np.exp(-knot_s / CORRECTION_S), 1.0, 1.0, 0.0
    while left > 0.5:
        before, left, time_s = left, left * keep, time_s + knot_s
    expected = time_s - knot_s * (0.5 - left) / (before - left)
    assert half_way_s(block_size, 48000) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("prediction", "cap_ms"), [("off", 60.0), ("learnt", 0.0), ("learnt", 60.0), ("constant", 60.0)]
)
def test_the_terms_are_those_of_the_plan_and_of_the_settings(prediction, cap_ms):
    terms = terms_of(Plan(3, 512, 48000, 256), onset_s=ONSET_S, prediction=prediction, cap_ms=cap_ms, extra_s=0.1)
    assert terms.predicts == (prediction != "off" and cap_ms > 0.0)
    assert (terms.block_s, terms.onset_s, terms.extra_s) == (512 / 48000, ONSET_S, 0.1)
    assert terms.easing_s == half_way_s(512, 48000) and terms.cap_s == pytest.approx(1e-3 * cap_ms)


def test_a_pose_that_was_late_on_its_way_is_not_blamed_on_the_block():
    rows = trace()
    rows["pose_time_s"] -= np.where(np.arange(len(rows)) > len(rows) // 2, 0.03, 0.0)
    poses = heard_poses(rows, TERMS)
    late = poses["age_s"] > 0.02
    assert late.any()
    parts, _ = parts_s(poses, TERMS)
    waits = parts["wait for the block"].reshape(len(poses), -1)[late]
    assert waits.max() <= BLOCK_S + 1e-9


def test_poses_of_blocks_that_nobody_heard_do_not_count():
    rows = trace()
    n_all = len(heard_poses(rows, TERMS))
    for name, value in (("hear_s", 0.0), ("flags", FLAG_FROZEN), ("flags", FLAG_STALE)):
        unheard = rows.copy()
        unheard[name][: len(rows) // 2] = value
        assert 0.4 * n_all < len(heard_poses(unheard, TERMS)) < 0.6 * n_all
    assert budget_of(heard_poses(rows[:1], TERMS), np.zeros((0, 2)), TERMS) is None


def test_of_no_poses_there_are_no_parts():
    parts, weights = parts_s(heard_poses(trace()[:1], TERMS), TERMS)
    assert list(parts) == list(EXPLAINED) and len(weights) == 0
    assert all(len(values) == 0 for values in parts.values())


def test_a_silence_of_the_tracker_is_no_latency():
    rows = trace()
    silent = (rows["begin_s"] > 1003.0) & (rows["begin_s"] < 1005.0)
    rows["pose_time_s"][silent], rows["pose_number"][silent] = rows[~silent & (rows["begin_s"] < 1003.0)][-1][
        ["pose_time_s", "pose_number"]
    ]
    assert heard_poses(rows, TERMS)["interval_s"].max() < 0.01


def slots_missed_after(rows, i, n_slots):
    """Let block i be late by some slots: it goes out behind them, and the next begins after it, with a newer pose."""
    rows = rows.copy()
    rows["missed_slots"][i + 1 :] += n_slots
    for name in ("begin_s", "hear_s", "pose_time_s"):
        rows[name][i + 1 :] += n_slots * BLOCK_S
    return rows


def test_a_block_that_was_late_is_heard_later_by_the_slots_it_missed():
    rows = trace(rate_hz=1.0 / BLOCK_S, device_s=0.02)
    rows["ahead_s"] = np.where(rows["pose_number"] > 0, 0.01, 0.0)
    late = slots_missed_after(rows, 1000, 7)
    before, after = (heard_poses(each, TERMS) for each in (rows, late))
    extra_s = after["device_s"] - before["device_s"]
    assert extra_s.max() == pytest.approx(7 * BLOCK_S) and np.count_nonzero(extra_s > 1e-9) == 1
    assert after["begin_s"][np.argmax(extra_s)] == late["begin_s"][1000]
    worst = [budget_of(heard_poses(each, TERMS), predicted(each, TERMS), TERMS) for each in (rows, late)]
    assert worst[1].parts["device"].worst_ms - worst[0].parts["device"].worst_ms == pytest.approx(
        7e3 * BLOCK_S, abs=0.002
    )
    assert worst[1].left.worst_ms - worst[0].left.worst_ms == pytest.approx(7e3 * BLOCK_S, abs=0.002)
    assert worst[1].total.p50_ms == pytest.approx(worst[0].total.p50_ms, abs=1e3 * BLOCK_S / 3)


def test_slots_missed_by_blocks_of_which_no_row_tells_are_nobodys():
    rows = trace(rate_hz=1.0 / BLOCK_S)
    lost = np.delete(slots_missed_after(rows, 1000, 7), np.arange(995, 1005))
    assert heard_poses(lost, TERMS)["device_s"].max() == pytest.approx(0.02)


def test_no_block_is_heard_before_it_is_finished():
    rows = trace(rate_hz=1.0 / BLOCK_S, device_s=0.02)
    rows["block_ns"] = 1_000_000
    rows["block_ns"][1000] = 600_000_000
    device_s = heard_poses(rows, TERMS)["device_s"]
    assert device_s.max() == pytest.approx(0.6) and np.sort(device_s)[-2] == pytest.approx(0.02)


def test_a_meter_knows_of_a_late_block_though_its_slots_are_told_with_the_next():
    rows = slots_missed_after(trace(rate_hz=1.0 / BLOCK_S, seconds=2.0), 500, 3)
    meter = BudgetMeter(TERMS)
    for k in range(len(rows)):
        meter.take(rows[k : k + 1])
    assert meter.whole().parts["device"].worst_ms == pytest.approx(20.0 + 3e3 * BLOCK_S, abs=0.002)


def test_what_is_predicted_away_is_told_and_what_is_left():
    rows = trace(device_s=0.08)
    full = rows["hear_s"] + BLOCK_S + ONSET_S - rows["pose_time_s"]
    rows["ahead_s"] = np.where(rows["pose_number"] > 0, full - 0.025, 0.0)
    budget = budget_of(heard_poses(rows, PREDICTS), predicted(rows, PREDICTS), PREDICTS)
    assert budget.cap_ms == 60.0 and budget.interval.p50_ms == pytest.approx(1e3 / 199.3, abs=0.002)
    assert budget.left.p50_ms == budget.left.worst_ms == pytest.approx(25.0)
    assert "predicted 61" in budget_line(budget) and "25.0 ms late" in budget_line(budget)
    assert "in time" in budget_line(replace(budget, left=Spread(0.0, 0.0, 0.0)))
    assert "predicted" not in budget_line(replace(budget, ahead=None, left=None))


def test_a_meter_fed_in_pieces_tells_what_one_look_tells():
    rows = trace(seconds=20.0)
    meter = BudgetMeter(TERMS)
    for piece in np.array_split(rows, 137):
        meter.take(piece)
    whole = budget_of(heard_poses(rows, TERMS), predicted(rows, TERMS), TERMS)
    assert meter.whole() == whole
    now_s = float(rows["begin_s"][-1])
    recent = meter.recent(now_s)
    assert recent.n_poses == pytest.approx(5.0 * 200, abs=40)
    assert meter.recent(now_s + 0.5) is recent
    assert meter.recent(now_s + 60.0) is None
    assert BudgetMeter(TERMS).whole() is None


@pytest.mark.parametrize("n", [1, 7, 8, 9, 100, 1001])
def test_thinned_values_are_every_second_fourth_eighth_and_the_worst(n):
    values = np.arange(float(n))
    ranks = np.where(values == n // 3, 1.0, 0.0)
    kept = Thinned((), np.float64, max_values=8)
    for piece in np.array_split(values, 5):
        kept.add(piece, ranks[piece.astype(int)])
    assert kept.n_added == n
    found = kept.values()
    assert len(found) <= 9
    if n < 8:
        assert (found == values).all()
    else:
        stride = found[1]
        assert (found[:-1] == stride * np.arange(len(found) - 1)).all() and found[-2] > n - 1 - stride
        assert found[-1] == n // 3


def test_spread_counts_by_weight():
    spread = spread_of(np.array([0.003, 0.001, 0.002]), np.array([1.0, 18.0, 1.0]))
    assert spread == Spread(1.0, 2.0, 3.0)
    assert spread_of(np.full(10, 0.004)) == Spread(4.0, 4.0, 4.0)


def budget_with(device_ms, extra_ms=0.0, block_s=BLOCK_S):
    rows = trace(seconds=2.0, device_s=1e-3 * device_ms, extra_s=1e-3 * extra_ms, block_s=block_s)
    terms = replace(TERMS, block_s=block_s, extra_s=1e-3 * extra_ms)
    return budget_of(heard_poses(rows, terms), np.zeros((0, 2)), terms)


def test_a_slow_device_is_told_plainly_and_what_to_do():
    assert device_advice(None, 128, "ALSA") is None
    assert device_advice(budget_with(20.0), 2048, "ALSA") is None
    slow = device_advice(budget_with(90.0), 2048, "ALSA")
    assert "the sound device alone takes 90 ms" in slow and "60 ms" in slow
    assert "--block 128" in slow and "JACK" in slow and "cable" in slow
    assert "--block" not in device_advice(budget_with(90.0), 128, "JACK Audio Connection Kit")
    wireless = device_advice(budget_with(5.0, 180.0), 128, "ALSA")
    assert wireless.startswith("the way to the ears takes 180 ms and the sound device 5 ms, and listeners notice 60 ms")
    assert "cable" in wireless and "JACK" not in wireless
    both = device_advice(budget_with(90.0, 40.0), 128, "ALSA")
    assert both.startswith("the sound device takes 90 ms and the way to the ears 40 ms, and") and "alone" not in both


def test_large_blocks_are_told_where_the_device_alone_is_quick_enough():
    slow = budget_with(45.0, block_s=2048 / 48000)
    assert slow.parts["device"].p50_ms < 60.0 < slow.total.p50_ms
    advice = device_advice(slow, 2048, "JACK")
    assert advice.startswith("a movement is heard after") and "ask for smaller blocks (--block 128)" in advice
    assert device_advice(slow, 128, "JACK") is None and device_advice(budget_with(45.0), 2048, "JACK") is None


def test_nothing_is_minus_nothing():
    spread = spread_of(np.full(3, -4e-7))
    assert "-" not in f"{spread.p50_ms}{spread.p95_ms}{spread.worst_ms}"
    left = Spread(-0.004, -0.001, 0.0)
    assert "-0" not in budget_markdown(replace(budget_with(20.0), ahead=Spread(20.0, 20.0, 20.0), left=left), None)


def test_a_report_has_a_row_for_each_part_and_none_without_poses():
    page = budget_markdown(budget_with(20.0), None)
    assert all(f"| {name} |" in page for name in (*EXPLAINED, "together"))
    assert "Too slow" not in page
    assert "**Too slow:** take another one." in budget_markdown(budget_with(90.0), "take another one")
    assert budget_markdown(None, None) == ""
    assert budget_line(None) == "no pose was heard yet"
