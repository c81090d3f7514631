"""When is a stream believed? At once with a CRC, else after frames in a row that only a tracker sends.

Where a stream mixes frames with a CRC and weaker ones, the strong ones prove it; the weak ones have to follow.

Random bytes pass any decoder without a checksum now and then, and random floats are mostly tiny: they look
like a head that stays near the front. What they cannot do is come at a steady rate and move smoothly, many
times in a row. A stream that is believed needs less: a frame that cannot be true is dropped, and several in
a row end the trust.
"""

from collections import deque
from itertools import pairwise
from math import cos, hypot, isfinite, radians, sqrt
from statistics import median

from firmware_bridge.dialect import Check
from firmware_bridge.messages import Motion, Quat, Vec3
from firmware_bridge.plain_quaternion import conjugate, multiply
from firmware_bridge.stages.lumps import lump_ends

FRAMES_IN_A_ROW = {Check.CRC16: 0, Check.SUM8: 3, Check.NONE: 24}
FRAMES_WITHOUT_STEADY_RATE = 100
"""A sender without a steady rate (on change only) is believed for its smooth motion alone, after this many."""
LOST_AFTER = 3
MAX_NORM_ERROR = 0.05
MAX_TURN_DEG, MAX_SPEED_DEG_S = 60.0, 1000.0
"""Between frames that are neighbours, and over the gap where some were lost to a stream that is believed."""
MAX_GYRO_DEG_S = 4000.0
MIN_ACCEL_G, MAX_ACCEL_G = 0.2, 16.0
"""A sensor that is thrown about falls freely for moments, so too little is a fault only while trust is asked for."""
MAX_ACCEL_STEP_G, MAX_GYRO_STEP_DEG_S = 1.0, 400.0
"""Between neighbours of a raw stream that asks for trust."""
MAX_BEND_DEG, BEND_NOISE_DEG, MAX_ACCELERATION_DEG_S2 = 30.0, 2.0, 6000.0
"""How far a frame may be from where the last two point, while trust is asked for; heads reach 4000 °/s²."""
NO_MEASUREMENT = 1e-24
"""A part of a quaternion that is smaller and not zero comes from random exponents; sin(180°) gives 1e-16."""
SILENCE_S = 1.0
"""After so long anything may have happened to the head."""
MIN_LUMPS, STEADY_FRAMES, STEADY_INTERVALS = 6, 1.1, 2.25
"""How many deliveries show a rate, how many frames the count may be away from the line through them, and how
many times longer than their median an interval between them may be. Of random arrivals 1 in 2000 pass."""
WINDOW = 256
STANDARD_GRAVITY_M_S2 = 9.80665


class TrustGate:
    """Admits the motions of one stream; one gate per connection. Thread: one.

    `refused` counts what was not admitted, `implausible` those of them that could not be true (the others were
    not yet believed); `why` is the last refusal in words.
    """

    def __init__(self, check: Check) -> None:
        self._stream_check = check
        self._guard(check)
        self.refused = self.implausible = 0
        self.why = ""
        self.reset()

    def reset(self) -> None:
        """Believe nothing any more, as after a reconnection; the counts stay."""
        self.trusted = False
        self._in_a_row = 0
        self._n_bad = 0
        self._arrivals_s: deque[float] = deque(maxlen=WINDOW)
        self._last: Motion | None = None
        self._last_step: Quat | None = None
        self._last_s = 0.0

    def admit(self, motion: Motion, arrival_s: float) -> bool:
        """Return whether this motion may be used; `arrival_s` never decreases. Never raises."""
        self._guard(Check.SUM8 if motion.weak and self._stream_check is Check.CRC16 else self._stream_check)
        fault = fault_alone(motion) or (self._fault_in_stream(motion, arrival_s) if self._needed else "")
        if self.trusted:
            return self._keep(motion, arrival_s, fault)
        if fault:
            self._start_over()
        # A frame that does not follow may itself be the first of a true stream.
        if not fault_alone(motion):
            self._in_a_row += 1
            self._arrivals_s.append(arrival_s)
            self._remember(motion, arrival_s)
        if self._is_proven():
            self.trusted, self._n_bad = True, 0
            return True
        return self._refuse(fault)

    def _guard(self, check: Check) -> None:
        """Take what guards the frame at hand for what decides."""
        self._check, self._needed = check, FRAMES_IN_A_ROW[check]

    def _keep(self, motion: Motion, arrival_s: float, fault: str) -> bool:
        if not fault:
            self._n_bad = 0
            self._remember(motion, arrival_s)
            return True
        self._n_bad += 1
        if self._needed and self._n_bad >= LOST_AFTER:
            self.trusted = False
            self._start_over()
        return self._refuse(fault)

    def _refuse(self, fault: str) -> bool:
        self.refused += 1
        self.implausible += bool(fault)
        self.why = fault or "the stream has not yet shown a steady rate and smooth motion for long enough"
        return False

    def _start_over(self) -> None:
        self._in_a_row = 0
        self._arrivals_s.clear()
        self._last = self._last_step = None

    def _remember(self, motion: Motion, arrival_s: float) -> None:
        before = self._last.quat_wxyz if self._last is not None else None
        if not self.trusted and before is not None and motion.quat_wxyz is not None:
            self._last_step = multiply(conjugate(before), motion.quat_wxyz)
        self._last, self._last_s = motion, arrival_s

    def _fault_in_stream(self, motion: Motion, arrival_s: float) -> str:
        last = self._last
        if last is None:
            return ""
        if arrival_s - self._last_s > SILENCE_S or motion.reference != last.reference:
            # Of a believed stream that is news; who asks for trust has to be of one piece.
            return "" if self.trusted else "it was silent or set a new zero before it was believed"
        if motion.quat_wxyz is None or last.quat_wxyz is None:
            return "" if self.trusted or self._check is not Check.NONE else raw_jump(last, motion)
        gap_s = arrival_s - self._last_s if self.trusted else 0.0
        limit_deg = min(180.0, max(MAX_TURN_DEG, MAX_SPEED_DEG_S * gap_s))
        if abs(dot(last.quat_wxyz, motion.quat_wxyz)) < cos(radians(0.5 * limit_deg)):
            return f"it turned by more than {limit_deg:.0f}° between two frames"
        if not self.trusted and self._check is Check.NONE:
            return self._bend(last.quat_wxyz, motion.quat_wxyz)
        return ""

    def _bend(self, before: Quat, now: Quat) -> str:
        if any(0.0 < abs(part) < NO_MEASUREMENT for part in now):
            return "it holds numbers too small for a measurement"
        if self._last_step is None:
            return ""
        arrivals = self._arrivals_s
        period_s = (arrivals[-1] - arrivals[0]) / max(1, len(arrivals) - 1)
        limit_deg = min(MAX_BEND_DEG, BEND_NOISE_DEG + MAX_ACCELERATION_DEG_S2 * period_s**2)
        if abs(dot(self._last_step, multiply(conjugate(before), now))) < cos(radians(0.5 * limit_deg)):
            return "it moves as no head does"
        return ""

    def _is_proven(self) -> bool:
        if self._in_a_row < max(1, self._needed):
            return False
        if self._check is not Check.NONE or self._in_a_row >= FRAMES_WITHOUT_STEADY_RATE:
            return True
        return is_steady(list(self._arrivals_s), self._needed)


