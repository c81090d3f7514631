"""What the self-test found, link by link, and what to do about it."""

from collections.abc import Sequence
from dataclasses import dataclass

from rt_render.app.selftest.faults import Fault
from rt_render.app.selftest.judge import TrialResult

REPORT = "this is a fault of the program: report it with the output of `rt-render doctor`"


@dataclass(frozen=True, slots=True)
class Check:
    """One link looked at. `ok` is None where it is only noted or could not be judged; `text` says what is wrong, and
    `next_step` what to do."""

    link: str
    name: str
    ok: bool | None
    text: str = ""
    next_step: str = ""
    trials: tuple[TrialResult, ...] = ()

    @property
    def sentence(self) -> str:
        """What is wrong and what to do, as one sentence; "" where there is nothing to say."""
        if not self.text:
            return ""
        said = f"{self.name}: {self.text}"
        return f"{said}; {self.next_step}." if self.next_step else f"{said}."


@dataclass(frozen=True, slots=True)
class SelfTest:
    """All checks, from the head to the ears. `wrong_link` is the first link of the chain that is wrong, "" for none;
    what comes behind it may only follow from it. `not_judged` says what this order or head cannot show."""

    head: str
    order: int
    method: str
    fs_hz: int
    block_size: int
    dialect: str
    checks: tuple[Check, ...]
    not_judged: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether no link is wrong."""
        return not self.failed

    @property
    def failed(self) -> list[Check]:
        """The checks that found something wrong, in the order of the chain."""
        return [check for check in self.checks if check.ok is False]

    @property
    def wrong_link(self) -> str:
        """The first wrong link."""
        return self.failed[0].link if self.failed else ""

    @property
    def text(self) -> str:
        """The outcome in one sentence."""
        if self.ok:
            return "every link of the chain is right: the sound stays where it is while the head turns."
        return f"wrong is the link {self.wrong_link!r}: {self.failed[0].sentence}"

    @property
    def live(self) -> Check | None:
        """The check of the whole chain."""
        return next((check for check in self.checks if check.name == WHOLE), None)


WHOLE = "whole chain, live"


def next_step_for_dialect(fault: Fault | None, inverted: Sequence[str]) -> str:
    """Return what to do where a wearable's angles come out wrong, with the switches that are set now."""
    if fault is None or not fault.inverted or fault.ears_swapped:
        return f"choose the dialect that the device speaks (`firmware-bridge dialects`); if it is this one, {REPORT}"
    names = ", ".join(f'"{name}"' for name in fault.inverted)
    if set(fault.inverted) <= set(inverted):
        return f"take {names} out of `invert` in [tracking]"
    wanted = ", ".join(f'"{name}"' for name in sorted(set(fault.inverted) ^ set(inverted)))
    return f"write `invert = [{wanted}]` in [tracking], or choose the dialect that the device speaks"
