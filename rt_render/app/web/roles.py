"""Who looks at a page: an operator, or a visitor of a booth, for whom there is no set-up."""

import hashlib
from collections.abc import Sequence
from enum import Enum
from typing import Any


class Role(Enum):
    """What somebody at a page may do: all, or all but what belongs to the set-up."""

    OPERATOR = "operator"
    VISITOR = "visitor"

    def may_use(self, control: dict[str, Any]) -> bool:
        """Whether a control, as a desk's `controls` tells it, is for this role."""
        return self is Role.OPERATOR or not control["setup"]

    def told(self, state: dict[str, Any], controls: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """Return what of a desk's state this role is told, where it has these controls.

        Visitors are told no sentences but answers, and no names of devices and machines that a cause may have.
        """
        if self is Role.OPERATOR or not state:
            return state
        names = {control["name"] for control in controls}
        return {
            **state,
            "values": {name: value for name, value in state["values"].items() if name in names},
            "messages": state["answers"],
            "tracker": {**state["tracker"], "text": _without_sender(state["tracker"]["text"])},
            "glitches": [{**glitch, "cause": ""} for glitch in state["glitches"]],
        }


def _without_sender(tracker: str) -> str:
    """Return how the tracker does without who it is, which stands before and may be an address or a path."""
    return tracker.rpartition(": ")[2]


def visitors_token(token: str) -> str:
    """Return the token of visitors to that of the operator, which nobody finds out from it."""
    return hashlib.scrypt(token.encode(), salt=b"visitors", n=2**14, r=8, p=1, dklen=12).hex()
