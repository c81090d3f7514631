"""What a session tells of itself at one moment."""

from dataclasses import dataclass

from firmware_bridge.messages import Quat
from firmware_bridge.status import BridgeStatus
from rt_render.app.budget import Budget
from rt_render.app.glitches import Glitches
from rt_render.app.playlist.transport import PlaylistMoment
from rt_render.engine.snapshot import Snapshot
from rt_render.io.sound_card import CardStatus


@dataclass(frozen=True, slots=True)
class SessionStatus:
    """What a session does at one moment, for displays and reports.

    `played_s` is what has sounded of the source, however it was wound; `lap` counts from 1 where the source is
    looped, and position and length are then those within a lap; in a playlist they are those of the item, which
    `playlist` tells of. `head` is where the head is, scalar first, whether or not the sound follows it;
    `follows_head` says whether it does, but blind as if every version did. `budget` is that of the last seconds (of
    all, at the end), None where no pose was heard or followed. `glitches`: what went wrong since the start, each with
    its time and likely cause.
    """

    engine: Snapshot
    card: CardStatus
    tracker: BridgeStatus | None
    position_s: float
    length_s: float | None
    lap: int | None
    played_s: float
    playing: bool
    muted: bool
    tracking: bool
    follows_head: bool
    head: Quat
    gain_db: float
    budget: Budget | None
    glitches: Glitches
    playlist: PlaylistMoment | None = None
