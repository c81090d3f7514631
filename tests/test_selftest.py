"""The self-test finds every fault that is put into the chain, names the link, and finds none where there is none."""

import json
import signal
import sys
from dataclasses import replace
from functools import cache
from math import degrees

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware_bridge import quaternion
from firmware_bridge.dialects.table import DIALECTS
from firmware_bridge.messages import Motion
from firmware_bridge.opening import open_bridge
from firmware_bridge.osc.device import device_of
from firmware_bridge.osc.dialects import find_dialect as find_osc_dialect
from firmware_bridge.settings import BridgeSettings
from rt_render.app import cli
from rt_render.app.decoding import load_head, make_decoder
from rt_render.app.selftest import run
from rt_render.app.selftest.chain import Chain
from rt_render.app.selftest.dialects import all_dialects, tells_all_angles
from rt_render.app.selftest.faults import faults, find_fault, sound_of, unlikeness
from rt_render.app.selftest.judge import judge
from rt_render.app.selftest.known_field import KnownField
from rt_render.app.selftest.links import check_decoder, check_dialect, check_head, check_mailbox, check_rotation
from rt_render.app.selftest.live import play_live
from rt_render.app.selftest.played import Player
from rt_render.app.selftest.reference import Reference
from rt_render.app.selftest.run import self_test, worn_dialect
from rt_render.app.selftest.trials import TRIALS, head_from_world, heard_directions
from rt_render.app.settings import Head
from rt_render.app.settings_file import load_settings
from rt_render.engine.engine import Engine
from rt_render.errors import ConfigurationError, TrackerError

FS_HZ, BLOCK = 48000, 128


def with_angles(change):
    """A bend of a quaternion that changes its yaw, pitch and roll."""

    def bend(quat):
        yaw, pitch, roll = quaternion.to_yaw_pitch_roll_deg(quat)
        return tuple(quaternion.from_yaw_pitch_roll_deg(*change(yaw, pitch, roll)).tolist())

    return bend


BENDS = {
    "yaw inverted": with_angles(lambda yaw, pitch, roll: (-yaw, pitch, roll)),
    "pitch inverted": with_angles(lambda yaw, pitch, roll: (yaw, -pitch, roll)),
    "roll inverted": with_angles(lambda yaw, pitch, roll: (yaw, pitch, -roll)),
    "degrees taken for radians": with_angles(lambda *angles: tuple(map(degrees, angles))),
    "yaw and roll swapped": with_angles(lambda yaw, pitch, roll: (roll, pitch, yaw)),
    "transposed": lambda quat: tuple(quaternion.conjugate(quat).tolist()),
}
"""Every fault of the rotation that must be found, as it would happen to a pose."""
EACH_FAULT = pytest.mark.parametrize("fault", BENDS)


class BentDecoder:
    """A decoder of a dialect that understands its orientations wrongly."""

    def __init__(self, dialect, bend):
        self._decoder, self._bend = dialect.make_decoder(), bend
        self.counts = self._decoder.counts

    def feed(self, data):
        return [
            replace(message, quat_wxyz=self._bend(message.quat_wxyz)) if isinstance(message, Motion) else message
            for message in self._decoder.feed(data)
        ]

    def reset(self):
        self._decoder.reset()


def bent_engine(bend):
    """An engine whose rotation is wrong, wherever the pose comes from."""

    class BentEngine(Engine):
        followed = None

        def follow_timeline(self, times_s, quats):
            self.followed = None
            super().follow_timeline(times_s, [bend(quat) for quat in np.asarray(quats, np.float64)])

        def follow_mailbox(self, mailbox):
            self.followed = mailbox

        def process(self, out):
            pose = self.followed.read() if self.followed is not None else None
            if pose is not None:
                super().follow_timeline([0.0], [bend(pose.quat_world_from_head)])
            super().process(out)

    return BentEngine


def bent_mailbox(bend):
    def publish(mailbox, pose):
        mailbox.publish(replace(pose, quat_world_from_head=bend(pose.quat_world_from_head)))

    return publish


