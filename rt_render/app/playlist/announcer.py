"""Tells of a playlist's items when they are heard, not when they are read ahead."""

from collections.abc import Callable

from rt_render.app.playlist.playlist_source import playlist_in
from rt_render.io.source import Source


def announcer(
    source: Source, heard_frame: Callable[[], int], on_message: Callable[[str], None]
) -> Callable[[], None] | None:
    """Return what to call now and then, on one thread, so that each item is told once it is heard.

    `heard_frame`: that of the source. None for a source that is no playlist.
    """
    playlist = playlist_in(source)
    if playlist is None:
        return None
    timeline, told_frame = playlist.timeline, -1

    def look() -> None:
        nonlocal told_frame
        for place in timeline.begun(told_frame, heard_frame()):
            if place.words:
                told_frame = place.start_frame
                on_message(place.words)

    return look
