"""The straight line under delayed moments: what clocks would show if frames never waited on their way.

A frame arrives when it was made plus the shortest way plus a wait that is never negative. Over time, the
offset arrival - clock is thus a line (offset and skew of the clock) with the waits on top of it. The smallest
offset of each bucket has hardly waited; the line is fitted through those (bucket minima, least squares,
those that waited all the same left out).
"""

from collections import deque
from math import sqrt
from statistics import median

MIN_SCATTER_S = 20e-6
"""Bucket minima scatter at least so much (a scheduler's jitter), and by about a tenth of the mean wait."""
SCATTER_OF_WAIT = 0.1
MAX_FITS = 5
"""How often minima that waited all the same are looked for and left out, as after a stalled second."""
MAX_SLEW = 200e-6
"""How fast the followed offset may approach the line: 200 ppm, or within `settle_s` where it is far away."""
WAIT_AVERAGE = 0.01


class LowerLine:
    """Follows the line under points (x, y), both seconds, x rising. Thread: one.

    `slope` is dy/dx, `mean_wait_s` how far points lie above the line on average, `scatter_s` how far the
    bucket minima lie from it, `lag_s` how far the followed offset was from its aim at last. Cost: a few
    comparisons a point, a small fit once a bucket.
    """

    def __init__(self, bucket_s: float, n_buckets: int, settle_s: float) -> None:
        self._bucket_s = bucket_s
        self._settle_s = settle_s
        self._minima: deque[tuple[float, float]] = deque(maxlen=n_buckets)
        self._bucket_end: float | None = None
        self._lowest = (0.0, 0.0)
        self._x0 = self._y0 = 0.0
        self.slope = 0.0
        self.scatter_s = 0.0
        self.mean_wait_s = 0.0
        self._followed: float | None = None
        self._followed_x = 0.0
        self.lag_s = 0.0

    @property
    def n_buckets(self) -> int:
        """Return how many buckets the line rests on; 0 while the first is being filled."""
        return len(self._minima)

    def value(self, x: float) -> float:
        """Return the line at x; the smallest y so far while the first bucket is being filled."""
        return self._y0 + self.slope * (x - self._x0)

    def add(self, x: float, y: float) -> None:
        """Take a point; a line without points begins here."""
        if self._bucket_end is None:
            self._open(x, y)
            self._x0, self._y0 = x, y
        elif x >= self._bucket_end:
            self._minima.append(self._lowest)
            self._fit()
            self._open(x, y)
        elif y - self.slope * x < self._lowest[1] - self.slope * self._lowest[0]:
            self._lowest = (x, y)
        wait_s = y - self.value(x)
        if wait_s < 0.0 and not self._minima:
            self._x0, self._y0 = x, y
        self.mean_wait_s += WAIT_AVERAGE * (max(0.0, wait_s) - self.mean_wait_s)

    def follow(self, x: float, below_s: float = 0.0) -> float:
        """Return the line at x less `below_s`, approached without a step; at once while the first bucket fills."""
        target = self.value(x) - below_s
        if self._followed is None or not self._minima:
            self._followed = target
        else:
            dx = max(0.0, x - self._followed_x)
            expected = self._followed + self.slope * dx
            error = target - expected
            step = dx * max(MAX_SLEW, abs(error) / self._settle_s)
            self._followed = expected + min(step, max(-step, error))
        self.lag_s = abs(target - self._followed)
        self._followed_x = max(x, self._followed_x)
        return self._followed

    def _open(self, x: float, y: float) -> None:
        self._bucket_end = x + self._bucket_s
        self._lowest = (x, y)

    def _fit(self) -> None:
        points = list(self._minima)
        self._fit_through(points)
        for _ in range(MAX_FITS):
            kept = [(x, y) for x, y in points if y - self.value(x) <= 3.0 * self.scatter_s]
            if not 2 <= len(kept) < len(points):
                return
            points = kept
            self._fit_through(points)

    def _fit_through(self, points: list[tuple[float, float]]) -> None:
        n = len(points)
        x0, y0 = sum(x for x, _ in points) / n, sum(y for _, y in points) / n
        sxx = sum((x - x0) ** 2 for x, _ in points)
        slope = 0.0
        if n >= 2 and sxx > 0.0:
            slope = sum((x - x0) * (y - y0) for x, y in points) / sxx
            rms = sqrt(sum((y - y0 - slope * (x - x0)) ** 2 for x, y in points) / n)
            error = max(rms, MIN_SCATTER_S, SCATTER_OF_WAIT * self.mean_wait_s) / sqrt(sxx)
            # A slope that may as well be none is none: quartz is better than the first seconds' estimate.
            slope *= max(0.0, 1.0 - (2.0 * error / slope) ** 2) if slope else 0.0
        self._x0, self._y0, self.slope = x0, y0, slope
        self.scatter_s = MIN_SCATTER_S + 1.5 * median(abs(y - self.value(x)) for x, y in points)
