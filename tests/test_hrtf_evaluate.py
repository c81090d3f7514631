"""The judge: zero for the head itself, the known answer for known errors, and itself on a slow twin."""

from dataclasses import replace

import numpy as np
import pytest

from rt_render.hrtf.decoder import design_decoder
from rt_render.hrtf.evaluate import evaluate, evaluate_ears
from rt_render.hrtf.heads import kemar, sphere_head

HEAD = kemar().resampled(48000.0)


def test_the_head_itself_has_no_error():
    judged = evaluate_ears(HEAD.hrirs, 48000.0, HEAD)
    for accuracy in (judged.sphere, judged.horizontal):
        assert max(vars(accuracy).values()) < 1e-9


def test_one_gain_and_one_common_delay_cost_nothing():
    turned = 0.1 * np.pad(HEAD.hrirs, ((0, 0), (0, 0), (37, 0)))
    accuracy = evaluate_ears(turned, 48000.0, HEAD).sphere
    assert accuracy.itd_us < 0.01 and accuracy.itd_env_us < 0.5
    assert accuracy.ild_db < 1e-3 and accuracy.lsd_erb_db < 1e-3 and accuracy.lsd_lin_db < 1e-3


def test_a_late_right_ear_costs_its_delay():
    late = HEAD.hrirs.copy()
    late[:, 1] = np.roll(late[:, 1], 2, axis=1)
    accuracy = evaluate_ears(late, 48000.0, HEAD).sphere
    assert accuracy.itd_us == pytest.approx(2e6 / 48000, rel=0.02)
    assert accuracy.itd_env_us == pytest.approx(2e6 / 48000, rel=0.02)
    assert accuracy.ild_db < 0.05


def test_a_louder_ear_costs_its_level_and_half_of_it_in_colour():
    louder = HEAD.hrirs * np.array([10 ** (3 / 20), 1.0])[:, None]
    accuracy = evaluate_ears(louder, 48000.0, HEAD).sphere
    assert accuracy.ild_db == pytest.approx(3.0)
    assert accuracy.lsd_erb_db == pytest.approx(1.5)
    assert accuracy.lsd_lin_db == pytest.approx(1.5)
    assert accuracy.itd_us < 1e-6


def test_a_few_wrong_directions_weigh_by_their_share_of_the_sphere():
    wrong = HEAD.hrirs.copy()
    chosen = HEAD.elevation_rad > 0.9
    wrong[chosen, 0] *= 10 ** (2 / 20)
    judged = evaluate_ears(wrong, 48000.0, HEAD)
    assert judged.sphere.ild_db == pytest.approx(2.0 * HEAD.weights[chosen].sum(), rel=1e-6)
    assert judged.horizontal.ild_db < 1e-9


def test_filters_are_judged_as_their_plane_waves():
    filters = np.random.default_rng(0).standard_normal((2, 4, 20))
    x, y, z = HEAD.unit_vectors.T
    first_order = np.stack([np.ones_like(x), y, z, x])  # ACN, SN3D, by hand
    ears = np.einsum("nd,ent->det", first_order, filters)
    by_filters, by_ears = evaluate(filters, 48000.0, HEAD), evaluate_ears(ears, 48000.0, HEAD)
    for name, value in vars(by_filters.sphere).items():
        assert value == pytest.approx(vars(by_ears.sphere)[name], rel=1e-6)


def test_the_head_is_resampled_when_rates_differ():
    turned = HEAD.resampled(96000.0).hrirs
    accuracy = evaluate_ears(turned, 96000.0, HEAD).sphere
    assert max(vars(accuracy).values()) < 1e-6


def test_least_squares_at_high_order_falls_to_its_floor():
    head = sphere_head()
    errors = [
        evaluate(design_decoder(head, order, "ls", 256, use_cache=False).filters, 48000.0, head).sphere
        for order in (2, 10)
    ]
    assert errors[1].itd_us < 1.0 < errors[0].itd_us
    assert errors[1].ild_db < errors[0].ild_db


def test_wrong_shapes_are_refused():
    with pytest.raises(ValueError, match=r"\(order \+ 1\)"):
        evaluate(np.zeros((2, 5, 10)), 48000.0, HEAD)
    with pytest.raises(ValueError, match="710"):
        evaluate_ears(np.zeros((3, 2, 10)), 48000.0, HEAD)


def test_a_head_without_a_horizon_is_judged_over_the_sphere_alone():
    high = HEAD.elevation_rad > 0.3
    head = replace(
        HEAD,
        hrirs=HEAD.hrirs[high],
        azimuth_rad=HEAD.azimuth_rad[high],
        elevation_rad=HEAD.elevation_rad[high],
    )
    assert evaluate_ears(head.hrirs, 48000.0, head).horizontal is None
