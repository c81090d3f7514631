"""Where the head will be when the sound is heard: turned on from its last pose by its own turning rate.

Constant angular velocity needs nothing more. The second order adds the angular acceleration, and this is only as
good as it lasts: of a smooth turn it foretells most of what the rate alone misses, of a tremble nothing. So its
share is learnt while the head moves: each new pose says how far the prediction made for it a while ago fell short,
and least squares over the last second say how much of that two measures of the rate foretold, its change
(rad/s²) and the change of that. Noise at rest does not foretell itself, so its share is zero.

The memory of it all is one row of float64, laid out below; a new one is zeros.
"""

import math

from firmware_bridge.mailbox_kernels import POSE_GYRO, POSE_HAS_GYRO, POSE_QUAT, POSE_TIME
from rt_render.kernels.jit import rt_jit
from rt_render.kernels.quaternions import turn_between_rt, turn_by_rt

OFF, CONSTANT, LEARNT = 0, 1, 2
"""Modes of prediction: none, constant angular velocity, and with the learnt share of the acceleration."""

STILL_RAD_S = math.radians(2.0)
"""Slower turning fades out of the prediction: a sensor's noise and offset, not a head that goes somewhere."""
FASTEST_RAD_S = math.radians(4000.0)
"""No head turns faster: such a rate is not believed."""
SPAN_S = 0.008
"""Changes of the rate are taken over so long at least: over less they are mostly noise."""
LEARNING_S = 1.0
"""How long a learnt share is remembered: some gaze shifts."""
NOISE_RAD = math.radians(0.04)
"""What acceleration foretells is believed where it is larger than this."""
MOST_CHANGE, MOST_BEND = 1.3, 2.0
"""Largest shares: a turn never accelerates much longer than it did."""
JUMP_RAD = 0.05
"""A pose so far from where its rates lead is a new zero of the tracker: what was before says nothing of it."""
GAP_S = 0.1
"""After so long without a pose the head's rate is news."""
FRESH_INTERVALS, FRESH_S, FADING_S = 2.0, 0.02, 0.1
"""Where no pose came for so many intervals and so long, the prediction goes back to the last one, in 0.1 s."""
MEAN_SHARE = 0.1
"""Of a new value in the means of interval and delay."""

N_ROWS = 64
"""Poses remembered: 64 ms at 1000 Hz, all the way at lower rates."""
ROW_TIME, ROW_QUAT, ROW_GYRO, ROW_CHANGE, ROW_BEND, ROW_FLOATS = 0, 1, 5, 8, 11, 14
COUNT, INTERVAL, DELAY, NEWS, SUMS, SHARES, ACCELERATION, LAST, TURN, ROWS = 0, 1, 2, 3, 4, 9, 11, 14, 18, 21
"""Offsets: poses in the rows; mean time between poses, and mean age of a new pose when the first sample made with it
is heard (s); when that was for the newest; sums of the regression; shares of change and bend; the acceleration
predicted with (rad/s², head axes); the path's last pose; room for a rotation vector; the rows."""
N_PREDICTION = ROWS + N_ROWS * ROW_FLOATS


@rt_jit
def _row(memory, back):
    """Return where the row of so many poses ago begins; 0 is the newest."""
    return ROWS + ROW_FLOATS * ((int(memory[COUNT]) - 1 - back) % N_ROWS)


@rt_jit
def _older_rt(memory, time_s, age_s):
    """Return how many rows back the newest one is that is so old at least, or the oldest there is; -1 if none."""
    n = min(int(memory[COUNT]), N_ROWS)
    for back in range(n):
        if time_s - memory[_row(memory, back) + ROW_TIME] >= age_s:
            return back
    return n - 1