def swapped(decoder):
    return replace(decoder, filters=np.ascontiguousarray(decoder.filters[::-1]))


@cache
def load_head_once(name):
    return load_head(name, FS_HZ, print).resampled(FS_HZ)


@cache
def reference_of(head="kemar", order=3, method="auto"):
    chosen = Head(head=head, method=method)
    return Reference(load_head_once(head), make_decoder(chosen, order, FS_HZ))


def player_of(chain, reference):
    return Player(chain, reference.decoder, BLOCK)


def dialect_check(chain, dialect, how=None, reference=None):
    reference = reference or reference_of()
    player = player_of(Chain(), reference)
    return check_dialect(
        chain, dialect, how or BridgeSettings(), player, reference, name=dialect.name, by_ear=True, no_height=""
    )


def test_directions_are_those_of_the_quaternions():
    for trial in TRIALS:
        quat = quaternion.from_yaw_pitch_roll_deg(*trial.pose_deg)
        np.testing.assert_allclose(head_from_world(*trial.pose_deg), quaternion.rotation_matrix(quat).T, atol=1e-12)


def test_one_period_of_noise_gives_the_responses_wherever_it_begins():
    field = KnownField(1, FS_HZ, 1024)
    field.face("left")
    ears = np.random.default_rng(1).standard_normal((2, 200)) * np.hanning(200)
    played = field.read(4096)[:, 0]
    heard = np.stack([np.convolve(played, ear)[1500 : 1500 + 1024] for ear in ears], axis=1)
    found = np.roll(field.responses(heard), 1500 % 1024, axis=1)
    # the mean and the highest frequency are not played
    expected = np.fft.rfft(ears, 1024)
    expected[:, [0, -1]] = 0
    np.testing.assert_allclose(found, np.fft.irfft(expected), atol=1e-6)


def test_no_two_faults_sound_alike():
    for reference in (reference_of(), reference_of("sphere", 1, "ls")):
        sounds = [sound_of(fault, TRIALS, reference.ideal) for fault in faults()]
        apart = [unlikeness(a, b) for k, a in enumerate(sounds) for b in sounds[:k]]
        assert min(apart) > 0.6
        for fault, sound in zip(faults()[1:], sounds[1:], strict=True):
            assert find_fault(sound, TRIALS, reference.ideal) is fault
        assert find_fault(sounds[0], TRIALS, reference.ideal) is None


@pytest.mark.parametrize(
    ("head", "order", "method"),
    [*(("kemar", order, "auto") for order in range(1, 8)), ("kemar-df", 3, "auto"), ("sphere", 2, "magls")],
)
def test_nothing_is_wrong_with_a_right_chain_at_any_order_and_head(head, order, method):
    reference = reference_of(head, order, method)
    no_height = reference.why_no_height(TRIALS)
    player = player_of(Chain(), reference)
    for check in (
        check_head(reference),
        check_decoder(reference, no_height),
        check_rotation(player, reference, no_height),
        check_mailbox(player, reference, no_height),
    ):
        assert check.ok, check.sentence
    assert ("too low" in no_height) == (head == "kemar" and order == 1)
    assert ("alike above and below" in no_height) == (head == "sphere")


@pytest.mark.parametrize("dialect", all_dialects(), ids=lambda dialect: dialect.name)
def test_every_dialect_is_heard_as_the_same_rotation(dialect):
    check = dialect_check(Chain(), dialect)
    assert check.ok, check.sentence
    assert len(check.trials) == (len(TRIALS) if tells_all_angles(dialect) else 4)


@EACH_FAULT
@pytest.mark.parametrize("name", ["hbf1", "osc-iem"])
def test_a_fault_of_a_dialect_is_found_and_named(fault, name):
    dialect = device_of(find_osc_dialect("iem")) if name == "osc-iem" else DIALECTS[name]
    check = dialect_check(Chain(make_decoder=lambda one: BentDecoder(one, BENDS[fault])), dialect)
    assert check.ok is False and check.link == "dialect"
    assert check.text == next(known.text for known in faults() if known.name == fault)
    angle = fault.partition(" ")[0]
    step = f'write `invert = ["{angle}"]` in [tracking], or choose the dialect that the device speaks'
    assert check.next_step == step if fault.endswith("inverted") else "report" in check.next_step


