"""Where a session is in its source: within a lap of it, or within an item of a playlist."""

from dataclasses import dataclass

from rt_render.app.playlist.transport import PlaylistMoment, PlaylistTransport
from rt_render.app.winding import Winding


@dataclass(frozen=True, slots=True)
class Moment:
    """Position and length are those within a lap, counted from 1, where the source is looped, or within the item.

    `played_frames` is what has sounded of the source, however it was wound; `item` tells of the playlist's item.
    """

    position_frames: int
    length_frames: int | None
    lap: int | None
    played_frames: int
    item: PlaylistMoment | None


def moment_of(
    winding: Winding, playlist: PlaylistTransport | None, n_frames: int | None, lap_frames: int | None
) -> Moment:
    """Return where it is now; `n_frames` is the source's length and `lap_frames` a lap's, None where it has none."""
    frame = winding.frame()
    item = playlist.moment() if playlist else None
    position, length = (frame % lap_frames, lap_frames) if lap_frames else (frame, n_frames)
    if item:
        position, length = item.position_frames, item.length_frames
    lap = frame // lap_frames + 1 if lap_frames else None
    return Moment(position, length, lap, winding.played_frames(frame), item)
