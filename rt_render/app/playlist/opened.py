"""An item that is ready to be played."""

from dataclasses import dataclass

from rt_render.app.playlist.voice import Voice


@dataclass(frozen=True, slots=True)
class Opened:
    """An item's number from 0, its title as it is known now, and what plays it."""

    index: int
    title: str
    voice: Voice

    def close(self) -> None:
        """Let go of its file."""
        self.voice.close()
