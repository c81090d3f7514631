"""What can be compared: each version differs from the session in one thing."""

from dataclasses import dataclass

STEREO = "stereo"
LETTERS = "ABCDEFGHI"


@dataclass(frozen=True, slots=True)
class Slot:
    """A version of what is heard: its name in the settings, how it is called, and what differs.

    `tracked`: whether the field stays while the head turns. `head`, `order`: another one's; None for the session's.
    """

    name: str
    title: str
    about: str
    tracked: bool = True
    head: str | None = None
    order: int | None = None

    @property
    def own(self) -> bool:
        """Whether it is heard through the session's own filters."""
        return self.name != STEREO and self.head is None and self.order is None


_PLAIN = (
    Slot("tracked", "Tracked", "the room stays, you turn"),
    Slot("untracked", "Untracked", "the room turns with you", tracked=False),
    Slot(STEREO, "Plain stereo", "a down-mix of the field, untracked", tracked=False),
)


def slot_named(name: str) -> Slot:
    """Return the version of a name as the settings have checked it: tracked, untracked, stereo, head:X or order:N."""
    for slot in _PLAIN:
        if slot.name == name:
            return slot
    kind, _, value = name.partition(":")
    if kind == "head":
        return Slot(name, f"Head: {value}", "other ears", head=value)
    return Slot(name, f"Order {value}", f"{(int(value) + 1) ** 2} channels", order=int(value))
