"""The quaternion path of a block: where the head is at each knot, from a mailbox or a timeline."""

import math

import numpy as np
from numba.np.numpy_support import carray

from firmware_bridge.mailbox_kernels import POSE_NUMBER, POSE_QUAT, POSE_TIME, bridge_is_lost_rt, read_pose_rt
from rt_render.kernels.jit import rt_jit
from rt_render.kernels.predict import LAST, OFF, absorb_rt, ahead_rt, predict_rt, predicts_rt, remember_rt
from rt_render.kernels.quaternions import advance_rt, step_between_rt
from rt_render.kernels.simd import as_pointer

# compiled anew with the kernels' options, so that it is inlined like the rest
_read_pose_rt = rt_jit(read_pose_rt.py_func)
_bridge_is_lost_rt = rt_jit(bridge_is_lost_rt.py_func)

KNOT_SPACING_FRAMES = 128
"""Frames between the knots of the path; between them the head turns at constant angular velocity."""

LOSS_SLOWNESS = 10.0
"""How much slower than for a person who switches tracking off the field turns to the front when its bridge is lost."""


@rt_jit
def _interpolate(a, b, t, out):
    """Write the rotation a fraction t of the short way from a to b."""
    w = a[0] * b[0] + a[1] * b[1] + a[2] * b[2] + a[3] * b[3]
    sign = 1.0
    if w < 0.0:
        w, sign = -w, -1.0
    if w > 0.9999999:
        ka, kb = 1.0 - t, sign * t
    else:
        angle = math.acos(w)
        s = math.sin(angle)
        ka, kb = math.sin((1.0 - t) * angle) / s, sign * math.sin(t * angle) / s
    w, x = ka * a[0] + kb * b[0], ka * a[1] + kb * b[1]
    y, z = ka * a[2] + kb * b[2], ka * a[3] + kb * b[3]
    s = 1.0 / math.sqrt(w * w + x * x + y * y + z * z)
    out[0], out[1], out[2], out[3] = w * s, x * s, y * s, z * s


@rt_jit
def _look_up(timeline, time_s, out):
    """Write the timeline's rotation at a time; before its first row the first, behind its last the last."""
    n = int(timeline[0, 0])
    low, high = 1, n
    while low < high:
        middle = (low + high + 1) // 2
        if timeline[middle, 0] <= time_s:
            low = middle
        else:
            high = middle - 1
    if low == n or time_s <= timeline[1, 0]:
        out[0], out[1], out[2], out[3] = (
            timeline[low, 1],
            timeline[low, 2],
            timeline[low, 3],
            timeline[low, 4],
        )
    else:
        t = (time_s - timeline[low, 0]) / (timeline[low + 1, 0] - timeline[low, 0])
        _interpolate(timeline[low, 1:], timeline[low + 1, 1:], t, out)


@rt_jit
def _mix_with_front(q, mix):
    """Turn q towards the front: 1 leaves it, 0 is the front."""
    size = math.sqrt(q[1] * q[1] + q[2] * q[2] + q[3] * q[3])
    sign = -1.0 if q[0] < 0.0 else 1.0
    half_angle = mix * math.atan2(size, sign * q[0])
    s = sign * math.sin(half_angle) / size if size > 1e-14 else 0.0
    q[0], q[1], q[2], q[3] = math.cos(half_angle), q[1] * s, q[2] * s, q[3] * s


@rt_jit
def _hold_path_rt(state, n_segments):
    """Lead the path to the last pose by the block's end, at constant angular velocity."""
    path = state.path
    end = path[n_segments]
    for i in range(4):
        end[i] = state.pose[POSE_QUAT + i]
    if state.pose[POSE_NUMBER] == 0.0:
        end[0] = 1.0  # nothing has come yet: look ahead
    for i in range(4):
        state.prediction[LAST + i] = end[i]
    if state.tracking_mix < 1.0:
        _mix_with_front(end, state.tracking_mix)
    if n_segments > 1:
        step = state.path_step
        step_between_rt(path[0], end, n_segments, step)
        for k in range(1, n_segments):
            for i in range(4):
                path[k, i] = path[k - 1, i]
            advance_rt(path[k], step)
    if state.has_path == 0:
        for k in range(n_segments):
            for i in range(4):
                path[k, i] = end[i]
    state.ahead_s = 0.0


