"""Which of the wanted versions there are: none that is the same as the session as it is set now, and not one alone."""

from collections.abc import Callable, Sequence

from rt_render.app.comparison.slots import Slot, slot_named
from rt_render.app.ears import Ears


class Offer:
    """Follows the head and the order that ears are set to; `on_message` is told what is left out, once. One thread."""

    def __init__(self, names: Sequence[str], ears: Ears, on_message: Callable[[str], None]) -> None:
        self._ears, self._on_message = ears, on_message
        self._wanted = self._offered = tuple(map(slot_named, dict.fromkeys(names)))
        self._made_for: tuple[str, int] | None = None

    def news(self) -> tuple[Slot, ...] | None:
        """Return the versions where they may be others than those returned before, None where they are not."""
        if self._made_for == (self._ears.head, self._ears.order):
            return None
        self._made_for = head, order = self._ears.head, self._ears.order
        why = {slot: _why_the_same(slot, head, order) for slot in self._wanted}
        for slot in self._offered:
            if why[slot]:
                self._on_message(f"{slot.name} is not compared: {why[slot]}.")
        offered = tuple(slot for slot in self._wanted if order and not why[slot])
        self._offered = offered if len(offered) > 1 else ()
        return self._offered


def _why_the_same(slot: Slot, head: str, order: int) -> str:
    if slot.order is not None and slot.order >= order:
        return f"what plays is of order {order}"
    return "it is the head that is heard" if slot.head == head else ""