@rt_jit
def _rate_rt(pose):
    """Return how fast a pose turns in rad/s, -1 where it is not known or cannot be true."""
    gyro = pose[POSE_GYRO:]
    rate = math.sqrt(gyro[0] * gyro[0] + gyro[1] * gyro[1] + gyro[2] * gyro[2])
    # memory that another process can write may hold anything; what is not a number is not below either
    return rate if pose[POSE_HAS_GYRO] != 0.0 and rate < FASTEST_RAD_S else -1.0


@rt_jit
def predicts_rt(pose):
    """Return whether a pose tells how fast the head turns, so that it can be turned on."""
    return _rate_rt(pose) >= 0.0


@rt_jit
def _follows_rt(pose, memory):
    """Return whether a pose is what came of the one before and its rates."""
    row = _row(memory, 0)
    dt = pose[POSE_TIME] - memory[row + ROW_TIME]
    if not 0.0 < dt <= GAP_S:
        return False
    turn = memory[TURN : TURN + 3]
    turn_between_rt(memory[row + ROW_QUAT :], pose[POSE_QUAT:], turn)
    missed = 0.0
    for c in range(3):
        rate = 0.5 * (memory[row + ROW_GYRO + c] + pose[POSE_GYRO + c])
        missed += (turn[c] - dt * rate) ** 2
    return missed < JUMP_RAD * JUMP_RAD


@rt_jit
def _learn_rt(pose, memory, ahead_s):
    """See how far the prediction made `ahead_s` ago fell short, and how much of it the acceleration foretold."""
    back = _older_rt(memory, pose[POSE_TIME], ahead_s)
    if back < 0:
        return
    row = _row(memory, back)
    span = pose[POSE_TIME] - memory[row + ROW_TIME]
    half = 0.5 * span * span
    turn, sums = memory[TURN : TURN + 3], memory[SUMS : SUMS + 5]
    turn_between_rt(memory[row + ROW_QUAT :], pose[POSE_QUAT:], turn)
    dt = pose[POSE_TIME] - memory[_row(memory, 0) + ROW_TIME]
    keep = 1.0 / (1.0 + dt / LEARNING_S)
    for i in range(5):
        sums[i] *= keep
    for c in range(3):
        short = turn[c] - span * memory[row + ROW_GYRO + c]
        change, bend = half * memory[row + ROW_CHANGE + c], half * memory[row + ROW_BEND + c]
        sums[0] += dt * change * change
        sums[1] += dt * change * bend
        sums[2] += dt * bend * bend
        sums[3] += dt * change * short
        sums[4] += dt * bend * short
    noise = NOISE_RAD * NOISE_RAD * LEARNING_S
    aa, bb = sums[0] + noise, sums[2] + noise
    determinant = aa * bb - sums[1] * sums[1]  # above zero: of the sums alone it is not below (Cauchy, Schwarz)
    of_change = (sums[3] * bb - sums[4] * sums[1]) / determinant
    of_bend = (sums[4] * aa - sums[3] * sums[1]) / determinant
    if of_change < 0.0 or of_bend < 0.0:
        of_change, of_bend = max(0.0, sums[3] / aa), 0.0
    memory[SHARES], memory[SHARES + 1] = min(of_change, MOST_CHANGE), min(of_bend, MOST_BEND)


