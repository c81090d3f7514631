"""What the terminal shows beside a session's own status: versions to compare, the visit, what is being prepared."""

from typing import Any

from rich.text import Text

from rt_render.app.glitches import RECENT_S
from rt_render.app.words import clock

State = dict[str, Any]
"""What a desk's `state` returns."""


def is_blind(state: State) -> bool:
    """Return whether versions are compared without their names."""
    return bool((state.get("compare") or {}).get("blind"))


def names_of_ears(n_levels: int) -> tuple[str, ...]:
    """Return what stands before levels, as `ear_levels` has them."""
    return ("left", "right") if n_levels > 1 else ("ears",)


def glitch_style(age_s: float | None) -> str:
    """Return how the last glitch is shown: in colour as long as it is a reason to look now."""
    return "yellow" if age_s is not None and age_s < RECENT_S else "dim"


def compare_text(state: State) -> Text | None:
    """Return the versions with their keys, the one that is heard marked; None where there is nothing to compare."""
    compare = state.get("compare")
    if not compare:
        return None
    text = Text("blind: " if compare["blind"] else "")
    for number, slot in enumerate(compare["slots"], 1):
        heard = slot["name"] == compare["active"]
        text.append(
            f"[{number} {slot['name']}]" if heard else f" {number} {slot['name']} ", "reverse" if heard else "dim"
        )
    text.append("  a: next", "dim")
    return text


def visit_text(state: State) -> str | None:
    """Return whether somebody is there; None where no booth counts visits."""
    if "visit" not in state:
        return None
    visit = state["visit"]
    if visit:
        return f"number {visit['number']}, for {clock(visit['since_s'])}"
    return "the headphones lie still; it goes on as they are taken" if state.get("resting") else "nobody yet"


def in_short(state: State) -> str:
    """Return version and visit for a plain line, "" where there are none."""
    compare, visit = state.get("compare"), state.get("visit")
    version = f"  version {compare['active']}" if compare else ""
    number = f"  visit {visit['number']}" if visit else "  resting" if state.get("resting") else ""
    return f"{version}{number}"
