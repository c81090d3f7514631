"""What went wrong in a session, as a section of a report."""

from rt_render.app.glitches import Glitches
from rt_render.app.words import clock, counted

_TOLD = 20


def glitches_markdown(glitches: Glitches) -> str:
    """Return the section: how many of each, and the newest ones with time and likely cause; "" where all was well."""
    if glitches.last is None:
        return ""
    rows = "".join(f"| {clock(g.time_s)} | {g.at[11:23]} | {g.text} | {g.likely} |\n" for g in glitches.listed[-_TOLD:])
    n_all = sum(glitches.counts.values())
    newest = f" The newest {_TOLD} of {n_all}:" if n_all > _TOLD else ""
    lost = f" Of {glitches.lost} more events nothing but their number is known." if glitches.lost else ""
    return (
        f"## What went wrong\n\nIn all: {counted(glitches)}.{lost}{newest}\n\n"
        f"| in the session | by the clock | what | likely because |\n| ---: | --- | --- | --- |\n{rows}\n"
    )