@rt_jit
def remember_rt(pose, memory, heard_s, cap_s):
    """Take in a new pose, a record of `read_pose_rt`, and learn from it.

    `heard_s`: when the first sample made with it is heard. Modifies `memory`. Audio thread, or any one.
    """
    if _rate_rt(pose) < 0.0:
        memory[COUNT] = 0.0
        return
    age, dt = heard_s - pose[POSE_TIME], pose[POSE_TIME] - memory[_row(memory, 0) + ROW_TIME]
    if memory[COUNT] > 0.0 and dt == 0.0:
        return  # given on again, as when the tracker fell silent
    if memory[COUNT] > 0.0 and _follows_rt(pose, memory):
        memory[INTERVAL] += (MEAN_SHARE if memory[INTERVAL] > 0.0 else 1.0) * (dt - memory[INTERVAL])
        memory[DELAY] += MEAN_SHARE * (age - memory[DELAY])
        # predictions reach so far half-way to the next pose
        _learn_rt(pose, memory, min(age, cap_s) + 0.5 * memory[INTERVAL])
    else:
        memory[COUNT] = 0.0
        memory[DELAY] = age
    memory[NEWS] = heard_s
    back = _older_rt(memory, pose[POSE_TIME], SPAN_S)
    before = _row(memory, max(back, 0))
    memory[COUNT] += 1.0
    row = _row(memory, 0)
    memory[row + ROW_TIME] = pose[POSE_TIME]
    for i in range(4):
        memory[row + ROW_QUAT + i] = pose[POSE_QUAT + i]
    for c in range(3):
        rate, change, bend = pose[POSE_GYRO + c], 0.0, 0.0
        if back >= 0:
            change = (rate - memory[before + ROW_GYRO + c]) / (pose[POSE_TIME] - memory[before + ROW_TIME])
            bend = change - memory[before + ROW_CHANGE + c]
        memory[row + ROW_GYRO + c], memory[row + ROW_CHANGE + c], memory[row + ROW_BEND + c] = rate, change, bend
        memory[ACCELERATION + c] = memory[SHARES] * change + memory[SHARES + 1] * bend


@rt_jit
def ahead_rt(pose, memory, heard_s, cap_s):
    """Return how far ahead of its last pose the head is to be predicted, in seconds, for what is heard at `heard_s`.

    Never more than `cap_s` and one interval between poses, its mean, of 0.1 s at most: of a pose's way from the sensor
    to the ears up to `cap_s` is made up for, and for one interval the wait for the next pose is followed, so that
    motion between slow poses is smooth. Then the head stands, and where a pose is long overdue the prediction fades.
    Interval: between poses that were read, so of the sensor, or of the blocks where these are longer. Audio thread,
    or any one.
    """
    beyond = max(0.0, memory[DELAY] - cap_s)
    reach = min(heard_s - pose[POSE_TIME] - beyond, cap_s + memory[INTERVAL])
    overdue = heard_s - memory[NEWS] - max(FRESH_S, FRESH_INTERVALS * memory[INTERVAL])
    trust = min(1.0, max(0.0, 1.0 - overdue / FADING_S))
    return trust * max(0.0, reach)


@rt_jit
def predict_rt(pose, memory, mode, ahead_s, out):
    """Write where the head is `ahead_s` after its last pose; the pose itself, bit for bit, for 0 or less.

    `pose`: a record of `read_pose_rt`, taken in by `remember_rt`; `out`: 4 float64. Modifies `out` and the
    working room of `memory`. Audio thread, or any one.
    """
    for i in range(4):
        out[i] = pose[POSE_QUAT + i]
    rate = _rate_rt(pose)
    if not ahead_s > 0.0 or rate < 0.0:
        return
    x = min(1.0, rate / STILL_RAD_S)
    velocity = ahead_s * x * x * (3.0 - 2.0 * x)
    acceleration = 0.5 * ahead_s * ahead_s if mode == LEARNT else 0.0
    turn = memory[TURN : TURN + 3]
    for c in range(3):
        turn[c] = velocity * pose[POSE_GYRO + c] + acceleration * memory[ACCELERATION + c]
    turn_by_rt(out, turn, 1.0)


@rt_jit
def absorb_rt(memory, keep, before, q):
    """Let a path that was off the prediction approach it: q becomes its next pose.

    `before`, `q`: what is predicted for the path's last pose and for this one; `keep`: share of the error that is
    left at this one. A new pose thus bends the path instead of breaking it, and steady motion is followed without
    lag. Modifies `q` and `memory`. Audio thread, or any one.
    """
    turn = memory[TURN : TURN + 3]
    last = memory[LAST : LAST + 4]
    turn_between_rt(before, last, turn)
    turn_by_rt(q, turn, keep)
    for i in range(4):
        last[i] = q[i]
