"""What `render` returns: the engine's counters, and of a log how near it is to what was heard."""

from dataclasses import asdict, dataclass
from typing import Any

from rt_render.app.replay_verdict import ReplayVerdict
from rt_render.engine.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Rendered:
    """A file that was rendered; `replay` is None where it was not made of a log."""

    engine: Snapshot
    replay: ReplayVerdict | None = None

    def as_json(self) -> dict[str, Any]:
        """Return it as plain numbers and words."""
        engine, replay = self.engine, self.replay
        told = None
        if replay is not None:
            told = {"heard_again": replay.heard_again} | asdict(replay) | {"words": list(replay.sentences())}
        return {
            "blocks": engine.blocks,
            "highest_peak": engine.highest_peak,
            "limited_blocks": engine.limited_blocks,
            "non_finite": engine.non_finite,
            "replay": told,
        }