@EACH_FAULT
@pytest.mark.parametrize("order", [1, 7])
def test_a_fault_of_the_engine_is_found_at_any_order_and_is_not_the_mailbox(fault, order):
    reference = reference_of(order=order)
    player = player_of(Chain(make_engine=bent_engine(BENDS[fault])), reference)
    check = check_rotation(player, reference, reference.why_no_height(TRIALS))
    assert check.ok is False and check.link == "rotation"
    assert check.text == next(known.text for known in faults() if known.name == fault)


@EACH_FAULT
def test_a_fault_on_the_way_through_the_mailbox_is_found_and_is_not_the_engine(fault):
    reference = reference_of()
    player = player_of(Chain(publish=bent_mailbox(BENDS[fault])), reference)
    assert check_rotation(player, reference, "").ok
    check = check_mailbox(player, reference, "")
    assert check.ok is False and check.link == "mailbox"
    assert "on their way through it" in check.text
    assert check.text.endswith(next(known.text for known in faults() if known.name == fault))


def test_swapped_ears_of_the_decoder_are_found():
    hrirs = load_head_once("kemar")
    for order in (1, 3, 7):
        reference = Reference(hrirs, swapped(reference_of(order=order).decoder))
        assert check_head(reference).ok
        check = check_decoder(reference, "")
        assert check.ok is False and check.link == "decoder" and "the ears are swapped" in check.text


def test_a_head_that_was_measured_the_wrong_way_round_is_found_before_all_else():
    kemar = load_head_once("kemar")
    reference = Reference(replace(kemar, hrirs=kemar.hrirs[:, ::-1]), swapped(reference_of().decoder))
    check = check_head(reference)
    assert check.ok is False and check.link == "head" and "export the SOFA file anew" in check.next_step
    assert check_decoder(reference, "").ok, "the decoder does what the head says"


@settings(max_examples=15, deadline=None)
@given(st.lists(st.floats(-2.0, 2.0), min_size=3 * len(TRIALS), max_size=3 * len(TRIALS)))
def test_small_errors_of_the_pose_are_no_fault(errors):
    reference = reference_of()
    turned = [
        head_from_world(*(angle + error for angle, error in zip(trial.pose_deg, errors[3 * k :], strict=False)))
        for k, trial in enumerate(TRIALS)
    ]
    heard = np.array([turn @ trial.source_unit for turn, trial in zip(turned, TRIALS, strict=True)])
    hearing = judge(reference.ideal(heard), reference)
    assert hearing.ok, hearing.text


def test_height_by_colour_finds_a_pitch_that_is_inverted_alone():
    """Without the compound poses: times and levels between the ears say nothing."""
    reference = reference_of()
    heights = [trial for trial in TRIALS if trial.proves == "height"]
    mirrored = reference.ideal(heard_directions(heights) * [1, 1, -1])
    assert np.abs(mirrored.itd_us).max() < 1 and np.abs(mirrored.ild_db).max() < 0.1
    hearing = judge(mirrored, reference, heights)
    assert not hearing.ok and "the colour is nearer to a sound above" in hearing.trials[0].text


def test_an_inversion_in_the_set_up_is_told_unless_no_source_settles_the_sign():
    inverting = BridgeSettings(invert=("yaw",))
    check = dialect_check(Chain(), DIALECTS["hbf1"], inverting)
    assert check.ok is False and check.link == "settings"
    assert check.text.startswith("yaw is inverted: turning left moved the sound to the left")
    assert check.next_step == 'take "yaw" out of `invert` in [tracking]'
    noted = run._as_set_up(dialect_check(Chain(), DIALECTS["hatire"], inverting), DIALECTS["hatire"], inverting)
    assert noted.ok is None and "either way round" in noted.text
    assert run._as_set_up(check, DIALECTS["hbf1"], inverting) is check


