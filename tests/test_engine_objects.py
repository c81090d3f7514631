"""Objects: encoded where they are, moved without a click, the same samples for every block size."""

from itertools import pairwise
from threading import Thread

import numpy as np
import pytest
from engine_tools import run_blocks
from scipy.optimize import brentq
from scipy.spatial.transform import Rotation, Slerp

from rt_render.ambisonics.harmonics import cartesian_to_spherical, real_sh_sn3d
from rt_render.conventions import BLOCK_SIZES, n_sh
from rt_render.engine.air import absorption_db_per_m, low_pass_keep
from rt_render.engine.engine import Engine
from rt_render.engine.objects import spread_weights
from rt_render.engine.plan import Plan
from rt_render.errors import ConfigurationError

FS_HZ = 48000
KNOT = 64
SETTLED_FRAMES = 4800
POINTS = np.random.default_rng(8).standard_normal((100, 3))
POINTS /= np.linalg.norm(POINTS, axis=1, keepdims=True)


def exact(order: int, direction: object) -> np.ndarray:
    return real_sh_sn3d(order, *cartesian_to_spherical(direction))


def object_engine(n_objects: int, order: int = 3, block_size: int = 64) -> Engine:
    return Engine(Plan(order, block_size, FS_HZ, 1, n_objects=n_objects), np.zeros((2, n_sh(order), 1)))


