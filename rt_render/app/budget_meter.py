"""The latency budget of a running session: of the last seconds, and of all of it."""

import threading
from collections import deque
from dataclasses import replace

import numpy as np

from rt_render.app.budget import HEARD, Array, Budget, budget_of, heard_poses, predicted
from rt_render.app.budget_terms import Terms, is_predicting
from rt_render.app.thinned import Thinned
from rt_render.app.trace_feed import Rows

RECENT_S = 5.0


class BudgetMeter:
    """Takes the rows of a trace and tells the budget. `take` on the trace's thread, all else on the control thread."""

    def __init__(self, terms: Terms) -> None:
        self._terms = terms
        self._lock = threading.Lock()
        self._before: Rows | None = None
        self._recent: deque[tuple[float, Rows, Array]] = deque()
        self._poses, self._ahead_left = Thinned((), HEARD), Thinned((2,), np.float64)
        self._told: tuple[float, Budget | None] = (-RECENT_S, None)

    def take(self, rows: Rows) -> None:
        """Take in what blocks have left behind, in order."""
        together = rows if self._before is None else np.concatenate([self._before, rows])
        self._before = together[-2:]
        poses = heard_poses(together, self._terms)
        ahead_left = predicted(together, self._terms)
        now_s = float(rows["begin_s"][-1])
        with self._lock:
            self._recent.append((now_s, poses, ahead_left))
            while self._recent[0][0] < now_s - RECENT_S:
                self._recent.popleft()
            self._poses.add(poses, poses["interval_s"] + poses["age_s"] + poses["device_s"])
            self._ahead_left.add(ahead_left, ahead_left[:, 1])

    def set_extra(self, extra_s: float) -> None:
        """Say how long sound takes from the converter to the ears from now on."""
        self._terms = replace(self._terms, extra_s=extra_s)

    def set_onset(self, onset_s: float) -> None:
        """Say how long filters take to answer from now on."""
        self._terms = replace(self._terms, onset_s=onset_s)

    def set_prediction(self, prediction: str) -> None:
        """Say how poses are predicted from now on, as in the settings."""
        self._terms = replace(self._terms, predicts=is_predicting(prediction, 1e3 * self._terms.cap_s))

    def recent(self, now_s: float) -> Budget | None:
        """Return the budget of the last seconds, anew once a second; None without poses."""
        told_s, budget = self._told
        if now_s - told_s >= 1.0:
            with self._lock:
                batches = [batch for batch in self._recent if batch[0] > now_s - RECENT_S]
            budget = None
            if batches:
                poses, ahead_left = (np.concatenate(each) for each in list(zip(*batches, strict=True))[1:])
                budget = budget_of(poses, ahead_left, self._terms)
            self._told = (now_s, budget)
        return budget

    def whole(self) -> Budget | None:
        """Return the budget of all that was heard, None without poses."""
        with self._lock:
            poses, ahead_left, n_poses = self._poses.values(), self._ahead_left.values(), self._poses.n_added
        budget = budget_of(poses, ahead_left, self._terms)
        return None if budget is None else replace(budget, n_poses=n_poses)