def test_switches_that_undo_a_wrong_dialect_make_it_right():
    bent = Chain(make_decoder=lambda one: BentDecoder(one, BENDS["pitch inverted"]))
    assert dialect_check(bent, DIALECTS["hbf1"], BridgeSettings(invert=("pitch",))).ok


@pytest.mark.parametrize(
    ("choices", "name"),
    [
        ({}, "osc-default"),
        ({"osc_dialect": "iem"}, "osc-iem"),
        ({"tracker": "nvsonic"}, "nvsonic"),
        ({"tracker": "auto"}, "hbf1"),
        ({"tracker": "none"}, "hbf1"),
    ],
)
def test_the_wearable_is_the_one_of_the_set_up(choices, name):
    assert worn_dialect(load_settings(None, choices)).name == name


def test_order_0_is_refused_in_words():
    with pytest.raises(ConfigurationError, match="order 0 carries no direction"):
        self_test(load_settings(None, {"order": 0}))


def test_swapped_channels_of_the_card_are_found_live_and_nothing_else():
    reference = reference_of(order=1)
    trials = [TRIALS[0], TRIALS[5], TRIALS[3]]
    played = [
        play_live(
            Chain(
                open_bridge=lambda how, say: open_bridge(how, process="thread", on_message=say),
                recorded=lambda frames, step=step: frames[:, ::step],
            ),
            DIALECTS["hbf1"],
            BridgeSettings(mounting=False),
            reference.decoder,
            BLOCK,
            reference.n_fft,
            trials,
        )
        for step in (1, -1)
    ]
    right, wrong = (judge(reference.cues(one.ears), reference, trials) for one in played)
    assert right.ok, right.text
    assert wrong.fault is not None and wrong.fault.name == "ears swapped"
    assert max(one.pose_error_deg for one in played) < 0.1
    ideal = reference.ideal(heard_directions(trials))
    assert np.abs(reference.cues(played[0].ears).itd_us - ideal.itd_us).max() < 1.0


def test_the_command_tells_in_json_and_draws_and_leaves_with_1_for_a_wrong_set_up(monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(run, "all_dialects", lambda: [DIALECTS["hbf1"], DIALECTS["nvsonic"]])
    monkeypatch.setattr(signal, "signal", lambda *_: None)

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["rt-render", "selftest", *arguments])
        with pytest.raises(SystemExit) as left:
            cli.main()
        return left.value.code or 0, capsys.readouterr()

    code, said = call("--json", "--osc-dialect", "sparta-quaternion", "--order", "2")
    told = json.loads(said.out)
    assert code == 0 and told["ok"] and told["wrong_link"] == "" and told["order"] == 2
    live = told["checks"][-1]
    assert live["name"] == "whole chain, live" and len(live["trials"]) == len(TRIALS)
    assert (tmp_path / "selftest.png").read_bytes()[:4] == b"\x89PNG"

    def fall_silent(*_):
        raise TrackerError("no pose came.")

    monkeypatch.setattr(run, "play_live", fall_silent)
    (tmp_path / "mine.toml").write_text('[tracking]\ntracker = "hbf1"\ninvert = ["roll"]\n')
    code, said = call("--config", "mine.toml")
    assert code == 2 and said.out == ""
    assert "selftest.png exists already: choose another name, or overwrite with --force." in said.err
    code, said = call("--config", "mine.toml", "--force")
    assert code == 1 and "(drawn in selftest.png)" in said.out
    assert "not judged: your sound card: the virtual one was listened to" in said.out
    assert 'take "roll" out of `invert`' in said.out and "2 of 2 dialects" in said.out
    assert "Wrong is the link 'settings': your set-up (hbf1): roll is inverted" in said.out
    assert "✗ Whole chain, live: no pose came." in said.out