@rt_jit
def _predict_path_rt(state, heard_s, is_new, n_segments):
    """Lead the path over where the head is predicted to be when each knot is heard, the first one at `heard_s`."""
    path, pose, memory, cap_s = state.path, state.pose, state.prediction, state.prediction_cap_s
    spacing_s = state.block_size / n_segments / state.fs_hz
    ahead_s = 0.0
    before, predicted = state.knot, state.path_step
    if is_new:
        remember_rt(pose, memory, heard_s, cap_s)
    predict_rt(pose, memory, state.prediction_mode, ahead_rt(pose, memory, heard_s, cap_s), before)
    if state.has_path == 0:
        for i in range(4):
            path[0, i] = memory[LAST + i] = before[i]
        if state.tracking_mix < 1.0:
            _mix_with_front(path[0], state.tracking_mix)
    for k in range(1, n_segments + 1):
        ahead_s = ahead_rt(pose, memory, heard_s + k * spacing_s, cap_s)
        predict_rt(pose, memory, state.prediction_mode, ahead_s, predicted)
        knot = path[k]
        for i in range(4):
            knot[i] = predicted[i]
        absorb_rt(memory, state.prediction_keep, before, knot)
        for i in range(4):
            before[i] = predicted[i]
        if state.tracking_mix < 1.0:
            _mix_with_front(knot, state.tracking_mix)
    state.ahead_s = ahead_s if predicts_rt(pose) else 0.0


@rt_jit
def plan_path_rt(state, now_s):
    """Fill `state.path` for the coming block and return its number of segments.

    Knot 0 is where the last block ended. A timeline is read at each knot's own source time; a mailbox gives
    one pose, reached at the block's end at constant angular velocity, or predicted for when each knot is heard.
    Where the bridge that wrote it is lost the field eases to the front, for nobody else can. Audio thread.
    """
    path = state.path
    n_segments = max(1, state.block_size // KNOT_SPACING_FRAMES)
    spacing = state.block_size // n_segments
    goal = 1.0 if state.tracking != 0 else 0.0
    step = state.tracking_step
    if goal > 0.0 and state.mailbox != 0 and _bridge_is_lost_rt(state.mailbox, now_s, state.pose_age_s):
        goal, step = 0.0, step / LOSS_SLOWNESS
    mix = state.tracking_mix
    if mix < goal:
        mix = min(goal, mix + step)
    else:
        mix = max(goal, mix - step)
    state.tracking_mix = mix

    for i in range(4):
        path[0, i] = path[n_segments, i]

    if state.mailbox != 0:
        if state.mailbox != state.mailbox_read:
            state.mailbox_read = state.mailbox
            state.pose[POSE_NUMBER] = 0.0  # numbers of another mailbox say nothing about this one's
        is_new = _read_pose_rt(state.mailbox, state.pose) == 1
        if state.pose[POSE_NUMBER] > 0.0:
            state.pose_age_s = now_s - state.pose[POSE_TIME]
            if state.pose_age_s > state.stale_after_s:
                state.stale_blocks += 1
        predicts = state.prediction_mode != OFF and state.prediction_cap_s > 0.0
        if predicts and state.pose[POSE_NUMBER] > 0.0:
            heard_s = now_s + state.hear_latency_s + state.filter_onset_s
            _predict_path_rt(state, heard_s, is_new, n_segments)
        else:
            _hold_path_rt(state, n_segments)
    else:
        state.ahead_s = 0.0
        timeline = carray(as_pointer(state.timeline), (1 << 40, 5), np.float64)
        for k in range(1, n_segments + 1):
            _look_up(timeline, (state.frame + k * spacing) / state.fs_hz, path[k])
            if mix < 1.0:
                _mix_with_front(path[k], mix)
        if state.has_path == 0:
            # the first block starts where the head is, instead of sweeping there from the front
            _look_up(timeline, state.frame / state.fs_hz, path[0])
            if mix < 1.0:
                _mix_with_front(path[0], mix)
    return n_segments
