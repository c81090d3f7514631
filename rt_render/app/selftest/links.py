"""Each link by itself: the head, the decoder, the engine's rotation, the mailbox, and what each dialect tells."""

import numpy as np

from firmware_bridge.dialect import Dialect
from firmware_bridge.pose import PoseSample
from firmware_bridge.quaternion import from_yaw_pitch_roll_deg
from firmware_bridge.settings import BridgeSettings
from rt_render.app.selftest.chain import Chain
from rt_render.app.selftest.dialects import MAX_ERROR_DEG, tells_all_angles, told_by
from rt_render.app.selftest.judge import judge
from rt_render.app.selftest.played import Player, angle_deg
from rt_render.app.selftest.reference import Reference
from rt_render.app.selftest.result import REPORT, Check, next_step_for_dialect
from rt_render.app.selftest.trials import TRIALS, Trial, heard_directions
from rt_render.app.selftest.worn import PoseDeg

EQUAL_DEG = 0.01
"""What a pose may change by rounding."""


def true_pose(trial: Trial) -> PoseSample:
    """Return the pose that a trial asks for."""
    w, x, y, z = from_yaw_pitch_roll_deg(*trial.pose_deg).tolist()
    return PoseSample(0.0, (w, x, y, z))


def check_head(reference: Reference) -> Check:
    """Say whether the head's own measurement has left and right where they belong."""
    sides = [trial for trial in TRIALS if trial.proves == "ears"]
    measured, at_left = reference.measured(heard_directions(sides)), heard_directions(sides)[:, 1] > 0
    for cue in (measured.itd_us, measured.ild_db):
        if np.all((cue < 0) == at_left):
            text = "left and right are swapped in its measurement"
            return Check("head", "measured head", False, text, "export the SOFA file anew, or choose another head")
    return Check("head", "measured head", True)


def check_decoder(reference: Reference, no_height: str) -> Check:
    """Compare what the filters make of plane waves, without an engine, with the measured head."""
    directions = heard_directions(TRIALS)
    ideal, measured = reference.ideal(directions), reference.measured(directions)
    hearing = judge(ideal, reference, no_height=no_height)
    text = hearing.text
    if ideal.ild_db @ measured.ild_db < 0 and ideal.itd_us @ measured.itd_us < 0:
        text = "the ears are swapped: a sound at the left is loud at the right"
    step = f"choose another --method or --order; with the head kemar, {REPORT}"
    return Check("decoder", "decoder", not text, text, step if text else "", hearing.trials)


def check_rotation(player: Player, reference: Reference, no_height: str) -> Check:
    """Play with poses that are given to the engine itself."""
    hearing = judge(reference.cues(player.by_timeline(TRIALS)), reference, no_height=no_height)
    step = "" if hearing.ok else REPORT
    return Check("rotation", "engine: rotation and convolution", hearing.ok, hearing.text, step, hearing.trials)


def check_mailbox(player: Player, reference: Reference, no_height: str) -> Check:
    """Play with poses that are put into the mailbox."""
    ears, error_deg = player.by_mailbox(TRIALS, [true_pose(trial) for trial in TRIALS])
    hearing = judge(reference.cues(ears), reference, no_height=no_height)
    text = hearing.text
    if error_deg > EQUAL_DEG:
        text = f"poses change by up to {error_deg:.0f}° on their way through it" + (f": {text}" if text else "")
    return Check("mailbox", "pose mailbox", not text, text, REPORT if text else "", hearing.trials)


def check_dialect(
    chain: Chain,
    dialect: Dialect,
    settings: BridgeSettings,
    player: Player,
    reference: Reference,
    *,
    name: str,
    by_ear: bool,
    no_height: str,
) -> Check:
    """Let a virtual wearable speak, the bridge understand, and the engine play what came of it.

    `by_ear` False judges the poses alone: where a link behind them is wrong, all would sound wrong.
    """
    everything = tells_all_angles(dialect)
    trials = [trial for trial in TRIALS if everything or trial.pitch_deg == trial.roll_deg == 0]
    poses_deg: tuple[PoseDeg, ...] = tuple(dict.fromkeys(trial.pose_deg for trial in trials))
    told = told_by(chain, dialect, settings, poses_deg)
    if None in told.poses:
        return Check("dialect", name, False, "no pose came of what the wearable sent", REPORT)
    by_pose = {pose_deg: pose for pose_deg, pose in zip(poses_deg, told.poses, strict=True) if pose is not None}
    poses = [by_pose[trial.pose_deg] for trial in trials]
    ears, _ = player.by_mailbox(trials, poses)
    hearing = judge(reference.cues(ears), reference, trials, no_height=no_height)
    worst_deg = max(_error_deg(pose, trial) for pose, trial in zip(poses, trials, strict=True))
    text = hearing.text if by_ear else ""
    if not text and worst_deg > MAX_ERROR_DEG:
        text = f"poses are up to {worst_deg:.0f}° away from those of the wearable"
    if not text:
        return Check("dialect", name, True, trials=hearing.trials)
    decoder_is_wrong = told.decoder_error_deg is not None and told.decoder_error_deg > MAX_ERROR_DEG
    link = "dialect" if decoder_is_wrong or not settings.invert else "settings"
    fault = hearing.fault if by_ear else None
    return Check(link, name, False, text, next_step_for_dialect(fault, settings.invert), hearing.trials)


def _error_deg(pose: PoseSample, trial: Trial) -> float:
    return angle_deg(pose.quat_world_from_head, true_pose(trial).quat_world_from_head)