def field_of(engine: Engine, signals: np.ndarray, before_block=lambda block: None) -> np.ndarray:
    """Return the field (n, n_sh) that an engine makes of signals (n, n_objects), the head ahead."""
    signals = signals.astype(np.float32)
    size, fields, written = engine.plan.block_size, [], 0
    for block in range(len(signals) // size):
        n = min(engine.ring.free_frames(), len(signals) - written)
        engine.ring.write(signals[written : written + n])
        written += n
        if written == len(signals) and n:
            engine.ring.set_end()
        before_block(block)
        run_blocks(engine, 1)
        fields.append(engine.last_field())
    return np.concatenate(fields)


@pytest.mark.parametrize("order", range(8))
def test_an_object_is_encoded_exactly_where_it_is_from_its_first_frame_on(order):
    engine = object_engine(20, order)
    for index in range(20):
        engine.objects.place(index, 3.0 * POINTS[index], 0.0)
    engine.objects.publish()
    signals = 0.1 * np.random.default_rng(order).standard_normal((256, 20))
    wanted = signals.astype(np.float32) @ exact(order, POINTS[:20])
    assert np.abs(field_of(engine, signals) - wanted).max() < 2e-6


def test_a_hundred_directions_agree_with_the_exact_harmonics_at_order_7():
    for points in (POINTS[:50], POINTS[50:]):
        engine = object_engine(50, 7)
        for index, point in enumerate(points):
            engine.objects.place(index, point, 1e-3)
        engine.objects.publish()
        signals = np.zeros((50 * KNOT, 50))
        signals[np.arange(50) * KNOT, np.arange(50)] = 1.0
        heard = field_of(engine, signals)[np.arange(50) * KNOT]
        assert np.abs(heard - exact(7, points)).max() < 3e-6


def test_poles_and_axes_are_exact():
    axes = np.concatenate([np.eye(3), -np.eye(3)])
    engine = object_engine(6, 7)
    for index, axis in enumerate(axes):
        engine.objects.place(index, axis, 0.0)
    engine.objects.publish()
    heard = field_of(engine, np.repeat(np.eye(6), KNOT, axis=0))[::KNOT]
    assert np.abs(heard - exact(7, axes)).max() < 2e-6


def test_a_moved_object_settles_at_its_new_place_and_rests_there():
    engine = object_engine(3, 5)
    signals = np.full((SETTLED_FRAMES * 2, 3), 0.1)

    def move(block):
        if block == 10:
            engine.objects.place(1, [0, -1, 1], 2.0)
            engine.objects.publish()

    field = field_of(engine, signals, move)
    air = exact(5, [1, 0, 0]) * 0.1
    settled = exact(5, [0, -1, 1]) * 0.1 / 2
    assert np.abs(field[-1] - (2 * air + settled)).max() < 1e-6
    assert (field[-KNOT:] == field[-1]).all()


@pytest.mark.parametrize("block_size", BLOCK_SIZES)
def test_every_block_size_gives_the_very_same_samples(block_size):
    def render(size):
        engine = object_engine(5, 4, size)
        times_s = [0.0, 0.1, 0.2, 0.25]
        engine.objects.set_path(3, times_s, POINTS[:4], [1.0, 3.0, 40.0, 2.0], repeats=True)
        engine.objects.place(0, POINTS[7], 12.0)
        engine.objects.publish()

        def move(block):
            if block * size == 4096:
                engine.objects.place(0, POINTS[9], 1.0)
                engine.objects.set_spread(1, 2.0)
                engine.objects.publish()

        return field_of(engine, 0.1 * np.random.default_rng(1).standard_normal((3 * 4096, 5)), move)

    assert np.array_equal(render(block_size), render(64))


def test_a_path_goes_along_great_circles_at_the_time_of_the_source():
    times_s = np.array([0.0, 0.2, 0.5])
    corners = np.array([[1.0, 0, 0], [0, 1.0, 0], [0.0, 0.6, 0.8]])
    engine = object_engine(1, 3)
    engine.objects.set_path(0, times_s, corners, [0.5, 0.5, 0.5])
    engine.objects.publish()
    field = field_of(engine, np.ones((28800, 1)))
    at_s = np.arange(28800) / FS_HZ
    arcs = [Rotation.align_vectors([b], [a])[0] for a, b in pairwise(corners)]
    turns = Rotation.concatenate([Rotation.identity(), arcs[0], arcs[1] * arcs[0]])
    directions = Slerp(times_s, turns)(np.minimum(at_s, 0.5)).apply(corners[0])
    error = np.abs(field - exact(3, directions)).max(axis=1)
    away_from_corners = (np.abs(at_s[:, None] - times_s) > 0.05).all(axis=1)
    # the glide takes (order x speed x 4 ms)^2 of what moves: 0.9 % at 450 degrees/s
    assert error[away_from_corners & (at_s < 0.2)].max() < 0.009
    assert error[away_from_corners & (at_s > 0.2)].max() < 0.0015
    assert error.max() < 0.05  # corners are rounded off


def test_a_path_that_repeats_goes_round_and_round_and_seeking_takes_it_up():
    engine = object_engine(1, 1)
    angles = np.deg2rad([0, 120, 240, 360])
    around = np.stack([np.cos(angles), np.sin(angles), 0 * angles], 1)
    engine.objects.set_path(0, [0, 1 / 12, 2 / 12, 3 / 12], around, np.ones(4), repeats=True)
    engine.objects.publish()
    field = field_of(engine, np.ones((28800, 1)))
    assert np.abs(field[2400:16000] - field[14400:28000]).max() < 5e-4
    engine.pause()
    run_blocks(engine, 8)
    engine.reset(6016)
    engine.play()
    again = field_of(engine, np.ones((64 * 64, 1)))
    assert np.abs(again[0] - exact(1, [np.cos(np.pi * 6016 / 6000), np.sin(np.pi * 6016 / 6000), 0])).max() < 2e-3


@pytest.mark.parametrize("repeats", [False, True])
def test_where_an_object_is_said_to_be_on_its_path_is_where_it_is_heard(repeats):
    times_s, corners = [0.05, 0.15, 0.3], np.array([[1.0, 0, 0], [0, 1.0, 0], [0.0, 0.6, 0.8]])
    engine = object_engine(1, 1)
    engine.objects.set_path(0, times_s, corners, [1.0, 0.4, 0.9], repeats=repeats)
    engine.objects.publish()
    said = []
    field = field_of(engine, np.ones((28800, 1)), lambda block: said.append(engine.objects.where(0)))
    directions, distances_m = np.array([place[0] for place in said]), np.array([place[1] for place in said])
    assert np.allclose(np.linalg.norm(directions, axis=1), 1.0)
    # it is rounded off for some ms behind a corner, and fades over where the path begins again
    at_s = np.arange(len(said)) * KNOT / FS_HZ
    at_s = at_s % 0.3 if repeats else at_s
    away_from_corners = (np.abs(at_s[:, None] - [0.0, *times_s]) > 0.04).all(axis=1)
    error = np.abs(field[::KNOT] - exact(1, directions)).max(axis=1)
    assert away_from_corners.sum() > 100 and error[away_from_corners].max() < 0.005
    assert np.allclose(distances_m[away_from_corners], np.interp(at_s, times_s, [1.0, 0.4, 0.9])[away_from_corners])


def test_a_place_on_a_path_is_whole_while_blocks_are_rendered():
    engine = object_engine(3, 1)
    # the static place is in front; the path, an arc in the plane x = 0, never goes there
    engine.objects.set_path(1, [0.0, 1.0], [[0, 1, 0], [0, 0, 1]], [2.0, 2.0], repeats=True)
    engine.objects.publish()
    engine.ring.write(np.zeros((engine.ring.free_frames(), 3), np.float32))
    rendering = Thread(target=run_blocks, args=(engine, 20_000))
    rendering.start()
    places = []
    while rendering.is_alive() or not places:
        places.append(engine.objects.where(1))
    rendering.join()
    assert all(abs(direction[0]) < 1e-9 and distance_m == 2.0 for direction, distance_m in places)


def test_an_object_that_is_moved_leaves_its_path_until_it_is_let_follow_again():
    engine = object_engine(1, 1)
    engine.objects.set_path(0, [0.0], [[0, 1, 0]], [1.0])
    engine.objects.publish()

    def move(block):
        if block == 10:
            engine.objects.place(0, [0, 0, 1], 1.0)
        if block == 200:
            assert engine.objects.follow_path(0)
        engine.objects.publish()

    field = field_of(engine, np.ones((400 * 64, 1)), move)
    assert np.allclose(field[600], exact(1, [0, 1, 0]), atol=1e-3)
    assert np.allclose(field[190 * 64], exact(1, [0, 0, 1]), atol=1e-3)
    assert np.allclose(field[-1], exact(1, [0, 1, 0]), atol=1e-3)
    direction, distance_m = engine.objects.where(0)
    assert np.allclose(direction, [0, 1, 0]) and distance_m == 1.0


def test_gains_have_no_step_and_no_kink_where_an_object_jumps():
    engine = object_engine(1, 3)

    def jump(block):
        if block == 20:
            engine.objects.place(0, [-1, 0, 0], 1.0)
            engine.objects.publish()

    gains = field_of(engine, np.ones((9600, 1)), jump)[:, 3]
    step = np.diff(gains)
    assert gains[0] == pytest.approx(1, abs=1e-3) and gains[-1] == pytest.approx(-1, abs=1e-3)
    assert np.abs(step).max() < 2 / (0.005 * FS_HZ)
    assert np.abs(np.diff(step)).max() < 2 / (0.015 * FS_HZ)
    moved_s = np.flatnonzero(gains < -0.8)[0] / FS_HZ - 20 * 64 / FS_HZ
    assert 0.01 < moved_s < 0.02


@pytest.mark.parametrize("distance_m", [0.0, 0.5, 1.0, 2.0, 30.0, 500.0])
def test_distance_makes_quieter_beyond_a_metre_and_duller_as_air_does(distance_m):
    engine = object_engine(1, 0)
    engine.objects.place(0, [1, 0, 0], distance_m)
    engine.objects.publish()
    impulse = np.zeros((4096, 1))
    impulse[0] = 1.0
    response = np.fft.rfft(field_of(engine, impulse)[:, 0])
    f_hz = np.fft.rfftfreq(4096, 1 / FS_HZ)
    keep = low_pass_keep(max(0.0, distance_m - 1.0), FS_HZ)
    z = np.exp(-2j * np.pi * f_hz / FS_HZ)
    assert np.allclose(response, (1 - keep) / (1 - keep * z) / max(1.0, distance_m), rtol=5e-3)


def test_the_air_takes_what_the_standard_says():
    # ISO 9613-1, table 1: dB/km at 20 degrees and 50 %; at 10 degrees and 70 %
    wanted = {125: 0.445, 1000: 4.66, 2000: 9.89, 4000: 29.7, 8000: 105.0}
    assert np.allclose(1000 * absorption_db_per_m(list(wanted)), list(wanted.values()), rtol=0.02)
    assert 1000 * absorption_db_per_m(1000.0, 10.0, 70.0) == pytest.approx(3.66, rel=0.02)


@pytest.mark.parametrize(("distance_m", "f_hz"), [(5.0, 10000.0), (15.0, 10000.0), (60.0, None), (400.0, None)])
def test_the_low_pass_takes_what_the_air_does_where_that_is_3_db_or_at_10_khz(distance_m, f_hz):
    f_hz = f_hz or brentq(lambda f: distance_m * absorption_db_per_m(f) - 3.0, 100, 20000)
    pole = low_pass_keep(distance_m, FS_HZ)
    taken_db = -20 * np.log10(np.abs((1 - pole) / (1 - pole * np.exp(-2j * np.pi * f_hz / FS_HZ))))
    assert taken_db == pytest.approx(distance_m * absorption_db_per_m(f_hz), rel=1e-3)


def test_spread_weighs_degrees_as_a_cap_of_waves_does():
    spread = np.deg2rad(70.0)
    rng = np.random.default_rng(3)
    z = rng.uniform(np.cos(spread / 2), 1, 200_000)
    azimuth = rng.uniform(0, 2 * np.pi, len(z))
    mean = real_sh_sn3d(7, azimuth, np.arcsin(z)).mean(axis=0)
    zenith = exact(7, [0, 0, 1])
    degrees = [n * n + n for n in range(8)]
    assert np.allclose(mean[degrees] / zenith[degrees], spread_weights(spread), atol=5e-3)
    assert np.array_equal(spread_weights(0.0), np.ones(8))
    assert np.allclose(spread_weights(2 * np.pi), [1, *np.zeros(7)])


def test_muted_objects_fall_to_nothing_and_cost_no_denormals():
    engine = object_engine(2, 2)
    engine.objects.set_gain(0, 0.0)

    def mute(block):
        if block == 5:
            engine.objects.set_gain(1, 0.0)
            engine.objects.publish()

    engine.objects.publish()
    field = field_of(engine, np.ones((9600 * 2, 2)), mute)
    assert not field[-1].any()
    size = np.abs(field[field != 0])
    assert size.min() > 1e-30


def test_a_signal_that_is_not_finite_is_counted_and_silent():
    engine = object_engine(3, 1)
    signals = np.full((640, 3), 0.1)
    signals[100, 1] = np.nan
    signals[200, 2] = np.inf
    assert np.isfinite(field_of(engine, signals)).all()
    assert engine.snapshot().non_finite == 2


def test_what_was_published_is_freed_once_no_block_can_read_it():
    engine = object_engine(1, 1)
    engine.ring.write(np.ones((9600, 1), np.float32))
    for _ in range(50):
        engine.objects.publish()
    run_blocks(engine, 2)
    engine.snapshot()
    assert not engine.objects._retired


def test_more_objects_than_the_engine_takes_are_refused():
    with pytest.raises(ConfigurationError, match="65 objects cannot be rendered: 0 to 64"):
        Plan(1, n_objects=65)