def fault_alone(motion: Motion) -> str:
    """Return in words what cannot be true of this motion by itself, "" if nothing."""
    quat, gyro, accel = motion.quat_wxyz, motion.gyro_rad_s, motion.accel_m_s2
    # A sum is finite only if all its parts are (or it overflows, which is no measurement either).
    if not isfinite(sum(map(abs, (*(quat or ()), *(gyro or ()), *(accel or ()), *(motion.mag_ut or ()))))):
        return "it holds a number that is not finite"
    if quat is not None and abs(sqrt(dot(quat, quat)) - 1.0) > MAX_NORM_ERROR:
        return f"its quaternion is {sqrt(dot(quat, quat)):.2f} long instead of 1"
    if gyro is not None and hypot(*gyro) > radians(MAX_GYRO_DEG_S):
        return f"it turns faster than {MAX_GYRO_DEG_S:.0f} °/s"
    if quat is None and gyro is None and accel is None:
        return "it holds no motion"
    if quat is None and accel is not None:
        accel_g = hypot(*accel) / STANDARD_GRAVITY_M_S2
        if accel_g > MAX_ACCEL_G:
            return f"its acceleration is {accel_g:.2g} g"
    return ""


def raw_jump(before: Motion, now: Motion) -> str:
    """Return in words how raw values jumped between neighbours or lack gravity, "" if all is well."""
    if now.accel_m_s2 is not None and hypot(*now.accel_m_s2) < MIN_ACCEL_G * STANDARD_GRAVITY_M_S2:
        return "its acceleration lacks gravity"
    accel_step = distance(before.accel_m_s2, now.accel_m_s2) / STANDARD_GRAVITY_M_S2
    gyro_step = distance(before.gyro_rad_s, now.gyro_rad_s)
    if accel_step > MAX_ACCEL_STEP_G or gyro_step > radians(MAX_GYRO_STEP_DEG_S):
        return "its raw values jump from frame to frame"
    return ""


def is_steady(arrivals_s: list[float], n_frames: int) -> bool:
    """Return whether the last frames, `n_frames` or more, came at one rate, alone or in lumps.

    Counted where a delivery ends, the number of frames lies on a straight line over time to within one frame,
    and deliveries differ by one frame (large ones by two), however the transport lumps them; random finds stray. The
    newest delivery is left out, for it may not be whole. Only as many frames are looked at as are needed.
    """
    ends = lump_ends(arrivals_s)
    first = next((k for k in range(len(ends) - MIN_LUMPS, -1, -1) if ends[-1] - ends[k] >= n_frames - 2), None)
    if first is None:
        return False
    ends = ends[first:]
    sizes = [b - a for a, b in pairwise(ends)]
    intervals_s = [arrivals_s[b] - arrivals_s[a] for a, b in pairwise(ends)]
    uneven = 1 if len(sizes) * 2 > ends[-1] - ends[0] else 2
    if max(sizes) - min(sizes) > uneven or max(intervals_s) > STEADY_INTERVALS * median(intervals_s):
        return False
    start, start_s = ends[0], arrivals_s[ends[0]]
    rate_hz = (ends[-1] - start) / (arrivals_s[ends[-1]] - start_s)
    return all(abs(i - start - rate_hz * (arrivals_s[i] - start_s)) <= STEADY_FRAMES for i in ends)


def dot(a: Quat, b: Quat) -> float:
    """Return the scalar product: the cosine of half the turn between unit quaternions."""
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2] + a[3] * b[3]


def distance(a: Vec3 | None, b: Vec3 | None) -> float:
    """Return the distance of two vectors, 0 where either is not told."""
    return 0.0 if a is None or b is None else hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2])
