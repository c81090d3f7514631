"""What somebody may have meant who wrote a name that there is not."""

from collections.abc import Iterable
from difflib import get_close_matches


def meant(name: str, names: Iterable[str]) -> str:
    """Return "did you mean 'razor'? ", for a sentence that goes on; "" where no name is near."""
    near = get_close_matches(name, list(names), 1)
    return f"did you mean {near[0]!r}? " if near else ""
